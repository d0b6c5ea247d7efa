"""The figures of docs/data-quality.md: `MARGINGATE_DATA=... python -m tests.market_data.report`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from margingate_engine.quality.doubt import Doubt
from tests.market_data.hourly import hourly_moves
from tests.market_data.injected import tried
from tests.market_data.recorded import DAILY, SIX_HOURLY, Course, data_folder, snapshots
from tests.market_data.timing import cost

SINGLE = (
    "chains/nolic_znmahbub_btc_eth_20260123*",
    "chains/nolic_znmahbub_btc_eth_20260205*",
    "chains/nolic_znmahbub_btc_eth_20260626*",
)


def taken(folder: Path) -> Iterator[str]:
    """What was not taken of recorded markets, which are held to be right."""
    yield "| series | snapshots | prices judged | indices judged | not taken |"
    yield "|---|---|---|---|---|"
    for pattern in (SIX_HOURLY, DAILY, *SINGLE):
        course, count = Course(), 0
        for snapshot in snapshots(folder, pattern):
            course.take(snapshot)
            count += 1
        refused = ", ".join(
            f"{doubt.name.lower()} {course.refused[doubt]}"
            for doubt in Doubt
            if course.refused[doubt]
        )
        judged = course.judged
        yield (
            f"| {pattern} | {count} | {judged['instruments']:,} | {judged['indices']:,} |"
            f" {refused or 'none'} |"
        )


def moved(folder: Path) -> Iterator[str]:
    """Hourly moves against what a move may be."""
    yield "| coin | hours | largest move | limit after an hour | at once, by root of time |"
    yield "|---|---|---|---|---|"
    for each in hourly_moves(folder):
        yield (
            f"| {each.coin} | {each.count:,} | {each.largest:.1%} | {each.limit:.1%} |"
            f" {each.largest_scaled:.2%} |"
        )


def mistaken(folder: Path) -> Iterator[str]:
    """Mistakes that were made, and how many were seen."""
    yield "| mistake | made | seen | by |"
    yield "|---|---|---|---|"
    for words, (made, seen, by_doubt) in tried(folder).items():
        rules = ", ".join(f"{doubt.name.lower()} {n}" for doubt, n in by_doubt.most_common())
        yield f"| {words} | {made} | {seen / made:.1%} | {rules} |"


def timed(_folder: Path) -> Iterator[str]:
    """What judging costs."""
    found = cost()
    yield "| instruments | best | median | of it taking prices unjudged |"
    yield "|---|---|---|---|"
    milliseconds = (1e3 * each for each in (found.best, found.median, found.unjudged_median))
    yield f"| {found.instruments:,} | {' | '.join(f'{each:.1f} ms' for each in milliseconds)} |"


def main() -> None:
    """Print them as tables."""
    folder = data_folder()
    for table in (taken, moved, mistaken, timed):
        for line in (*table(folder), ""):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
