"""Pictures of tracks as SVG: profit and loss as bars, the margin under them, exceptions marked."""

from collections.abc import Callable, Sequence
from html import escape

from margingate_server.backtesting.findings import exceptions_of
from margingate_server.backtesting.walk import Track

WIDTH, HEIGHT = 980, 230
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 14, 30, 24
_STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #444 }
.title { font-size: 13px; font-weight: 600; fill: #111 }
.axis { stroke: #ccc; stroke-width: 1 }
.pnl { stroke: #8aa5c0; stroke-width: 1; fill: none }
.margin { stroke: #1f3d7a; stroke-width: 1.4; fill: none }
.exception { fill: #c62828 }"""


def drawing(tracks: Sequence[Track]) -> str:
    """One SVG document, a panel under another for each track, in order."""
    height = HEIGHT * len(tracks)
    panels = "".join(
        f'<g transform="translate(0 {HEIGHT * place})">{_panel(track)}</g>'
        for place, track in enumerate(tracks)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}"><style>{_STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{panels}</svg>\n'
    )


def page(tracks: Sequence[Track], title: str, table: str) -> str:
    """A page of HTML that needs nothing else: title, figures (as text), and the drawing."""
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>\n'
        "<style>body { font: 14px system-ui, sans-serif; margin: 24px } pre { font-size: 12px; "
        f"overflow-x: auto }}</style>\n<h1>{escape(title)}</h1>\n<pre>{escape(table)}</pre>\n"
        f"{drawing(tracks)}</html>\n"
    )


def _panel(track: Track) -> str:
    highest = max(float(track.pnl_t.max()), 0.0)
    lowest = min(float(track.pnl_t.min()), float(-track.margin_t.max()), -1e-6)
    steps = len(track.dates)

    def across(step: int) -> str:
        share = step / max(steps - 1, 1)
        return f"{_LEFT + share * (WIDTH - _LEFT - _RIGHT):.1f}"

    def down(usd: float) -> str:
        share = (highest - usd) / (highest - lowest)
        return f"{_TOP + share * (HEIGHT - _TOP - _BOTTOM):.1f}"

    pnls, margins = track.pnl_t.tolist(), track.margin_t.tolist()
    bars = "".join(f"M{across(t)} {down(0.0)}V{down(pnl)}" for t, pnl in enumerate(pnls))
    line = "L".join(f"{across(t)} {down(-margin)}" for t, margin in enumerate(margins))
    marks = "".join(
        f'<circle class="exception" cx="{across(t)}" cy="{down(pnls[t])}" r="2.6"/>'
        for t in exceptions_of(track).nonzero()[0].tolist()
    )
    return (
        f'<text class="title" x="{_LEFT}" y="18">{escape(_title(track))}</text>'
        f"{_price_axis(highest, lowest, down)}{_time_axis(track, across)}"
        f'<path class="pnl" d="{bars}"/><path class="margin" d="M{line}"/>{marks}'
    )


def _title(track: Track) -> str:
    exceptions = int(exceptions_of(track).sum())
    settings = track.settings
    return (
        f"{track.portfolio.name} · {settings.method.value} {settings.estimator.value} "
        f"{settings.confidence * 100:f} % · {exceptions} exceptions in {len(track.dates)}"
    )


def _price_axis(highest: float, lowest: float, down: Callable[[float], str]) -> str:
    return "".join(
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{down(usd)}" y2="{down(usd)}"/>'
        f'<text x="{_LEFT - 6}" y="{float(down(usd)) + 4:.1f}" text-anchor="end">{usd:,.0f}</text>'
        for usd in (highest, 0.0, lowest)
    )


def _time_axis(track: Track, across: Callable[[int], str]) -> str:
    """A tick where a year begins, and the year."""
    years = [day.year for day in track.dates]
    return "".join(
        f'<path class="axis" d="M{across(t)} {_TOP}V{HEIGHT - _BOTTOM}"/>'
        f'<text x="{across(t)}" y="{HEIGHT - 8}" text-anchor="middle">{years[t]}</text>'
        for t in range(1, len(years))
        if years[t] != years[t - 1]
    )
