"""The figures of a backtest."""

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_engine.statistics.procyclicality import INCREASE_DAYS
from margingate_engine.statistics.traffic_light import DAYS, Zone
from margingate_server.backtesting.findings import Findings
from margingate_server.backtesting.running import Run
from margingate_server.cli.tables.layout import BAD, GOOD, facts, table
from margingate_server.cli.tables.texts import NONE

_STYLE_BY_ZONE = {Zone.GREEN: GOOD, Zone.YELLOW: "bold yellow", Zone.RED: BAD}
_COVERAGE = (
    *("portfolio", "method", "from", "to", ">steps", ">exceptions", ">expected", ">most in window"),
    *("zone", ">Kupiec p", ">independence p", ">coverage p", ">Z1", ">Z2"),
)
_MARGIN = (
    *("portfolio", "method", ">mean margin, USD", ">peak / trough"),
    *(f">rise over {days}" for days in INCREASE_DAYS),
    ">sd of change",
)


def findings_table(run: Run) -> RenderableType:
    """Coverage, then how the margin moved: a row per portfolio and method; what was left out."""
    coverage, margin = table(*_COVERAGE, title=_title(run)), table(*_MARGIN)
    for track, findings in run.tracks:
        names = (track.portfolio.name, track.settings.method.value)
        dates = (track.dates[0].isoformat(), track.dates[-1].isoformat())
        coverage.add_row(*names, *dates, *_coverage_cells(findings))
        margin.add_row(*names, *_margin_cells(findings))
    left_out: list[tuple[str, str | Text]] = [
        (name, f"left out: no {lacking}") for name, lacking in run.left_out.items()
    ]
    return Group(coverage, margin, *([facts(left_out)] if left_out else []))


def findings_rows(run: Run) -> list[dict[str, object]]:
    """The same for programs, ratios as fractions; null where a figure has no meaning."""
    return [
        {
            "portfolio": track.portfolio.name,
            "method": track.settings.method.value,
            "from": track.dates[0].isoformat(),
            "to": track.dates[-1].isoformat(),
            "steps": each.steps,
            "exceptions": each.exceptions,
            "expected": each.expected,
            "most_in_window": each.most_in_window,
            "zone": each.zone.value,
            "kupiec": each.frequency._asdict(),
            "independence": each.independence._asdict(),
            "conditional_coverage": each.coverage._asdict(),
            "z1": each.z1,
            "z2": each.z2,
            "mean_margin_usd": each.mean_margin,
            "procyclicality": None if each.cyclicality is None else each.cyclicality._asdict(),
        }
        for track, each in run.tracks
    ]


def _title(run: Run) -> str:
    settings = run.tracks[0][0].settings
    return (
        f"{settings.confidence * 100:f} % {settings.estimator.value}, "
        f"horizon {settings.horizon_days} d, look-back {settings.lookback_days} d; "
        f"a window is {DAYS} steps"
    )


def _coverage_cells(findings: Findings) -> list[str | Text]:
    tests = (findings.frequency, findings.independence, findings.coverage)
    return [
        str(findings.steps),
        str(findings.exceptions),
        f"{findings.expected:.1f}",
        str(findings.most_in_window),
        Text(findings.zone.value, style=_STYLE_BY_ZONE[findings.zone]),
        *(f"{each.p_value:.3f}" for each in tests),
        *(NONE if each is None else f"{each:.2f}" for each in (findings.z1, findings.z2)),
    ]


def _margin_cells(findings: Findings) -> list[str]:
    cyclicality, mean = findings.cyclicality, f"{findings.mean_margin:,.0f}"
    if cyclicality is None:
        return [mean, *[NONE] * (2 + len(INCREASE_DAYS))]
    rises = (f"{cyclicality.largest_increase[days]:.0%}" for days in INCREASE_DAYS)
    peak_to_trough = f"{cyclicality.peak_to_trough:.1f}"
    return [mean, peak_to_trough, *rises, f"{cyclicality.change_deviation:.1%}"]
