"""What is counted of the threads that work beside the requests."""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector


class Work(Protocol):
    """The turns of one thread."""

    thread: str

    @property
    def error_count(self) -> int:
        """How many steps of turns raised what they must not."""
        ...

    @property
    def age_seconds(self) -> float:
        """Since the last turn ended that went well."""
        ...


class BackgroundMetrics(Collector):
    """Asked for at each scrape: a thread that hangs or has ended cannot report."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._works: list[Work] = []
        registry.register(self)

    def follow(self, work: Work) -> None:
        """Export the turns of a thread from here on; a server has a handful."""
        self._works.append(work)

    def describe(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The empty families."""
        yield from _families()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Of each thread the age of its last good turn, and its errors."""
        ages, errors = _families()
        for each in self._works:
            ages.add_metric([each.thread], each.age_seconds)
            errors.add_metric([each.thread], each.error_count)
        yield ages
        yield errors


def _families() -> tuple[GaugeMetricFamily, CounterMetricFamily]:
    return (
        GaugeMetricFamily(
            "margingate_background_turn_age_seconds",
            "Time since the last turn of a background thread ended that went well.",
            labels=["thread"],
        ),
        CounterMetricFamily(
            "margingate_background_errors",
            "Steps of background threads that raised what nobody foresaw.",
            labels=["thread"],
        ),
    )
