"""The rules read metrics that exist, and alert as documented."""

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from margingate_server.observe import labels
from tests.deploy.exported import DEPLOY, ROOT, names_in, sample_names
from tests.deploy.serve_flags import default_of_serve

RULES = DEPLOY / "prometheus" / "rules.yml"
TESTS = sorted((DEPLOY / "prometheus").glob("*_test.yml"))
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is missing: apt-get install prometheus"
)


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [str(PROMTOOL), *arguments], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_accepts_the_configuration_and_its_rules() -> None:
    promtool("check", "config", str(DEPLOY / "prometheus" / "prometheus.yml"))


@needs_promtool
def test_the_alerts_fire_and_end_as_their_tests_say() -> None:
    promtool("test", "rules", *map(str, TESTS))


def test_every_metric_of_the_rules_is_exported() -> None:
    names = {name for rule in rules() for name in names_in(rule["expr"])}
    assert len(names) >= 6
    assert names <= set(sample_names())


def test_every_recorded_name_that_is_read_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    read = {name for rule in rules() for name in re.findall(r"\bjob:[\w:]+", rule["expr"])}
    assert read == recorded


def test_the_alerts_are_those_agreed_and_each_has_a_test() -> None:
    names = {alert["alert"] for alert in alerts()}
    assert names == {
        *("MarketDataStale", "MarketDataInDoubt", "JournalErrors", "LedgerUnhealthy"),
        *("KillSwitchActive", "LatencySLO", "MargingateDown"),
        *("BackgroundWorkStuck", "BackgroundErrors", "MarksStale", "NotReady"),
        *("FeedDisconnected", "MarketUpdatesFail", "AccountsUnknown", "AccountsInLiquidation"),
        *("StreamClientsDropped", "AlertsLate", "DiskFilling", "SnapshotsFail"),
        "AccountsFail",
    }
    tests = "".join(path.read_text() for path in TESTS)
    assert {name for name in names if f"alertname: {name}\n" in tests} == names


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    for alert in alerts():
        assert alert["labels"]["severity"] in {"page", "info"}
        assert alert["labels"]["service"] == "margingate"
        assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}


def test_every_runbook_exists() -> None:
    for alert in alerts():
        path, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
        assert anchor == alert["alert"].lower()
        assert anchor in {heading.lower() for heading in headings}


def test_latency_limits_are_bounds_of_buckets() -> None:
    limits = set(re.findall(r'\ble="([\d.]+)"', RULES.read_text()))
    assert {float(limit) for limit in limits} == {0.002, 0.01}
    assert {float(limit) for limit in limits} <= set(labels.LATENCY_BUCKETS_SECONDS)


def test_methods_of_the_rules_exist() -> None:
    (names,) = set(re.findall(r'method=~"MarginService/\((.*?)\)"', RULES.read_text()))
    assert {f"MarginService/{name}" for name in names.split("|")} <= set(labels.METHODS)


def test_prices_alert_when_checks_begin_to_refuse_them() -> None:
    flags = {"MarketDataStale": "--underlying-age-max", "MarksStale": "--instrument-age-max"}
    thresholds = {
        flags[alert["alert"]]: float(alert["expr"].rpartition(">")[2])
        for alert in alerts()
        if alert["alert"] in flags
    }
    assert thresholds == {flag: default_of_serve(flag) for flag in flags.values()}
