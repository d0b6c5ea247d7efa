"""The text by which an operator names a feed."""

from typing import Final

from margingate_engine.core.errors import InvalidInput
from margingate_server.feeds.feed import Feed
from margingate_server.feeds.file.feed import FileFeed
from margingate_server.feeds.replay.feed import ReplayFeed
from margingate_server.feeds.simulated.feed import SimulatedFeed

_FILE: Final = "file:"
_REPLAY: Final = "replay:"

FROZEN_NS: Final = 1_769_160_000 * 10**9
"""2026-01-23 09:20 UTC, when the chain was taken that the surface is fitted to."""


def open_feed(spec: str, *, seed: int, start_ns: int, speed: float = 1.0) -> Feed:
    """The feed that `spec` names: `simulated`, `simulated:frozen`, `file:PATH` or `replay:PATH`.

    seed and start_ns (the server's clock) shape a simulated market; a frozen one stands at
    FROZEN_NS, whenever it is started, and a file knows its own instant. speed: of a replay.
    Raises InvalidInput("feed", ...) for any other text, and what opening a file or replay raises.
    """
    if spec == "simulated":
        return SimulatedFeed(seed, start_ns)
    if spec == "simulated:frozen":
        return SimulatedFeed(seed, FROZEN_NS, is_frozen=True)
    if spec.startswith(_FILE) and len(spec) > len(_FILE):
        return FileFeed.open(spec.removeprefix(_FILE))
    if spec.startswith(_REPLAY) and len(spec) > len(_REPLAY):
        return ReplayFeed.open(spec.removeprefix(_REPLAY), speed)
    raise InvalidInput("feed", "must be simulated, simulated:frozen, file:PATH or replay:PATH")
