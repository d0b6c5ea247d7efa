"""The dashboard is what its script makes, and shows what the server exports."""

import json
import re
from typing import Any

import pytest

from deploy.grafana import generate
from deploy.grafana.panel import LATENCY_OBJECTIVE_SECONDS, MARKET_AGE_SECONDS
from margingate_server.observe import labels
from tests.deploy.exported import DEPLOY, names_in, sample_names

DASHBOARD: dict[str, Any] = json.loads(generate.TARGET.read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]
MARKS = [mark["expr"] for mark in DASHBOARD["annotations"]["list"]]

# Exported by the client library for every Python process; of no use here beside what is shown.
UNUSED_ON_PURPOSE = {
    "process_virtual_memory_bytes",  # of threads and maps, not of use
    "process_start_time_seconds",  # marks restarts, is no panel
    "python_gc_objects_collected",
    "python_gc_objects_uncollectable",
}


def test_the_committed_dashboard_is_what_the_script_makes() -> None:
    assert generate.TARGET.read_text() == generate.text()


def test_every_metric_of_the_dashboard_is_exported() -> None:
    names = {name for expression in (*EXPRESSIONS, *MARKS) for name in names_in(expression)}
    assert names <= set(sample_names())


def test_every_exported_metric_is_shown_or_left_out_on_purpose() -> None:
    family_by_name = sample_names()
    shown = {family_by_name[name] for text in EXPRESSIONS for name in names_in(text)}
    assert shown.isdisjoint(UNUSED_ON_PURPOSE)
    assert shown | UNUSED_ON_PURPOSE == set(family_by_name.values())


def test_its_address_never_changes() -> None:
    assert DASHBOARD["uid"] == "margingate-overview"
    assert "id" not in DASHBOARD


def test_the_viewer_selects_data_source_job_and_instances() -> None:
    names = [variable["name"] for variable in DASHBOARD["templating"]["list"]]
    assert names == ["datasource", "job", "instance"]
    for expression in (*EXPRESSIONS, *MARKS):
        selectors = re.findall(r"\{(.*?)\}", expression)
        assert selectors, expression
        for selector in selectors:
            assert selector.startswith('job="$job", instance=~"$instance"'), expression


def test_no_data_source_is_fixed() -> None:
    sources = re.findall(r'"uid": "(.*?)"', generate.TARGET.read_text())
    assert set(sources) == {"margingate-overview", "${datasource}"}


def test_rates_follow_the_zoom() -> None:
    windows = {window for text in EXPRESSIONS for window in re.findall(r"\[(.*?)\]", text)}
    assert windows == {"$__rate_interval", "5m"}  # failed commits are counted over the alert's 5 m
    for expression in EXPRESSIONS:
        for name in re.findall(r"rate\((\w+)\{", expression):
            assert name.endswith(("_total", "_bucket", "_count")), expression


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_every_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 10
    assert panel["description"].endswith(".")
    unit = panel["fieldConfig"]["defaults"]["unit"]
    first = panel["targets"][0]["expr"]
    if "histogram_quantile" in first and "_seconds_bucket" in first:
        assert unit == "s"
    elif " / " in first:
        assert unit == "percentunit"
    elif "rate(" in first and "_bytes_total" in first:
        assert unit == "Bps"
    elif "rate(" in first and "_seconds" not in first:
        assert unit in {"ops", "reqps"} or "batch_size" in first
    assert all(target["legendFormat"] for target in panel["targets"])


def test_titles_and_numbers_of_panels_are_unique() -> None:
    for key in ("title", "id"):
        values = [panel[key] for panel in DASHBOARD["panels"]]
        assert len(set(values)) == len(values)


def test_panels_do_not_overlap_and_fit_the_grid() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        own = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert cells.isdisjoint(own), panel["title"]
        cells |= own


def test_labels_of_the_queries_have_values_that_occur() -> None:
    text = " ".join(EXPRESSIONS)
    assert set(re.findall(r'method="(.*?)"', text)) <= set(labels.METHODS)
    limits = {float(limit) for limit in re.findall(r'le="(.*?)"', text)}
    assert limits == {0.002, 0.01}
    assert limits <= set(labels.LATENCY_BUCKETS_SECONDS)


def test_thresholds_are_those_of_the_alerts() -> None:
    rules = (DEPLOY / "prometheus" / "rules.yml").read_text()
    assert f"margingate_market_data_age_seconds) > {MARKET_AGE_SECONDS:g}" in rules
    assert f'le="{LATENCY_OBJECTIVE_SECONDS}"' in rules
