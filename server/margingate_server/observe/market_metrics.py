"""What is counted of the market and of the risk arrays made from it."""

from collections.abc import Callable, Iterator, Mapping
from operator import itemgetter

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from margingate_server.observe.children import Children
from margingate_server.observe.labels import REVALUATION_BUCKETS_SECONDS, UPDATE_ERRORS

UNDERLYINGS_MAX = 20
MODELS_MAX = 8
UPDATE_ERRORS_FURTHER_MAX = 8

AgeByUnderlying = Callable[[], Mapping[str, float]]
MarkAgesByUnderlying = Callable[[], Mapping[str, tuple[float, float]]]
"""Of each underlying the median and the oldest, seconds."""

QUANTILES = ("0.5", "1")


class MarketMetrics:
    """The snapshot in use, its age at each scrape, and the work done to replace it."""

    def __init__(
        self, registry: CollectorRegistry, age_seconds_by_underlying: AgeByUnderlying
    ) -> None:
        registry.register(MarketAges(age_seconds_by_underlying))
        self.marks = MarkAges(registry)
        self._version = Gauge(
            "margingate_market_version", "Version of the market snapshot in use.", registry=registry
        )
        self._updates = Counter(
            "margingate_market_updates", "Market snapshots put to use.", registry=registry
        )
        errors = Counter(
            "margingate_market_update_errors",
            "Market updates that were not put to use, by reason.",
            ["reason"],
            registry=registry,
        )
        self._revaluations = Histogram(
            "margingate_revaluation_duration_seconds",
            "Time from a market update to new risk arrays in use.",
            buckets=REVALUATION_BUCKETS_SECONDS,
            registry=registry,
        )
        instruments = Gauge(
            "margingate_instruments",
            "Listed instruments, by whether they have a price, however old.",
            ["state"],
            registry=registry,
        )
        parameters = Info(
            "margingate_parameters",
            "Digest of the parameters in force, by model.",
            ["model"],
            registry=registry,
        )
        self._errors_by_reason = Children(
            errors, UPDATE_ERRORS, unknown_max=UPDATE_ERRORS_FURTHER_MAX
        )
        self._priced = instruments.labels("priced")
        self._unpriced = instruments.labels("unpriced")
        self._parameters = Children(parameters, unknown_max=MODELS_MAX)

    def updated(self, version: int, *, priced: int, unpriced: int) -> None:
        """A snapshot was put to use, with so many instruments priced and unpriced."""
        self._version.set(version)
        self._updates.inc()
        self._priced.set(priced)
        self._unpriced.set(unpriced)

    def update_failed(self, reason: str) -> None:
        """An update was not put to use. reason: a word of our own, never text of a feed."""
        self._errors_by_reason[reason].inc()

    def revalued(self, duration_seconds: float) -> None:
        """Risk arrays follow a new snapshot."""
        self._revaluations.observe(duration_seconds)

    def parameters_changed(self, model: str, digest: str) -> None:
        """A model's parameters came into force; its former digest is no longer exported."""
        self._parameters[model].info({"digest": digest})


class MarketAges(Collector):
    """Age of each underlying's price, asked for at each scrape: a feed that died cannot report."""

    def __init__(self, age_seconds_by_underlying: AgeByUnderlying) -> None:
        self._age_seconds_by_underlying = age_seconds_by_underlying

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The empty family, so that registering asks for no ages."""
        yield _age_family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ages in seconds; of more than UNDERLYINGS_MAX underlyings the oldest."""
        family = _age_family()
        ages = sorted(self._age_seconds_by_underlying().items(), key=itemgetter(1), reverse=True)
        for underlying, age_seconds in ages[:UNDERLYINGS_MAX]:
            family.add_metric([underlying], age_seconds)
        yield family


class MarkAges(Collector):
    """Ages of instruments' own prices by underlying, asked for at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds_by_underlying: MarkAgesByUnderlying = dict
        registry.register(self)

    def follow(self, seconds_by_underlying: MarkAgesByUnderlying) -> None:
        """Ask there from here on."""
        self._seconds_by_underlying = seconds_by_underlying

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The empty family."""
        yield _mark_age_family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Ages in seconds; of more than UNDERLYINGS_MAX underlyings those with the oldest."""
        family = _mark_age_family()
        found = sorted(self._seconds_by_underlying().items(), key=itemgetter(1), reverse=True)
        for underlying, ages in found[:UNDERLYINGS_MAX]:
            for quantile, age_seconds in zip(QUANTILES, ages, strict=True):
                family.add_metric([underlying, quantile], age_seconds)
        yield family


def _mark_age_family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "margingate_market_data_mark_age_seconds",
        "Time since the own prices of an underlying's instruments were received, by quantile.",
        labels=["underlying", "quantile"],
    )


def _age_family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "margingate_market_data_age_seconds",
        "Time since the index price of an underlying was received.",
        labels=["underlying"],
    )
