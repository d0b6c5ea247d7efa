"""What was held covers what a fill does: headroom never falls when an order fills at its limit."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.instruments import InstrumentKind, Settlement
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import FeeRate
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from tests.property.books import Book, books
from tests.property.chain import World, worlds
from tests.property.effort import examples
from tests.property.fills import fill, trade
from tests.property.legs import limit_nano


def headroom(world: World, portfolio: Portfolio) -> int:
    return AccountRisk.of(portfolio, world.arrays).risk.headroom


@examples(150)
@given(books(orders_max=6), st.data())
def test_any_fills_at_the_limit_leave_headroom_unchanged_or_higher(
    book: Book, data: st.DataObject
) -> None:
    portfolio = deepcopy(book.portfolio)
    before = headroom(book.world, portfolio)
    for key, (leg,) in book.portfolio.legs.items():
        lots = data.draw(st.sampled_from((0, 1, (leg.lots + 1) // 2, leg.lots)))
        if lots:
            fill(book.world, portfolio, key, leg, lots)
            after = headroom(book.world, portfolio)
            assert after >= before
            before = after


@examples(150)
@given(books(orders_max=6, several=True), st.data())
def test_fills_of_whole_units_at_either_limit_leave_headroom_unchanged_or_higher(
    book: Book, data: st.DataObject
) -> None:
    """[SPAN-16, SPAN-17] all legs of a unit are reported before the next one"""
    portfolio = deepcopy(book.portfolio)
    before = headroom(book.world, portfolio)
    for key in book.portfolio.legs:
        for shape in data.draw(st.permutations((portfolio.legs, portfolio.amendments))):
            for parts, most in fillers(portfolio, key, shape.get(key, ())):
                units = data.draw(st.sampled_from((0, 1, most // 2, most)))
                for leg, ratio in parts if units else ():
                    fill(book.world, portfolio, key, leg, units * ratio)
                after = headroom(book.world, portfolio)
                assert after >= before
                before = after


def fillers(
    portfolio: Portfolio, key: str, shape: tuple[OpenLeg, ...]
) -> list[tuple[list[tuple[OpenLeg, int]], int]]:
    """What may fill of a shape: (legs with the lots of each in a unit, units).

    While a change is pending, a unit has every leg that is open in either shape.
    """
    either = (*portfolio.legs[key], *portfolio.amendments.get(key, ()))
    tied = {leg.number for leg in either if leg.ratio}
    combo = [leg for leg in shape if leg.ratio]
    units = min((leg.lots // leg.ratio for leg in combo), default=0)
    ratios = {(leg.number, leg.ratio) for leg in either}
    if len(combo) < len(tied) or len(ratios) > len({number for number, _ in ratios}):
        units = 0
    found = [([(leg, leg.ratio) for leg in combo], units)] if units else []
    alone = [(leg, leg.lots - units * leg.ratio) for leg in shape]
    return found + [([(leg, 1)], lots) for leg, lots in alone if lots]


def contracts(kind: InstrumentKind, settlement: Settlement) -> list[tuple[World, int]]:
    return [
        (world, row)
        for world in worlds()
        for row, each in enumerate(world.table.instruments)
        if (each.kind, each.settlement) == (kind, settlement)
    ]


KINDS = sorted({(each.kind, each.settlement) for each in worlds()[0].table.instruments}, key=str)


@pytest.mark.parametrize(("kind", "settlement"), KINDS)
@examples(60)
@given(data=st.data())
def test_opening_growing_closing_and_turning_are_covered_for_every_kind_of_contract(
    kind: InstrumentKind, settlement: Settlement, data: st.DataObject
) -> None:
    world, row = data.draw(st.sampled_from(contracts(kind, settlement)))
    book = data.draw(books(orders_max=2, world=world))
    portfolio = book.portfolio
    for side in data.draw(st.lists(st.sampled_from(Side), min_size=1, max_size=4)):
        price_nano = data.draw(limit_nano(world, row))
        lots = data.draw(st.integers(1, 40))
        leg = OpenLeg(row=row, side=side, lots=lots, price_nano=price_nano)
        portfolio.legs["new"] = (leg,)
        held = headroom(world, portfolio)
        fill(world, portfolio, "new", leg, lots)
        assert headroom(world, portfolio) >= held


@given(st.sampled_from(worlds()), st.data())
def test_shorting_an_option_at_its_mark_moves_headroom_by_the_requirement_alone(
    world: World, data: st.DataObject
) -> None:
    """Equity stays, but for the rounding reserve."""
    book = data.draw(books(orders_max=0, world=world))
    linear = [
        row
        for row, each in enumerate(world.table.instruments)
        if each.kind is InstrumentKind.OPTION and each.settlement is Settlement.LINEAR
    ]
    row = data.draw(st.sampled_from(linear))
    portfolio = book.portfolio
    portfolio.fees = {kind: FeeRate(maker_ppm=0, taker_ppm=0) for kind in InstrumentKind}
    before = AccountRisk.of(portfolio, world.arrays)
    nano = world.arrays.mark_nano_i[row]
    trade(world, portfolio, OpenLeg(row=row, side=Side.SELL, lots=1, price_nano=nano), 1)
    after = AccountRisk.of(portfolio, world.arrays)
    assert 0 <= before.equity - after.equity <= 2
    requirement = after.risk.initial - before.risk.initial
    assert after.risk.headroom - before.risk.headroom == (
        after.equity - before.equity - requirement
    )
