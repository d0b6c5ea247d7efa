"""A picture of a holding as SVG: P&L over price and vols, and each model's worst scenario."""

from collections.abc import Sequence
from html import escape
from itertools import groupby, pairwise

import numpy as np

from margingate_engine.check.compare import Compared, Holding
from margingate_server.comparing.contours import contour, levels
from margingate_server.comparing.points import Point, worst_points
from margingate_server.comparing.portfolio_file import FilePortfolio
from margingate_server.comparing.surface import PnlSurface, surfaces

WIDTH, HEIGHT = 640, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 52, 46
LEVELS_MAX = 10
_TICK_EVERY = 20
"""Per cent between the ticks of an axis."""

_LOSS, _EVEN, _GAIN = (178, 60, 50), (250, 250, 248), (45, 105, 170)
_STYLE = """\
text { font: 11px system-ui, sans-serif; fill: #333 }
.title { font-size: 14px; font-weight: 600; fill: #111 }
.level { fill: none; stroke: #555; stroke-width: .5 }
.zero { fill: none; stroke: #111; stroke-width: 1.4 }
.now { stroke: #333; stroke-width: .6; stroke-dasharray: 3 3 }
.worst { fill: #fff; stroke: #111; stroke-width: 1.8 }
.model { font-weight: 600; fill: #111; paint-order: stroke; stroke: #fff; stroke-width: 3 }"""


def picture(portfolio: FilePortfolio, holding: Holding, every: Sequence[Compared]) -> str:
    """One SVG document, a panel for each underlying under the other."""
    found = surfaces(portfolio, holding)
    panels = "".join(
        f'<g transform="translate(0 {HEIGHT * place})">'
        f"{_panel(portfolio.title, each, worst_points(every, each.underlying))}</g>"
        for place, each in enumerate(found)
    )
    height = HEIGHT * len(found)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}"><style>{_STYLE}</style>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>{panels}</svg>\n'
    )


def _panel(title: str, surface: PnlSurface, points: dict[Point, list[str]]) -> str:
    lowest, highest = float(surface.pnl_yx.min()), float(surface.pnl_yx.max())
    steps = levels(lowest, highest, LEVELS_MAX)
    return (
        f'<text class="title" x="{_LEFT}" y="20">{escape(title)}: P&amp;L of '
        f"{escape(surface.underlying)}, USD</text>"
        f'<text x="{_LEFT}" y="37">loses up to {-lowest:,.0f}, gains up to {highest:,.0f}; '
        f"a circle where a model's worst scenario lies</text>"
        f"{_bands(surface, steps)}{_lines(surface, steps)}{_axes(surface)}"
        f"{_marks(surface, points)}"
    )


def _across(surface: PnlSurface, move: float) -> float:
    low, high = float(surface.move_x[0]), float(surface.move_x[-1])
    return _LEFT + (min(max(move, low), high) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT)


def _down(surface: PnlSurface, vol: float) -> float:
    low, high = float(surface.vol_y[0]), float(surface.vol_y[-1])
    share = (high - min(max(vol, low), high)) / (high - low)
    return _TOP + share * (HEIGHT - _TOP - _BOTTOM)


def _bands(surface: PnlSurface, steps: Sequence[float]) -> str:
    """The area between two levels in one colour, cell by cell, equal neighbours as one."""
    pnl_yx = surface.pnl_yx
    middle_yx = (pnl_yx[1:, 1:] + pnl_yx[:-1, :-1] + pnl_yx[1:, :-1] + pnl_yx[:-1, 1:]) / 4
    band_yx = np.digitize(middle_yx, steps)
    largest = float(np.abs(pnl_yx).max()) or 1.0
    edges = [float(pnl_yx.min()), *steps, float(pnl_yx.max())]
    colours = [_colour((low + high) / 2 / largest) for low, high in pairwise(edges)]
    cells = []
    for y, row in enumerate(band_yx.tolist()):
        top = _down(surface, float(surface.vol_y[y + 1]))
        height = _down(surface, float(surface.vol_y[y])) - top
        start = 0
        for band, run in groupby(row):
            end = start + len(list(run))
            left, right = (_across(surface, float(surface.move_x[each])) for each in (start, end))
            cells.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
                f'height="{height + 0.4:.1f}" fill="{colours[band]}"/>'
            )
            start = end
    return f'<g shape-rendering="crispEdges">{"".join(cells)}</g>'


def _lines(surface: PnlSurface, steps: Sequence[float]) -> str:
    """A line for each level, a strong one for zero, and how much it is where it leaves the top."""

    def place(point: tuple[float, float]) -> tuple[float, float]:
        columns, rows = np.arange(len(surface.move_x)), np.arange(len(surface.vol_y))
        move = float(np.interp(point[0], columns, surface.move_x))
        return _across(surface, move), _down(
            surface, float(np.interp(point[1], rows, surface.vol_y))
        )

    drawn: list[str] = []
    labelled: list[tuple[float, float]] = []
    for level in steps:
        segments = [(place(start), place(end)) for start, end in contour(surface.pnl_yx, level)]
        if not segments:
            continue
        path = "".join(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}" for (x0, y0), (x1, y1) in segments)
        drawn.append(f'<path class="{"level" if level else "zero"}" d="{path}"/>')
        x, y = min((point for pair in segments for point in pair), key=lambda point: point[1])
        if any(abs(x - other_x) < 44 and abs(y - other_y) < 12 for other_x, other_y in labelled):
            continue
        labelled.append((x, y))
        below = min(y + 10, HEIGHT - _BOTTOM - 4)
        words = f'x="{x:.1f}" y="{below:.1f}" text-anchor="middle">{level:,.0f}'
        drawn.append(f"<text {words}</text>")
    return "".join(drawn)


def _axes(surface: PnlSurface) -> str:
    bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
    now_x, now_y = _across(surface, 0), _down(surface, 0)
    centre_x, centre_y = (_LEFT + right) / 2, (_TOP + bottom) / 2
    sideways = f'transform="translate(14 {centre_y}) rotate(-90)" text-anchor="middle"'
    drawn = [
        f'<path class="now" d="M{now_x:.1f} {_TOP}V{bottom}M{_LEFT} {now_y:.1f}H{right}"/>',
        f'<text x="{centre_x}" y="{HEIGHT - 10}" text-anchor="middle">',
        f"move of {escape(surface.underlying)}</text>",
        f"<text {sideways}>change of every vol, of itself</text>",
    ]
    for per_cent in range(-100, 101, _TICK_EVERY):
        share = per_cent / 100
        if surface.move_x[0] <= share <= surface.move_x[-1]:
            drawn.append(
                f'<text x="{_across(surface, share):.1f}" y="{bottom + 15}" '
                f'text-anchor="middle">{_per_cent(per_cent)}</text>'
            )
        if surface.vol_y[0] <= share <= surface.vol_y[-1]:
            drawn.append(
                f'<text x="{_LEFT - 6}" y="{_down(surface, share) + 4:.1f}" '
                f'text-anchor="end">{_per_cent(per_cent)}</text>'
            )
    return "".join(drawn)


def _per_cent(number: int) -> str:
    return f"{number:+d} %" if number else "0"


def _marks(surface: PnlSurface, points: dict[Point, list[str]]) -> str:
    """A circle for each point, at the edge where it lies beyond, with the names of its models."""
    drawn = []
    for (move, vol), names in sorted(points.items()):
        x, y = _across(surface, move), _down(surface, vol)
        is_right = x > (WIDTH + _LEFT) / 2
        drawn.append(
            f'<circle class="worst" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
            f'<text class="model" x="{x + (-8 if is_right else 8):.1f}" y="{y - 7:.1f}" '
            f'text-anchor="{"end" if is_right else "start"}">{escape(", ".join(names))}</text>'
        )
    return "".join(drawn)


def _colour(share: float) -> str:
    """From loss (-1) over nothing to gain (1), in steps of what a screen can show."""
    end = _GAIN if share > 0 else _LOSS
    strength = min(abs(share), 1.0) ** 0.6 * 0.75
    red, green, blue = (
        round(middle + strength * (full - middle)) for middle, full in zip(_EVEN, end, strict=True)
    )
    return f"#{red:02x}{green:02x}{blue:02x}"
