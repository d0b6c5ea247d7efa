"""What the code exports, for comparison with the files of deploy/."""

import re
from pathlib import Path

from prometheus_client import CollectorRegistry

from margingate_server.observe.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"

SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "info": ("_info",),
    "gauge": ("",),
}


def fresh_metrics() -> Metrics:
    """The metrics of a server in which nothing has happened."""
    return Metrics(CollectorRegistry(), version="0", age_seconds_by_underlying=dict)


def sample_names() -> dict[str, str]:
    """Family by the name of each sample that /metrics can have."""
    return {
        family.name + suffix: family.name
        for family in fresh_metrics().registry.collect()
        for suffix in SUFFIXES[family.type]
    }


def names_in(expression: str) -> set[str]:
    """Metrics that a PromQL expression reads; recorded names, which have colons, left out."""
    bare = re.sub(r"\{[^}]*\}", "", expression)
    return set(re.findall(r"(?<![\w:])(?:margingate|process|python)_\w+(?![\w:])", bare))
