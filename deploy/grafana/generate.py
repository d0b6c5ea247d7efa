"""Writes dashboards/margingate.json. The committed file is this script's output; a test compares.

Run from the repository's root: python -m deploy.grafana.generate
"""

import json
from pathlib import Path
from typing import Any

from deploy.grafana.account_rows import ACCOUNTS
from deploy.grafana.panel import Panel
from deploy.grafana.service_rows import DECISIONS, NOW, REQUESTS
from deploy.grafana.state_rows import FEED, LEDGER, MARKET, PROCESS
from deploy.grafana.stream_rows import STREAMS

TARGET = Path(__file__).parent / "dashboards" / "margingate.json"
SELECTION = 'job="$job", instance=~"$instance"'
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
PANELS_PER_ROW, PANEL_WIDTH, PANEL_HEIGHT, STAT_WIDTH, STAT_HEIGHT = 3, 8, 8, 4, 4

ROWS = (
    ("Now", NOW),
    ("Decisions", DECISIONS),
    ("Requests", REQUESTS),
    ("Ledger", LEDGER),
    ("Margin", ACCOUNTS),
    ("Market", MARKET),
    ("Feed", FEED),
    ("Streams", STREAMS),
    ("Process", PROCESS),
)


def selected(expression: str) -> str:
    """The expression over the job and the instances that the viewer selected."""
    return expression.replace("@", SELECTION)


def dashboard() -> dict[str, Any]:
    """The whole dashboard in Grafana's JSON model."""
    return {
        "uid": "margingate-overview",
        "title": "margingate",
        "description": "Decisions, latency, ledger, market and process of margingate.",
        "tags": ["margingate"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "utc",
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": variables()},
        "annotations": {"list": annotations()},
        "panels": panels(),
    }


def variables() -> list[dict[str, Any]]:
    """What the viewer selects: data source, job, instances."""
    datasource = {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }
    job = query_variable("job", "Job", "label_values(margingate_build_info, job)")
    instance = query_variable(
        "instance", "Instance", 'label_values(margingate_build_info{job="$job"}, instance)'
    )
    return [datasource, job, instance | {"multi": True, "includeAll": True, "allValue": ".+"}]


def query_variable(name: str, label: str, query: str) -> dict[str, Any]:
    """A variable whose values Prometheus knows."""
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
    }


def annotations() -> list[dict[str, Any]]:
    """Marks in time: restarts, kill switches, new parameters."""
    marks = (
        ("Restart", "blue", "changes(process_start_time_seconds{@}[1m]) > 0"),
        ("Kill switch", "red", "sum by (scope) (margingate_kill_switch_active{@}) > 0"),
        (
            "New parameters",
            "purple",
            "margingate_parameters_info{@} unless margingate_parameters_info{@} offset 1m",
        ),
    )
    return [
        {
            "name": name,
            "enable": True,
            "iconColor": colour,
            "datasource": DATASOURCE,
            "expr": selected(expression),
            "titleFormat": name,
        }
        for name, colour, expression in marks
    ]


def panels() -> list[dict[str, Any]]:
    """Rows of panels, from top to bottom, numbered from 1."""
    placed: list[dict[str, Any]] = []
    top = 0
    for title, row in ROWS:
        placed.append(heading(title, top))
        top += 1
        left = height = 0
        for panel in row:
            width, panel_height = size(panel)
            if left + width > PANELS_PER_ROW * PANEL_WIDTH:
                left, top = 0, top + height
            position = {"x": left, "y": top, "w": width, "h": panel_height}
            placed.append(rendered(panel) | {"gridPos": position})
            left, height = left + width, panel_height
        top += height
    return [panel | {"id": number} for number, panel in enumerate(placed, start=1)]


def size(panel: Panel) -> tuple[int, int]:
    """Width and height in cells of Grafana's grid, which is 24 wide."""
    return (STAT_WIDTH, STAT_HEIGHT) if panel.kind == "stat" else (PANEL_WIDTH, PANEL_HEIGHT)


def heading(title: str, top: int) -> dict[str, Any]:
    """The line above a row."""
    width = PANELS_PER_ROW * PANEL_WIDTH
    position = {"x": 0, "y": top, "w": width, "h": 1}
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": position}


def rendered(panel: Panel) -> dict[str, Any]:
    """One panel in Grafana's JSON model, without its place."""
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + number),
                "datasource": DATASOURCE,
                "expr": selected(expression),
                "legendFormat": legend,
            }
            for number, (expression, legend) in enumerate(panel.queries)
        ],
        "fieldConfig": {"defaults": field_defaults(panel), "overrides": []},
        "options": options(panel),
    }


def field_defaults(panel: Panel) -> dict[str, Any]:
    """Unit and thresholds; a graph draws the thresholds as lines."""
    steps: list[dict[str, Any]] = [{"color": "green", "value": None}]
    if panel.red_below is not None:
        steps = [{"color": "red", "value": None}, {"color": "green", "value": panel.red_below}]
    if panel.red_from is not None:
        steps.append({"color": "red", "value": panel.red_from})
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    if panel.kind == "timeseries":
        style = "dashed" if len(steps) > 1 else "off"
        defaults["custom"] = {"thresholdsStyle": {"mode": style}, "showPoints": "never"}
        defaults["min"] = 0
    return defaults


def options(panel: Panel) -> dict[str, Any]:
    """How values are shown."""
    if panel.kind == "stat":
        return {
            "reduceOptions": {"calcs": ["lastNotNull"]},
            "textMode": "value_and_name" if panel.shows_name else "value",
            "colorMode": "value",
        }
    return {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
