"""How far prices moved in an hour, in six years, against what a move may be."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from pathlib import Path

from tests.market_data.recorded import built_in

HOUR_SECONDS = 3_600


@dataclass(frozen=True)
class Moves:
    """Moves of one coin's hourly closes: how many, the largest, and the limit after an hour."""

    coin: str
    count: int
    largest: float
    limit: float

    @property
    def largest_scaled(self) -> float:
        """The largest as a move at once, by the root of time: what `index_jump` is to exceed."""
        return self.largest / sqrt(1 + HOUR_SECONDS / (built_in().otherwise.jump_ns / 1e9))


def hourly_moves(folder: Path) -> Sequence[Moves]:
    """The moves of every coin with hourly closes."""
    limits = built_in().otherwise
    growth = sqrt(1 + HOUR_SECONDS / (limits.jump_ns / 1e9))
    limit = limits.index_jump_ppm / 1e6 * min(growth, limits.jump_growth_ppm / 1e6)
    found = []
    for path in sorted(folder.glob("prices/nolic_jackyman_binance_*_1h.csv.gz")):
        with gzip.open(path, "rt") as file:
            closes = [float(row["close"]) for row in csv.DictReader(file)]
        moves = [abs(after / before - 1) for before, after in pairwise(closes)]
        coin = path.name.removeprefix("nolic_jackyman_binance_").removesuffix("USDT_1h.csv.gz")
        found.append(Moves(coin, len(moves), max(moves), limit))
    return found
