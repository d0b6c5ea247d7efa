"""However the server is used, and whatever its callers send, the series stay within the budget."""

import re

from prometheus_client import generate_latest

from margingate_server.clock import SystemClock
from margingate_server.observe import feed_metrics, labels
from margingate_server.observe.metrics import SERIES_MAX, Metrics
from margingate_server.rpc.turns import Turns

MANY = 200


def use_in_every_way(metrics: Metrics) -> None:
    """Gives every label every value it can take, and many that it cannot."""
    inventions = [f"invented_{i}" for i in range(MANY)]
    paths = ["/margingate.v1." + method for method in labels.METHODS]
    for thread in ("alerts", "feed", "revaluation", "streams", "upkeep", "watching"):
        metrics.background.follow(Turns(thread, SystemClock()))
    metrics.readiness.follow(lambda: dict.fromkeys(("ledger", "market", "serving"), True))
    metrics.market.marks.follow(lambda: dict.fromkeys(inventions, (1.0, 2.0)))
    for path in (*paths, *inventions):
        for code in (*labels.GRPC_CODES, "invented"):
            metrics.requests.finished(path, code, 0.001)
    for reason in (*labels.REJECT_REASONS, "none", *inventions):
        metrics.decisions.decided(reason)
        metrics.decisions.previewed(reason)
    for name in inventions:
        metrics.requests.shed(name)
        metrics.decisions.flagged(name)
        metrics.ledger.recorded(name)
        metrics.market.update_failed(name)
        metrics.market.parameters_changed(name, name)
        metrics.streams.refused(name)
        metrics.feed.volatility_index_changed(name, 0.5)
    for name in (*feed_metrics.MESSAGES, *feed_metrics.DROPS, *feed_metrics.ENDINGS, *inventions):
        metrics.feed.received(name)
        metrics.feed.dropped(name)
        metrics.feed.disconnected(name)
        metrics.feed.listed({name: 1})
    metrics.quality.listed(inventions)
    for name in (*labels.DOUBTS, *inventions):
        for underlying in inventions[:9]:
            metrics.quality.found(underlying, name, 1)
        metrics.quality.found(name, "basis", 1)


def series_of(metrics: Metrics) -> list[str]:
    text = generate_latest(metrics.registry).decode()
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_worst_case_stays_within_the_budget(metrics: Metrics, ages: dict[str, float]) -> None:
    ages.update({f"COIN{i}": 1.0 for i in range(MANY)})
    use_in_every_way(metrics)
    series = series_of(metrics)
    assert len(set(series)) == len(series)
    assert 1000 < len(series) <= SERIES_MAX == 2200


def test_a_fresh_server_exports_few_series(metrics: Metrics) -> None:
    assert len(series_of(metrics)) < 360


def test_no_metric_has_a_label_that_names_who_or_what_was_traded(metrics: Metrics) -> None:
    use_in_every_way(metrics)
    names = {name for line in series_of(metrics) for name in re.findall(r'[{,](\w+)="', line)}
    assert names == {
        *("method", "grpc_code", "decision", "reason", "stage", "kind", "underlying", "scope"),
        *("state", "flag", "model", "digest", "version", "generation", "le", "ratio"),
        *("thread", "check", "quantile", "result"),
    }


def test_names_follow_the_conventions_of_prometheus(metrics: Metrics) -> None:
    families = [f for f in metrics.registry.collect() if f.name.startswith("margingate_")]
    assert len(families) == 53
    for family in families:
        assert family.documentation.endswith("."), family.name
        assert not re.search(r"_(ms|us|ns|kb|percent)(_|$)", family.name)
        if "duration" in family.name or "age" in family.name:
            assert family.name.endswith("_seconds")
