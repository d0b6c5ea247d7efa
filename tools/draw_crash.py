"""Draw a saved crash study: prices with accounts by state, and losses against margins.

    python -m tools.draw_crash DIR docs/images

DIR is what `margingate crash-study --save DIR` wrote. Needs matplotlib, which the project does not
depend on.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray
from PIL import Image

from margingate_engine.core.amounts import MICRO, NANO
from margingate_engine.monitoring.states import MarginState
from margingate_server.crash_study.saving import COURSE

Arrays = dict[str, NDArray[Any]]

MODELS: Final = ("span", "tims", "var", "cross")
HORIZONS: Final = ((1, "6 h"), (4, "24 h"))
COLOURS: Final = {
    MarginState.WARNING: "#f2c14e",
    MarginState.MARGIN_CALL: "#e07a1f",
    MarginState.LIQUIDATION: "#b3261e",
}
LEAST_USD: Final = 100.0
COLOUR_COUNT: Final = 48
_DENSITY: Final = LinearSegmentedColormap.from_list("density", ["#bcd2e8", "#16305f"])
_CRASHES: Final = (("2026-01-31", "2026-02-01"), ("2026-02-05", "2026-02-07"))
"""Days that are shaded, the second of each pair no more."""


def draw_states(course: Arrays, image: Path) -> None:
    """Index of both coins, and under it how many accounts were warned, called and due."""
    times = [datetime.fromtimestamp(each // NANO, UTC) for each in course["time_ns"].tolist()]
    figure, (prices, states) = plt.subplots(
        2, 1, figsize=(10, 6.2), sharex=True, height_ratios=(1, 1.3), layout="constrained"
    )
    prices.plot(times, course["index_BTC"], color="#1f3d7a", marker=".", markersize=4)
    prices.set_ylabel("BTC, USD", color="#1f3d7a")
    other = prices.twinx()
    other.plot(times, course["index_ETH"], color="#6b8e23", marker=".", markersize=4)
    other.set_ylabel("ETH, USD", color="#6b8e23")
    for axis in (prices, other):
        axis.yaxis.set_major_formatter("{x:,.0f}")
    state_ta = course["span.state"]
    floor_t = np.zeros(len(times))
    for state in (MarginState.LIQUIDATION, MarginState.MARGIN_CALL, MarginState.WARNING):
        count_t = (state_ta == state).sum(axis=1)
        label = state.word.replace("_", " ")
        states.fill_between(
            times, floor_t, floor_t + count_t, step="post", color=COLOURS[state], label=label, lw=0
        )
        floor_t = floor_t + count_t
    states.set(ylabel=f"accounts of {state_ta.shape[1]:,}", ylim=(0, None))
    states.set_xlim(times[0], times[-1])
    handles, labels = states.get_legend_handles_labels()
    states.legend(handles[::-1], labels[::-1], frameon=False, loc="upper left")
    states.xaxis.set_major_locator(mdates.DayLocator())
    states.xaxis.set_major_formatter(mdates.DateFormatter("%d %b"))
    for axis in (prices, states):
        axis.set_axisbelow(True)
        axis.grid(alpha=0.25)
        for first, last in _CRASHES:
            days = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (first, last)]
            axis.axvspan(*days, color="#000", alpha=0.06, lw=0, zorder=0)
    _saved(figure, image)


def draw_coverage(course: Arrays, image: Path) -> None:
    """Loss to the worst of the next snapshots against the margin before it, model by model."""
    figure, panels = plt.subplots(
        len(HORIZONS),
        len(MODELS),
        figsize=(12, 6.4),
        sharex=True,
        sharey=True,
        layout="constrained",
    )
    ends = (LEAST_USD, 2e7)
    for row, (steps, words) in zip(panels, HORIZONS, strict=True):
        for axes, model in zip(row, MODELS, strict=True):
            margin, loss = _margins_and_losses(course, model, steps)
            is_beyond = loss > margin
            shown = np.maximum(margin, LEAST_USD)
            axes.hexbin(
                *(shown[~is_beyond], loss[~is_beyond]),
                xscale="log",
                yscale="log",
                gridsize=55,
                bins="log",
                cmap=_DENSITY,
                mincnt=1,
                linewidths=0,
                extent=(2, 7.3, 2, 7.3),
            )
            axes.plot(shown[is_beyond], loss[is_beyond], ".", color="#b3261e", markersize=2.5)
            axes.plot(ends, ends, color="#444", linewidth=0.9)
            axes.set(xlim=ends, ylim=ends)
            axes.set_title(f"{model}, {words}: {is_beyond.sum():,} of {len(loss):,} beyond", size=9)
            axes.grid(alpha=0.2)
    figure.supxlabel("what initial margin left to lose, USD", size=10)
    figure.supylabel("loss to the worst of the next snapshots, USD", size=10)
    _saved(figure, image)


def _margins_and_losses(
    course: Arrays, model: str, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(buffer, loss) in USD of every account and snapshot with a loss of LEAST_USD at least."""
    worth_ta = course["worth"]
    count = len(worth_ta) - steps
    later = [worth_ta[step : step + count] for step in range(1, steps + 1)]
    loss_ta = worth_ta[:count] - np.minimum.reduce(later)
    buffer_ta = course[f"{model}.initial"] + worth_ta - course[f"{model}.equity"]
    is_shown_ta = loss_ta >= LEAST_USD * MICRO
    return buffer_ta[:count][is_shown_ta] / MICRO, loss_ta[is_shown_ta] / MICRO


def _saved(figure: Any, image: Path) -> None:
    """Write a figure with few colours: a picture in a repository is there for good."""
    figure.savefig(image, dpi=95)
    with Image.open(image) as drawn:
        small = drawn.convert("RGB").quantize(colors=COLOUR_COUNT)
    small.save(image, optimize=True)


def main() -> None:
    """Draw the study in the folder given first into the folder given second."""
    source, images = (Path(each) for each in sys.argv[1:3])
    with np.load(source / COURSE) as file:
        course = dict(file)
    images.mkdir(parents=True, exist_ok=True)
    draw_states(course, images / "crash-2026-02-states.png")
    draw_coverage(course, images / "crash-2026-02-coverage.png")


if __name__ == "__main__":
    main()
