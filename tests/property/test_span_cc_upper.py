"""No fills of open orders, part fills included, require more than the upper requirement says."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.models.span_cc.intervals import CommodityHolds
from margingate_engine.models.span_cc.requirement import CommodityRisk, requirements
from margingate_engine.models.span_cc.totals import CommodityTotals
from margingate_engine.models.span_cc.upper import (
    calendar_bound,
    delta_ranges,
    upper_requirements,
)
from tests.property.effort import examples
from tests.property.span_cc_books import CODES, Positions, World, book, with_spreads, world

seeds = st.integers(0, 2**32)


@dataclass(frozen=True)
class Order:
    """An even number of lots, signed; entry: what a lot loses when it fills, <= 0."""

    code: str
    number: int
    lots: int
    entry: int


def orders(random: Random, count: int) -> list[Order]:
    return [
        Order(
            code=random.choice(CODES[: random.randint(1, 3)]),
            number=random.randrange(10),
            lots=random.choice([-4, -2, 2, 4]),
            entry=-random.choice([0, 0, random.randint(0, 200)]) * 10**6,
        )
        for _ in range(count)
    ]


def holds(drawn: World, open_orders: list[Order]) -> dict[str, CommodityHolds]:
    found: dict[str, CommodityHolds] = {}
    for order in open_orders:
        each = found.setdefault(order.code, CommodityHolds())
        each.add(drawn.risk(order.code, order.number), order.lots, order.entry)
    return found


def fills(held: Positions, open_orders: list[Order]) -> Iterator[tuple[Positions, int]]:
    """Positions and entry losses after none, half or all of every order."""
    for halves in product((0, 1, 2), repeat=len(open_orders)):
        sums = {code: dict(positions) for code, positions in held.items()}
        entry = 0
        for half, order in zip(halves, open_orders, strict=True):
            lots = order.lots * half // 2
            sums[order.code][order.number] = sums[order.code].get(order.number, 0) + lots
            entry += abs(lots) * order.entry
        yield {code: list(each.items()) for code, each in sums.items()}, entry


def needed(risks: dict[str, CommodityRisk]) -> int:
    """Risk, and the option value that caps take out of equity."""
    return sum(each.risk + each.lost_option_value for each in risks.values())


def worst(drawn: World, held: Positions, open_orders: list[Order]) -> int:
    parameters = drawn.parameters
    return max(
        needed(requirements(parameters, drawn.totals(filled))) - entry
        for filled, entry in fills(held, open_orders)
    )


def made(seed: int, count: int) -> tuple[World, Positions, list[Order]]:
    random = Random(seed)
    drawn = world(random)
    with_spreads(random, drawn.tables)
    return drawn, book(random), orders(random, count)


@examples(50)
@given(seeds, st.integers(1, 3))
def test_no_fills_require_more(seed: int, count: int) -> None:
    """[SCC-16, SCC-17]"""
    drawn, held, open_orders = made(seed, count)
    upper = upper_requirements(drawn.parameters, drawn.totals(held), holds(drawn, open_orders))
    assert needed(upper) >= worst(drawn, held, open_orders)


@examples(60)
@given(seeds)
def test_the_calendar_bound_grows_with_what_deltas_can_reach(seed: int) -> None:
    """[SCC-16] Spreads that come within reach only add to what a delta may be charged."""
    random = Random(seed)
    drawn, held, open_orders = made(seed, 3)
    on_order, totals = holds(drawn, open_orders), drawn.totals(held)
    for each in drawn.parameters.commodities:
        of_code = totals.get(each.code, CommodityTotals())
        ranges = delta_ranges(of_code, on_order.get(each.code, CommodityHolds()))
        wider = {
            period: (low - random.randint(0, 10**10), high + random.randint(0, 10**10))
            for period, (low, high) in ranges.items()
        }
        assert calendar_bound(each, ranges) <= calendar_bound(each, wider)


@pytest.mark.skipif(not os.environ.get("SPAN_CC_BOOKS"), reason="SPAN_CC_BOOKS says how many")
def test_no_fills_of_many_books_require_more() -> None:
    """[SCC-16, SCC-17] Up to eight orders, every combination of halves; tells how tight it is."""
    ratios = []
    for seed in range(int(os.environ["SPAN_CC_BOOKS"])):
        count = 8 if seed % 500 == 0 else seed % 5
        drawn, held, open_orders = made(seed, count)
        totals = drawn.totals(held)
        upper = needed(upper_requirements(drawn.parameters, totals, holds(drawn, open_orders)))
        most = worst(drawn, held, open_orders)
        assert upper >= most, seed
        if count and most:
            ratios.append(upper / most)
    quartiles = np.percentile(ratios, [0, 25, 50, 75, 100])
    sys.stdout.write(f"{len(ratios)} books, upper / worst, quartiles: {quartiles}\n")


@examples(60)
@given(seeds)
def test_without_orders_the_upper_requirement_is_the_requirement(seed: int) -> None:
    """[SCC-16]"""
    drawn, held, _ = made(seed, 0)
    totals = drawn.totals(held)
    assert upper_requirements(drawn.parameters, totals, {}) == requirements(
        drawn.parameters, totals
    )
