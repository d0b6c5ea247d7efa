"""The text by which an operator names a feed."""

from typing import Final

from margingate_engine.core.errors import InvalidInput
from margingate_server.clock import Clock
from margingate_server.feeds.deribit.feed import DeribitFeed
from margingate_server.feeds.deribit.settings import settings_of
from margingate_server.feeds.feed import Feed
from margingate_server.feeds.file.feed import FileFeed
from margingate_server.feeds.observer import UNOBSERVED, FeedObserver
from margingate_server.feeds.replay.feed import ReplayFeed
from margingate_server.feeds.simulated.feed import SimulatedFeed

FROZEN_NS: Final = 1_769_160_000 * 10**9
"""2026-01-23 09:20 UTC, when the chain was taken that the surface is fitted to."""


def open_feed(
    spec: str,
    *,
    seed: int,
    start_ns: int,
    clock: Clock,
    speed: float = 1.0,
    observer: FeedObserver = UNOBSERVED,
) -> Feed:
    """The feed that `spec` names.

    `simulated`, `simulated:frozen`, `file:PATH`, `replay:PATH`, `deribit`, `deribit:testnet` or
    `deribit:URL`. seed and start_ns (the server's clock) shape a simulated market; a frozen one
    stands at FROZEN_NS, whenever it is started, and a file knows its own instant. speed: of a
    replay. clock: by which a venue's prices are late. observer: is told how a venue fares.
    Raises InvalidInput("feed", ...) for any other text, and what opening a file or replay raises.
    """
    if spec == "simulated":
        return SimulatedFeed(seed, start_ns)
    if spec == "simulated:frozen":
        return SimulatedFeed(seed, FROZEN_NS, is_frozen=True)
    name, _, more = spec.partition(":")
    if name == "file" and more:
        return _file(more)
    if name == "replay" and more:
        return ReplayFeed.open(more, speed)
    if name == "deribit" and not spec.endswith(":"):
        return DeribitFeed(settings_of(more), clock, observer)
    raise InvalidInput(
        "feed", "must be simulated, simulated:frozen, file:PATH, replay:PATH or deribit"
    )


def _file(path: str) -> FileFeed:
    """InvalidInput names the file before what is wrong in it."""
    try:
        return FileFeed.open(path)
    except InvalidInput as wrong:
        told = wrong.problem if path in wrong.problem else f"{path}: {wrong.field} {wrong.problem}"
        raise InvalidInput("feed", told) from None
