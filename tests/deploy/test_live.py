"""Every query of the dashboard and every rule, run by a real Prometheus."""

import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from deploy.grafana import generate
from margingate_server.clock import SystemClock
from margingate_server.observe import labels
from margingate_server.observe.account_metrics import RATIOS
from margingate_server.observe.http import HttpEndpoint
from margingate_server.observe.metrics import Metrics
from margingate_server.rpc.turns import Turns
from tests.deploy.exported import DEPLOY
from tests.deploy.prometheus_process import PROMETHEUS, Query, scraping, wait_until

pytestmark = pytest.mark.skipif(
    PROMETHEUS is None, reason="prometheus is missing: apt-get install prometheus"
)

EXPRESSIONS = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in generate.panels()
    for target in panel.get("targets", [])
}
# Rules read windows of minutes and hours; those are for promtool's tests.
READY = "count_over_time(margingate_build_info[1m]) >= 8"


def substituted(expression: str) -> str:
    """The expression as Grafana would send it."""
    return (
        expression.replace("$__rate_interval", "4s")
        .replace("$job", "margingate")
        .replace("$instance", ".+")
    )


def happen(metrics: Metrics) -> None:
    """Everything that can happen, once."""
    metrics.requests.started()
    for method in ("MarginService/CheckOrder", "MarginService/PreviewOrder"):
        metrics.requests.started()
        metrics.requests.finished(f"/margingate.v1.{method}", "OK", 0.0012)
    metrics.requests.finished("/margingate.v1.AdminService/GetLimits", "INTERNAL", 0.02)
    metrics.requests.shed("overload")
    for reason in ("none", "none", "none", "off_tick"):
        metrics.decisions.decided(reason)
    metrics.decisions.previewed("none")
    metrics.decisions.replayed()
    metrics.decisions.flagged("late")
    for stage in labels.STAGES:
        metrics.decisions.stage_finished(stage, 0.0001)
    metrics.ledger.committed(4, 900, 0.0004)
    metrics.ledger.snapshot_made()
    metrics.ledger.disk_changed(10**10)
    metrics.ledger.recorded("order_accepted", 4)
    metrics.ledger.health_changed(is_healthy=True)
    metrics.market.updated(7, priced=900, unpriced=2)
    metrics.market.update_failed("no_index")
    metrics.market.revalued(0.006)
    metrics.market.parameters_changed("span", "abcd")
    metrics.quality.found("BTC", "basis", 1)
    metrics.quality.uncertain(doubted=1, surcharged=2)
    metrics.accounts.figured(0.05, {"healthy": 3}, dict.fromkeys(RATIOS, 1))
    metrics.accounts.published("warning")
    metrics.feed.volatility_index_changed("BTC", 0.5)
    metrics.streams.alert_found(0.01)
    metrics.streams.watched(0.001)


@pytest.fixture(scope="module")
def query(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Query]:
    metrics = Metrics(
        CollectorRegistry(),
        version="1.2.3",
        age_seconds_by_underlying=lambda: {"BTC": 0.2, "ETH": 12.0},
    )
    metrics.market.marks.follow(lambda: {"BTC": (0.1, 0.5)})
    metrics.readiness.follow(lambda: {"ledger": True, "market": True})
    metrics.background.follow(Turns("upkeep", SystemClock()))
    stop = threading.Event()

    def keep_happening() -> None:
        while not stop.wait(0.02):
            happen(metrics)

    directory: Path = tmp_path_factory.mktemp("prometheus")
    worker = threading.Thread(target=keep_happening)
    with (
        HttpEndpoint(metrics.registry, dict) as endpoint,
        scraping(endpoint.port, directory) as ask,
    ):
        worker.start()
        try:
            wait_until(lambda: bool(ask(READY)), 30)
            yield ask
        finally:
            stop.set()
            worker.join()


def values(samples: list[dict[str, Any]]) -> list[float]:
    return [float(sample["value"][1]) for sample in samples]


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_every_query_of_the_dashboard_answers_with_numbers(query: Query, name: str) -> None:
    found = values(query(substituted(EXPRESSIONS[name])))
    assert found
    assert all(math.isfinite(value) and value >= 0 for value in found)


def test_the_accept_ratio_is_the_share_of_acceptances(query: Query) -> None:
    (ratio,) = values(query(substituted(EXPRESSIONS["Accept ratio A"])))
    assert ratio == pytest.approx(0.75, abs=0.02)


def test_quantiles_lie_in_the_bucket_of_what_was_observed(query: Query) -> None:
    (p99,) = values(query(substituted(EXPRESSIONS["Journal fsync B"])))
    assert 300e-6 < p99 <= 500e-6


def test_prometheus_scrapes_without_a_complaint(query: Query) -> None:
    assert values(query("up")) == [1.0]
    assert values(query("scrape_samples_scraped"))[0] < 500


def test_every_rule_evaluates_and_the_stale_price_is_found(query: Query) -> None:
    rules = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            query(rule["expr"])
    wait_until(lambda: bool(query('ALERTS{alertname="MarketDataStale"}')), 30)
    (alert,) = query('ALERTS{alertname="MarketDataStale"}')
    assert alert["metric"]["underlying"] == "ETH"
    assert not query('ALERTS{alertname="LedgerUnhealthy"}')
