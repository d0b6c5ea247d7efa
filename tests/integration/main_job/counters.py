"""Counters of a Prometheus page."""

from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

DECISIONS = "margingate_decisions_total"


def decisions_by_reason(page: str) -> Counter[str]:
    """Decisions by reject reason, empty for accepted ones; what never happened is left out."""
    counts: Counter[str] = Counter()
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            if sample.name == DECISIONS and sample.value:
                accepted = sample.labels["decision"] == "accept"
                counts["" if accepted else sample.labels["reason"].upper()] += int(sample.value)
    return counts
