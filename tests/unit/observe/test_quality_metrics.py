"""Prices that were not taken are counted by underlying and reason, of both a bounded number."""

from prometheus_client import CollectorRegistry

from margingate_server.observe.quality_metrics import UNDERLYINGS_MAX, QualityMetrics

FINDINGS = "margingate_market_data_findings_total"
UNCERTAIN = "margingate_market_data_uncertain"


def test_findings_are_counted_by_underlying_and_reason() -> None:
    registry = CollectorRegistry()
    metrics = QualityMetrics(registry)
    metrics.listed(("BTC", "ETH"))
    metrics.listed(("BTC", "ETH"))
    assert registry.get_sample_value(FINDINGS, {"underlying": "BTC", "reason": "basis"}) == 0
    metrics.found("BTC", "basis", 3)
    metrics.found("BTC", "basis", 2)
    metrics.found("ETH", "index_jump", 1)
    assert registry.get_sample_value(FINDINGS, {"underlying": "BTC", "reason": "basis"}) == 5
    assert registry.get_sample_value(FINDINGS, {"underlying": "ETH", "reason": "index_jump"}) == 1


def test_more_underlyings_than_a_label_may_have_share_one() -> None:
    registry = CollectorRegistry()
    metrics = QualityMetrics(registry)
    metrics.listed(f"COIN{number}" for number in range(UNDERLYINGS_MAX + 3))
    for number in range(UNDERLYINGS_MAX + 3):
        metrics.found(f"COIN{number}", "parity", 1)
    metrics.found("COIN0", "parity", 1)
    assert registry.get_sample_value(FINDINGS, {"underlying": "COIN0", "reason": "parity"}) == 2
    assert registry.get_sample_value(FINDINGS, {"underlying": "other", "reason": "parity"}) == 3


def test_how_many_prices_are_uncertain_is_a_gauge() -> None:
    registry = CollectorRegistry()
    metrics = QualityMetrics(registry)
    metrics.uncertain(doubted=4, surcharged=7)
    metrics.uncertain(doubted=1, surcharged=2)
    assert registry.get_sample_value(UNCERTAIN, {"state": "doubted"}) == 1
    assert registry.get_sample_value(UNCERTAIN, {"state": "surcharged"}) == 2
