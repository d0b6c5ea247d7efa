"""The feed's thread: whatever goes wrong is counted, and the next prices are published."""

from threading import Event

import pytest
from prometheus_client import CollectorRegistry

from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.core.instruments import Instrument
from margingate_server.feed_loop import FeedLoop
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from tests.unit.engine.small_market import INSTRUMENTS
from tests.unit.rpc.gate import Gate
from tests.unit.service.small_desk import update

WAIT_SECONDS = 10


class ToldFeed:
    """A feed whose first updates fail in the ways given; `has_more` is set when they are over."""

    interval_seconds = 0.001

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.has_more = Event()
        self.listed: tuple[Instrument, ...] = tuple(INSTRUMENTS)

    def instruments(self) -> tuple[Instrument, ...]:
        return self.listed

    def update(self, _now_ns: int) -> MarketUpdate:
        if self.errors:
            raise self.errors.pop(0)
        self.has_more.set()
        return update()


class BrokenLog(Log):
    """A log that fails, which a log must not do."""

    def warned(self, event: str, **fields: object) -> None:
        raise OSError(event, fields)

    def incident(self, error: BaseException, event: str, **fields: object) -> str:
        raise OSError(event, fields) from error


@pytest.fixture
def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), version="1", age_seconds_by_underlying=dict)


def errors_counted(metrics: Metrics, reason: str) -> float | None:
    name = "margingate_market_update_errors_total"
    return metrics.registry.get_sample_value(name, {"reason": reason})


@pytest.mark.parametrize("log_type", [Log, BrokenLog])
def test_no_error_ends_the_feed(metrics: Metrics, log_type: type[Log]) -> None:
    gate = Gate()
    feed = ToldFeed(InvalidInput("x", "y"), MissingData("x"), RuntimeError("bug"))
    loop = FeedLoop(feed, gate.publisher, gate.clock, metrics, log_type())
    loop.start()
    assert feed.has_more.wait(WAIT_SECONDS)
    loop.stop()
    for reason in ("invalid", "missing", "unforeseen"):
        assert errors_counted(metrics, reason) == 1
