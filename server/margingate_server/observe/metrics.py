"""Every metric of one server, declared once, on a registry of its own."""

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from margingate_server.observe.account_metrics import AccountMetrics
from margingate_server.observe.background_metrics import BackgroundMetrics
from margingate_server.observe.decision_metrics import DecisionMetrics
from margingate_server.observe.feed_metrics import FeedMetrics
from margingate_server.observe.ledger_metrics import LedgerMetrics
from margingate_server.observe.market_metrics import AgeByUnderlying, MarketMetrics
from margingate_server.observe.quality_metrics import QualityMetrics
from margingate_server.observe.readiness_metrics import ReadinessMetrics
from margingate_server.observe.request_metrics import RequestMetrics
from margingate_server.observe.stream_metrics import StreamMetrics

SERIES_MAX = 2200


def new_registry() -> CollectorRegistry:
    """An empty registry: one for each server, so that several can live in one process."""
    return CollectorRegistry()


class Metrics:
    """The metrics of one server, by who reports them; the methods of each part say what happened.

    registry: exported as a whole, at most SERIES_MAX series however the server is used.
    version: of the package. age_seconds_by_underlying: called at each scrape, in its thread.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        version: str,
        age_seconds_by_underlying: AgeByUnderlying,
    ) -> None:
        # Times of creation nearly double the series of counters, and rate() does without them.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library left it untyped
        self.registry = registry
        self.requests = RequestMetrics(registry)
        self.decisions = DecisionMetrics(registry)
        self.ledger = LedgerMetrics(registry)
        self.market = MarketMetrics(registry, age_seconds_by_underlying)
        self.quality = QualityMetrics(registry)
        self.accounts = AccountMetrics(registry)
        self.feed = FeedMetrics(registry)
        self.streams = StreamMetrics(registry)
        self.readiness = ReadinessMetrics(registry)
        self.background = BackgroundMetrics(registry)
        build = Info("margingate_build", "Version of the package that serves.", registry=registry)
        build.info({"version": version})
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
