"""What the pairing of large books costs: `python -m tests.bench.pairing [--books 200] [--legs 40]`.

Books are random: distinct series of four expiries around the price, long or short, and coins.
Greedy over optimal is what an account would pay for leaving the program out.
"""

import argparse
import random
import sys
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from math import exp, sqrt
from time import perf_counter

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.models.strategy.columns import candidates
from margingate_engine.models.strategy.greedy import greedy_counts
from margingate_engine.models.strategy.legs import Book, OptionLeg, SpotLeg
from margingate_engine.models.strategy.margin import ongoing_margin
from margingate_engine.models.strategy.ongoing import OngoingCosts
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.models.strategy.pieces import cut
from margingate_engine.models.strategy.terms import Phase

SEED = 20261121
PRICE, YEAR_DAYS = 100_000, 365
EXPIRIES_DAYS = (7, 30, 90, 180)
STRIKES = tuple(range(70_000, 132_500, 2_500))
LOTS_MAX, COINS_MAX = 30, 5

RATIOS: dict[str, object] = {
    "option_initial_ratio": Decimal("0.15"),
    "option_initial_minimum_ratio": Decimal("0.1"),
    "option_maintenance_ratio": Decimal("0.12"),
    "option_maintenance_minimum_ratio": Decimal("0.075"),
    "leverage": Decimal(1),
    "spot_initial_ratio": Decimal("0.2"),
    "spot_maintenance_ratio": Decimal("0.1"),
    "short_spot_initial_ratio": Decimal("0.25"),
    "short_spot_maintenance_ratio": Decimal("0.15"),
    "short_spot_minimum": Decimal(0),
    "hedged_strike_ratio": Decimal("0.05"),
    "future_initial_ratio": Decimal("0.02"),
    "future_maintenance_ratio": Decimal("0.01"),
    "long_term_ratio": Decimal(1),
    "box_ratio": Decimal("0.5"),
    "exercise": "european",
    "secured_call": "underlying",
    "house_rules": [],
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One book: seconds of its pairing, whether it was optimal, and greedy over what was found."""

    seconds: float
    is_exact: bool
    greedy_ratio: float


def book(seed: int, legs: int) -> Book:
    """So many series of a tenth of a coin a lot."""
    draw = random.Random(f"{SEED} {seed}")
    series = draw.sample(list(product((True, False), EXPIRIES_DAYS, STRIKES)), legs)
    options = tuple(
        OptionLeg(
            symbol=f"{'C' if is_call else 'P'}-{days}-{strike}",
            is_call=is_call,
            strike_nano=strike * NANO,
            expiry_ns=days,
            lots=draw.randint(1, LOTS_MAX) * draw.choice((1, -1)),
            size_nano=NANO // 10,
            mark_nano=_mark(strike, days, is_call=is_call) * NANO,
        )
        for is_call, days, strike in series
    )
    coins = draw.randint(-COINS_MAX, COINS_MAX)
    spot = (SpotLeg(quantity_nano=coins * NANO, price_nano=PRICE * NANO),) if coins else ()
    return Book(underlying_nano=PRICE * NANO, options=options, spot=spot)


def _mark(strike: int, days: int, *, is_call: bool) -> int:
    """Intrinsic value and a hump of time value: about right is enough."""
    intrinsic = max(0, PRICE - strike if is_call else strike - PRICE)
    width = 0.5 * PRICE * sqrt(days / YEAR_DAYS)
    return intrinsic + round(0.4 * width * exp(-abs(PRICE - strike) / width))


def measure(parameters: StrategyParameters, each: Book) -> Measured:
    """The initial requirement of a book."""
    started = perf_counter()
    margin = ongoing_margin(each, parameters, Phase.INITIAL)
    seconds = perf_counter() - started
    costs = OngoingCosts(parameters, each.underlying_nano, Phase.INITIAL)
    found = candidates(cut(each), costs)
    greedy = sum(column.unit_micro * count for column, count in greedy_counts(found).items())
    return Measured(seconds, margin.is_exact, greedy / max(1, margin.requirement_micro))


def main() -> None:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--books", type=int, default=200)
    parser.add_argument("--legs", type=int, default=40)
    asked = parser.parse_args()
    parameters = StrategyParameters.from_mapping("BTC", RATIOS)
    measured = [measure(parameters, book(seed, asked.legs)) for seed in range(asked.books)]
    times_ms = np.array([each.seconds for each in measured]) * 1_000
    ratios = np.array([each.greedy_ratio for each in measured])
    exact = sum(each.is_exact for each in measured)
    median, p90, p99 = np.quantile(times_ms, (0.5, 0.9, 0.99))
    sys.stdout.write(
        f"{asked.books} books of {asked.legs} options, seed {SEED}\n"
        f"ms: median {median:.1f}, p90 {p90:.1f}, p99 {p99:.1f}, max {times_ms.max():.1f}\n"
        f"optimal: {exact} of {asked.books}\n"
        f"greedy over optimal: median {np.median(ratios):.3f}, "
        f"p90 {np.quantile(ratios, 0.9):.3f}, max {ratios.max():.3f}\n"
    )


if __name__ == "__main__":
    main()
