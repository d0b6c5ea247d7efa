"""A fresh set of metrics for each test."""

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry

from margingate_server.observe.metrics import Metrics

Value = Callable[..., float | None]


@pytest.fixture
def ages() -> dict[str, float]:
    """Ages that the market answers at the next scrape; change them in place."""
    return {"BTC": 0.5}


@pytest.fixture
def metrics(ages: dict[str, float]) -> Metrics:
    return Metrics(CollectorRegistry(), version="1.2.3", age_seconds_by_underlying=lambda: ages)


@pytest.fixture
def value(metrics: Metrics) -> Value:
    def value_of(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value("margingate_" + name, labels)

    return value_of
