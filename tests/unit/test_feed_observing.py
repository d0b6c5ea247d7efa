"""A live feed's fate in metrics and log."""

from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from margingate_server.feed_observing import DETAIL_LENGTH_MAX, FeedObserving
from margingate_server.feeds.deribit.listing import LEFT_OUT
from margingate_server.feeds.observer import FeedObserver
from margingate_server.observe import feed_metrics
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics


class Lines(Log):
    """A log that keeps its lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, dict[str, object]]] = []

    def told(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    def warned(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    def incident(self, error: BaseException, event: str, **fields: object) -> str:
        self.lines.append((event, fields | {"error": repr(error)}))
        return ""


class Observed:
    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry(), version="1", age_seconds_by_underlying=dict)
        self.log = Lines()
        self.observer: FeedObserver = FeedObserving(self.metrics, self.log)

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(f"margingate_feed_{name}", labels)


@pytest.fixture
def observed() -> Observed:
    return Observed()


def test_every_drop_is_counted_and_each_kind_logged_once(observed: Observed) -> None:
    for name in ("BTC-PERPETUAL", "ETH-PERPETUAL", "x" * 1000):
        observed.observer.dropped("crossed", name)
    observed.observer.dropped("malformed", "y" * 1000)
    assert observed.value("dropped_total", reason="crossed") == 3
    assert observed.log.lines == [
        ("feed_dropped", {"reason": "crossed", "detail": "BTC-PERPETUAL"}),
        ("feed_dropped", {"reason": "malformed", "detail": "y" * DETAIL_LENGTH_MAX}),
    ]


def test_the_connection_is_a_gauge_and_each_of_its_ends_is_counted_and_logged(
    observed: Observed,
) -> None:
    assert observed.value("connected") == 0
    observed.observer.connection_changed(is_connected=True)
    assert observed.value("connected") == 1
    observed.observer.connection_changed(is_connected=False)
    observed.observer.disconnected("silent", "", 0.51234)
    assert observed.value("connected") == 0
    assert observed.value("disconnects_total", reason="silent") == 1
    assert observed.log.lines == [
        ("feed_connected", {}),
        ("feed_disconnected", {"reason": "silent", "detail": "", "retry_seconds": 0.512}),
    ]


def test_what_is_left_out_is_a_gauge_and_logged_when_it_changes(observed: Observed) -> None:
    for left_out in ({"combo": 2}, {"combo": 2}, {"underlying": 1}):
        observed.observer.listed(50, left_out)
    assert observed.value("left_out", reason="combo") == 0
    assert observed.value("left_out", reason="underlying") == 1
    assert [event for event, _ in observed.log.lines] == ["feed_listed"] * 2


def test_messages_lag_and_volatility_are_told(observed: Observed) -> None:
    observed.observer.received("ticker")
    observed.observer.lagged(0.25)
    observed.observer.volatility_index_changed("BTC", 0.61)
    assert observed.value("received_total", kind="ticker") == 1
    assert observed.value("lag_seconds") == 0.25
    assert observed.value("volatility_index", underlying="BTC") == 0.61
    assert observed.log.lines == []


def test_what_nobody_foresaw_is_an_incident_once_for_each_kind_and_counted(
    observed: Observed,
) -> None:
    for number in range(3):
        observed.observer.failed(KeyError(number), f"ticker.BTC-{number}.agg2")
    observed.observer.failed(ValueError("x"), "connection")
    assert observed.value("dropped_total", reason="unforeseen") == 4
    assert [fields["where"] for _, fields in observed.log.lines] == [
        *("ticker.BTC-0.agg2", "connection")
    ]


@pytest.mark.parametrize("reason", sorted({*LEFT_OUT.values(), "unknown_kind", "underlying"}))
def test_every_reason_to_leave_an_entry_out_is_exported(reason: str) -> None:
    assert reason in feed_metrics.LEFT_OUT


@pytest.mark.parametrize("method", ["dropped", "disconnected", "received"])
def test_a_word_that_is_not_ours_makes_no_series(observed: Observed, method: str) -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "dropped": ("invented", ""),
        "disconnected": ("invented", "", 1.0),
        "received": ("invented",),
    }
    getattr(observed.observer, method)(*arguments[method])
    name = {"dropped": "dropped", "disconnected": "disconnects", "received": "received"}[method]
    label = "kind" if method == "received" else "reason"
    assert observed.value(f"{name}_total", **{label: "invented"}) is None
    assert observed.value(f"{name}_total", **{label: "other"}) == 1
