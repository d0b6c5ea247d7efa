"""The feed that a configuration asks for, and what goes with it."""

from collections.abc import Callable
from typing import Any

from margingate_engine.core.errors import InvalidInput
from margingate_server.clock import Clock
from margingate_server.config import ServerConfig
from margingate_server.feeds.feed import Feed
from margingate_server.feeds.held_back import HeldBack, Waiting
from margingate_server.feeds.observer import FeedObserver
from margingate_server.feeds.replay.feed import ReplayFeed
from margingate_server.feeds.spec import open_feed
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from margingate_server.replay_alongside import ReplayAlongside, Use
from margingate_server.rpc.observers import REASON_WORDS, tell


def feed_of(config: ServerConfig, clock: Clock, observer: FeedObserver) -> Feed | None:
    """The feed that is asked for; None where prices come by calls alone. As open_feed."""
    if config.feed == "none":
        return None
    is_held_still = config.is_frozen and config.feed == "simulated"
    spec = "simulated:frozen" if is_held_still else config.feed
    feed = open_feed(
        spec,
        seed=config.seed,
        start_ns=clock.now_ns(),
        clock=clock,
        speed=config.speed,
        observer=observer,
    )
    if not config.revalue_move:
        return feed
    if isinstance(feed, ReplayFeed):
        raise InvalidInput("revalue_move", "is not for a replay")
    return HeldBack(feed, Waiting(move=config.revalue_move, seconds=config.revalue_seconds))


def follower_of(
    feed: Feed, decide: Callable[[Use], Any], metrics: Metrics, log: Log
) -> Callable[[int], None]:
    """What is to be done after each of a feed's updates, told the server's time of it."""
    if not isinstance(feed, ReplayFeed):
        return lambda _now_ns: None
    decided = metrics.decisions.decided
    alongside = ReplayAlongside(
        feed,
        decide,
        log,
        on_answer=lambda answer: tell(decided, REASON_WORDS[answer.decision.reason]),
    )
    return alongside.follow
