"""Each thing that happens is counted where its name says."""

from collections.abc import Callable

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics import MetricWrapperBase

from margingate_server.observe.metrics import Metrics

Value = Callable[..., float | None]
CHECK = "/margingate.v1.MarginService/CheckOrder"


def test_a_request_is_in_flight_until_it_is_finished(metrics: Metrics, value: Value) -> None:
    metrics.requests.started()
    metrics.requests.started()
    metrics.requests.finished(CHECK, "OK", 0.0018)
    assert value("inflight_requests") == 1
    labels = {"method": "MarginService/CheckOrder"}
    assert value("grpc_requests_total", grpc_code="OK", **labels) == 1
    assert value("grpc_request_duration_seconds_count", **labels) == 1
    assert value("grpc_request_duration_seconds_bucket", le="0.0015", **labels) == 0
    assert value("grpc_request_duration_seconds_bucket", le="0.002", **labels) == 1


def test_a_request_to_a_path_of_the_callers_invention_makes_no_series_of_its_own(
    metrics: Metrics, value: Value
) -> None:
    for path in ("/margingate.v1.MarginService/Nothing", "/evil/x", "", CHECK.lower()):
        metrics.requests.finished(path, "UNIMPLEMENTED", 0.001)
    assert value("grpc_requests_total", method="other", grpc_code="UNIMPLEMENTED") == 4
    assert value("grpc_request_duration_seconds_count", method="other") == 4


def test_a_status_grpc_does_not_know_counts_as_other(metrics: Metrics, value: Value) -> None:
    metrics.requests.finished(CHECK, "42", 0.001)
    metrics.requests.finished(CHECK, "43", 0.001)
    labels = {"method": "MarginService/CheckOrder", "grpc_code": "other"}
    assert value("grpc_requests_total", **labels) == 2


def test_an_acceptance_and_a_rejection_are_told_apart(metrics: Metrics, value: Value) -> None:
    metrics.decisions.decided("none")
    metrics.decisions.decided("insufficient_initial_margin")
    metrics.decisions.decided("insufficient_initial_margin")
    metrics.decisions.previewed("off_tick")
    metrics.decisions.replayed()
    assert value("decisions_total", decision="accept", reason="none") == 1
    labels = {"decision": "reject", "reason": "insufficient_initial_margin"}
    assert value("decisions_total", **labels) == 2
    assert value("previews_total", **labels) == 0
    assert value("previews_total", decision="reject", reason="off_tick") == 1
    assert value("decisions_replayed_total") == 1


def test_a_reason_we_do_not_know_counts_as_a_rejection(metrics: Metrics, value: Value) -> None:
    metrics.decisions.decided("brand_new")
    metrics.decisions.previewed("brand_new")
    assert value("decisions_total", decision="reject", reason="other") == 1
    assert value("previews_total", decision="reject", reason="other") == 1


def test_every_reason_is_exported_before_the_first_decision(value: Value) -> None:
    labels = {"decision": "reject", "reason": "still_undermargined"}
    assert value("decisions_total", **labels) == 0
    assert value("previews_total", **labels) == 0


def test_a_shed_request_and_a_failed_update_are_seen_from_the_first_on(
    metrics: Metrics, value: Value
) -> None:
    assert value("shed_total", reason="overload") == 0
    assert value("market_update_errors_total", reason="unforeseen") == 0
    metrics.requests.shed("overload")
    metrics.market.update_failed("unforeseen")
    assert value("shed_total", reason="overload") == 1
    assert value("market_update_errors_total", reason="unforeseen") == 1


def test_stages_and_flags_are_counted_by_name(metrics: Metrics, value: Value) -> None:
    metrics.decisions.stage_finished("decide", 0.00012)
    metrics.decisions.flagged("over_fill")
    assert value("check_duration_seconds_bucket", stage="decide", le="0.0001") == 0
    assert value("check_duration_seconds_bucket", stage="decide", le="0.00015") == 1
    assert value("check_duration_seconds_count", stage="commit") == 0
    assert value("lifecycle_flags_total", flag="over_fill") == 1
    assert value("lifecycle_flags_total", flag="late") == 0


def test_a_commit_counts_its_events_bytes_and_time(metrics: Metrics, value: Value) -> None:
    metrics.ledger.committed(3, 512, 0.0002)
    metrics.ledger.recorded("order_accepted", 2)
    metrics.ledger.recorded("fill")
    metrics.ledger.commit_failed()
    assert value("journal_batch_size_bucket", le="2.0") == 0
    assert value("journal_batch_size_bucket", le="4.0") == 1
    assert value("journal_batch_size_sum") == 3
    assert value("journal_bytes_total") == 512
    assert value("journal_fsync_duration_seconds_sum") == 0.0002
    assert value("journal_events_total", kind="order_accepted") == 2
    assert value("journal_events_total", kind="fill") == 1
    assert value("journal_errors_total") == 1


def test_the_ledger_is_unhealthy_until_it_says_otherwise(metrics: Metrics, value: Value) -> None:
    assert value("ledger_healthy") == 0
    metrics.ledger.health_changed(is_healthy=True)
    assert value("ledger_healthy") == 1
    metrics.ledger.health_changed(is_healthy=False)
    assert value("ledger_healthy") == 0


def test_state_is_exported_as_last_told(metrics: Metrics, value: Value) -> None:
    metrics.ledger.holds_changed(7)
    metrics.ledger.holds_changed(5)
    metrics.ledger.accounts_changed(2)
    metrics.ledger.kill_switches_changed("underlying", 2)
    assert value("open_holds") == 5
    assert value("accounts") == 2
    assert value("kill_switch_active", scope="underlying") == 2
    assert value("kill_switch_active", scope="all") == 0


def test_snapshots_and_the_room_left_for_the_ledger_are_told(
    metrics: Metrics, value: Value
) -> None:
    assert value("snapshots_total", result="failed") == 0
    metrics.ledger.snapshot_failed()
    metrics.ledger.snapshot_made()
    metrics.ledger.disk_changed(5)
    assert value("snapshots_total", result="failed") == 1
    assert value("snapshots_total", result="made") == 1
    assert value("ledger_disk_free_bytes") == 5


def test_a_market_update_is_counted_with_its_instruments(metrics: Metrics, value: Value) -> None:
    metrics.market.updated(41, priced=900, unpriced=12)
    metrics.market.updated(42, priced=901, unpriced=11)
    metrics.market.update_failed("missing_index")
    metrics.market.revalued(0.004)
    assert value("market_version") == 42
    assert value("market_updates_total") == 2
    assert value("instruments", state="priced") == 901
    assert value("instruments", state="unpriced") == 11
    assert value("market_update_errors_total", reason="missing_index") == 1
    assert value("revaluation_duration_seconds_bucket", le="0.005") == 1


def test_market_ages_are_those_of_the_moment_of_the_scrape(
    ages: dict[str, float], value: Value
) -> None:
    assert value("market_data_age_seconds", underlying="BTC") == 0.5
    ages["BTC"] = 31.0
    ages["ETH"] = 1.0
    assert value("market_data_age_seconds", underlying="BTC") == 31.0
    assert value("market_data_age_seconds", underlying="ETH") == 1.0


def test_making_metrics_asks_for_no_ages_yet() -> None:
    def not_ready() -> dict[str, float]:
        raise AssertionError("asked before the market exists")

    Metrics(CollectorRegistry(), version="1", age_seconds_by_underlying=not_ready)


def test_of_too_many_underlyings_the_oldest_are_exported(
    ages: dict[str, float], metrics: Metrics, value: Value
) -> None:
    ages.clear()
    ages.update({f"COIN{age}": float(age) for age in range(50)})
    text = generate_latest(metrics.registry).decode()
    assert text.count("margingate_market_data_age_seconds{") == 20
    assert value("market_data_age_seconds", underlying="COIN49") == 49
    assert value("market_data_age_seconds", underlying="COIN29") is None


def test_new_parameters_replace_the_digest_of_the_old(metrics: Metrics, value: Value) -> None:
    metrics.market.parameters_changed("span", "aaaa")
    metrics.market.parameters_changed("span", "bbbb")
    assert value("parameters_info", model="span", digest="bbbb") == 1
    assert value("parameters_info", model="span", digest="aaaa") is None


def test_the_version_of_the_package_is_exported(value: Value) -> None:
    assert value("build_info", version="1.2.3") == 1


def test_two_servers_in_one_process_count_apart(value: Value) -> None:
    other = Metrics(CollectorRegistry(), version="1.2.3", age_seconds_by_underlying=dict)
    other.decisions.decided("none")
    assert value("decisions_total", decision="accept", reason="none") == 0


def test_the_process_itself_is_measured(metrics: Metrics) -> None:
    text = generate_latest(metrics.registry).decode()
    for name in (
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_open_fds",
        'python_gc_collections_total{generation="2"}',
    ):
        assert f"\n{name} " in text


def test_a_request_resolves_no_labels_after_the_first(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check() -> None:
        metrics.requests.started()
        for stage in ("decode", "decide", "commit", "encode"):
            metrics.decisions.stage_finished(stage, 1e-5)
        metrics.decisions.decided("none")
        metrics.decisions.decided("off_lot")
        metrics.ledger.recorded("order_accepted")
        metrics.ledger.committed(1, 100, 1e-4)
        metrics.ledger.holds_changed(1)
        metrics.requests.finished(CHECK, "OK", 3e-4)

    def forbidden(*_: object) -> None:
        raise AssertionError("labels resolved on the hot path")

    check()
    monkeypatch.setattr(MetricWrapperBase, "labels", forbidden)
    check()
