"""The table of metrics in the documentation is that of the code."""

import re

from prometheus_client import Info
from prometheus_client.metrics import MetricWrapperBase

from tests.deploy.exported import ROOT, fresh_metrics

SUFFIX = {"counter": "_total", "info": "_info", "histogram": "", "gauge": ""}
ROW = re.compile(r"^\| `(margingate_\w+)` \| (\w+) \|(.*?)\| (.+?) \| (.+) \|$", re.MULTILINE)


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """Kind and labels by metric, as the documentation has them."""
    text = (ROOT / "docs" / "observability.md").read_text()
    return {
        name: (kind, frozenset(re.findall(r"`(\w+)`", labels)))
        for name, kind, labels, _, _ in ROW.findall(text)
    }


def declared() -> dict[str, tuple[str, frozenset[str]]]:
    """Kind and labels by metric, as the code has them."""
    registry = fresh_metrics().registry
    labels_by_family = {
        wrapper._name: {*wrapper._labelnames, *_keys(wrapper)}
        for wrapper in registry._collector_to_names
        if isinstance(wrapper, MetricWrapperBase)
    }
    labels_by_family["margingate_market_data_age_seconds"] = {"underlying"}
    labels_by_family["margingate_market_data_mark_age_seconds"] = {"underlying", "quantile"}
    labels_by_family["margingate_ready"] = {"check"}
    labels_by_family["margingate_background_turn_age_seconds"] = {"thread"}
    labels_by_family["margingate_background_errors"] = {"thread"}
    return {
        family.name + SUFFIX[family.type]: (family.type, frozenset(labels_by_family[family.name]))
        for family in registry.collect()
        if family.name.startswith("margingate_")
    }


def _keys(wrapper: MetricWrapperBase) -> set[str]:
    """Labels that an info metric gets with its value."""
    if not isinstance(wrapper, Info):
        return set()
    return {"digest"} if wrapper._labelnames else set(wrapper._value)


def test_every_metric_is_documented_with_its_kind_and_labels() -> None:
    assert documented() == declared()
