"""What is counted and logged of streams, of watched accounts and of alerts."""

import io
import json

import pytest
from prometheus_client import CollectorRegistry

from margingate_server.observe.logs import Log, configure
from margingate_server.observe.metrics import Metrics
from margingate_server.stream_observing import StreamObserving

PATH = "/margingate.v1.AccountService/WatchAccount"
WATCH = {"method": "AccountService/WatchAccount"}


class Observed:
    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry, version="1", age_seconds_by_underlying=dict)
        self.lines = io.BytesIO()
        configure("info", self.lines)
        self.observer = StreamObserving(metrics, Log())

    def value(self, name: str, labels: dict[str, str] | None = None) -> float | None:
        return self.registry.get_sample_value(f"margingate_{name}", labels or {})

    def logged(self) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in self.lines.getvalue().splitlines()]
        kept = {"event", "method", "reason", "problem"}
        return [{key: line[key] for key in line.keys() & kept} for line in lines]


@pytest.fixture
def observed() -> Observed:
    return Observed()


def test_a_stream_is_counted_while_it_is_open_and_by_how_it_ended(observed: Observed) -> None:
    for _ in range(2):
        observed.observer.opened(PATH)
    observed.observer.sent(PATH)
    observed.observer.ended(PATH, "cancelled")
    assert observed.value("streams_open", WATCH) == 1
    assert observed.value("stream_sent_total", WATCH) == 1
    assert observed.value("stream_ends_total", {"reason": "cancelled"}) == 1
    assert observed.logged() == []


def test_who_is_dropped_or_refused_is_logged(observed: Observed) -> None:
    observed.observer.opened(PATH)
    observed.observer.ended(PATH, "slow_client")
    observed.observer.refused(PATH, "too_many_streams")
    assert observed.value("streams_open", WATCH) == 0
    assert observed.value("stream_ends_total", {"reason": "too_many_streams"}) == 1
    assert observed.logged() == [
        {"event": "slow_client_dropped", **WATCH},
        {"event": "stream_refused", "reason": "too_many_streams", **WATCH},
    ]


def test_alerts_and_watched_accounts_are_timed(observed: Observed) -> None:
    observed.observer.found(0.25)
    observed.observer.worked_out(0.001)
    observed.observer.conflated()
    observed.observer.unreadable(OSError(5, "broken"))
    assert observed.value("alert_delay_seconds_sum") == 0.25
    assert observed.value("watch_duration_seconds_count") == 1
    assert observed.value("watch_conflated_total") == 1
    (line,) = observed.logged()
    assert line["event"] == "alerts_unreadable"


def test_an_event_that_cannot_be_shown_is_an_incident(observed: Observed) -> None:
    incident = observed.observer.alert_failed(ValueError("why"), 17)
    line = json.loads(observed.lines.getvalue())
    assert (line["event"], line["seq"], line["incident"]) == ("alert_failed", 17, incident)
    assert "why" in line["exception"]
