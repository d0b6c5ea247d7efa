"""The feed's thread: whatever goes wrong is counted, and the next prices are published."""

from dataclasses import replace
from threading import Event

import pytest
from prometheus_client import CollectorRegistry

from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.core.instruments import Instrument
from margingate_server import threads
from margingate_server.feed_loop import FeedLoop
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from tests.unit.engine.small_market import INSTRUMENTS, MARKS
from tests.unit.rpc.gate import Gate
from tests.unit.service.small_desk import SECOND_NS, update

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

    def stop(self) -> None:
        self.has_more.set()


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


class Lines(Log):
    """A log that keeps what it is warned of."""

    def __init__(self) -> None:
        super().__init__()
        self.warnings: list[tuple[str, dict[str, object]]] = []

    def warned(self, event: str, **fields: object) -> None:
        self.warnings.append((event, fields))


def test_a_contract_that_changed_is_left_out_with_its_price_and_the_rest_goes_on(
    metrics: Metrics,
) -> None:
    gate, feed, log = Gate(), ToldFeed(), Lines()
    changed = replace(INSTRUMENTS[0], lot_nano=INSTRUMENTS[0].lot_nano * 10)
    halted = replace(INSTRUMENTS[1], is_halted=True)
    feed.listed = (changed, halted, *INSTRUMENTS[2:])
    loop = FeedLoop(feed, gate.publisher, gate.clock, metrics, log)
    listed_ns = gate.clock.ns
    gate.clock.ns += 5
    assert loop.attempt()
    assert loop.attempt()
    view = gate.lane.look(lambda desk, _now_ns: desk.shard.market.view)
    assert view.table.instruments[:2] == (INSTRUMENTS[0], halted)
    ages = {
        name: gate.clock.ns - int(view.snapshot.observed_ns_i[view.table.row_by_name[name]])
        for name in MARKS
    }
    assert ages == {
        name: gate.clock.ns - listed_ns if name == changed.name else 0 for name in MARKS
    }
    assert errors_counted(metrics, "contract_changed") == 2
    assert log.warnings == [("contract_changed", {"instrument": changed.name})]


def test_a_venue_that_never_answers_does_not_keep_the_server_from_stopping(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "END_SECONDS_MAX", 0.05)
    asked, answer = Event(), Event()

    class SilentFeed(ToldFeed):
        def update(self, now_ns: int) -> MarketUpdate:
            asked.set()
            answer.wait(WAIT_SECONDS)
            return super().update(now_ns)

    gate = Gate()
    loop = FeedLoop(SilentFeed(), gate.publisher, gate.clock, metrics, Lines())
    loop.start()
    assert asked.wait(WAIT_SECONDS)
    assert not loop.stop()
    answer.set()
    monkeypatch.setattr(threads, "END_SECONDS_MAX", WAIT_SECONDS)
    assert loop.stop()


def test_an_attempt_says_whether_there_are_prices(metrics: Metrics) -> None:
    gate = Gate(is_listed=False)
    loop = FeedLoop(ToldFeed(MissingData("x")), gate.publisher, gate.clock, metrics, Lines())
    assert [loop.attempt(), loop.attempt()] == [False, True]


def test_prices_are_as_old_as_the_asking_however_long_a_listing_takes(metrics: Metrics) -> None:
    gate = Gate(is_listed=False)

    class SlowListing(ToldFeed):
        def instruments(self) -> tuple[Instrument, ...]:
            gate.clock.ns += 8 * SECOND_NS  # a disk that hesitates
            return self.listed

    loop = FeedLoop(SlowListing(), gate.publisher, gate.clock, metrics, Lines())
    assert loop.attempt()
    view = gate.lane.look(lambda desk, _now_ns: desk.shard.market.view)
    age_ns = gate.clock.ns - int(view.snapshot.observed_ns_u[0])
    assert abs(age_ns - 8 * SECOND_NS) < 1_000, "a float of seconds is so exact"
