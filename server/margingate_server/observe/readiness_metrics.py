"""Whether the server is ready, as /readyz says it."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

Readiness = Callable[[], Mapping[str, bool]]
"""Named checks; ready when there are some and all are true."""


class ReadinessMetrics(Collector):
    """Asked for at each scrape."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._readiness: Readiness = dict
        registry.register(self)

    def follow(self, readiness: Readiness) -> None:
        """Ask there from here on."""
        self._readiness = readiness

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """The empty family."""
        yield _family()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """1 of each check that is true, else 0."""
        family = _family()
        for check, is_true in self._readiness().items():
            family.add_metric([check], float(is_true))
        yield family


def _family() -> GaugeMetricFamily:
    return GaugeMetricFamily(
        "margingate_ready", "1 for each check of readiness that is true, else 0.", labels=["check"]
    )
