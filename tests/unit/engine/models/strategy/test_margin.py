"""What open orders make of positions, and the bound of what they can require."""

from dataclasses import replace
from decimal import Decimal

import pytest

from margingate_engine.models.strategy.legs import OptionLeg, SpotLeg
from margingate_engine.models.strategy.margin import ongoing_margin, upper_requirement
from margingate_engine.models.strategy.pieces import cut
from margingate_engine.models.strategy.terms import Phase
from tests.reference.strategy_books import NANO, book, option, parameters, spot, usd
from tests.reference.strategy_orders import OpenOrder, option_legs, spot_legs

PARAMETERS, INITIAL = parameters(), Phase.INITIAL


def order(lots: int, limit: int = 0) -> OpenOrder:
    return OpenOrder(lots=lots, limit_nano=limit * NANO)


def legs(held: int, *orders: OpenOrder, mark: int = 5) -> list[tuple[int, bool, int]]:
    """Lots, whether uncertain, and credit in USD, of a call with open orders."""
    found = option_legs(option("C", 105, held, mark), orders)
    return [(leg.lots, leg.is_uncertain, leg.credit_nano // NANO) for leg in found]


def bound(*what: OptionLeg | SpotLeg) -> float:
    margin = upper_requirement(book(*what), PARAMETERS)
    return float(usd(margin.requirement_micro))


@pytest.mark.parametrize(
    ("held", "orders", "wanted"),
    [
        (0, (), []),
        (3, (order(2, 5),), [(3, False, 0)]),
        (3, (order(-2, 5),), [(1, False, 0)]),
        (3, (order(-3, 5),), []),
        (1, (order(-3, 4),), [(-2, True, 4)]),
        (-2, (order(-1, 9),), [(-2, False, 0), (-1, True, 5)]),
        (-2, (order(1, 9),), [(-1, False, 0), (-1, True, 0)]),
        (-1, (order(3, 9), order(-1, 2)), [(-1, True, 0), (-1, True, 2)]),
        (1, (order(-1, 5), order(-2, 3), order(-1, 4)), [(-2, True, 3), (-1, True, 4)]),
    ],
)
def test_what_is_short_at_one_end_alone_is_uncertain(
    held: int, orders: tuple[OpenOrder, ...], wanted: list[tuple[int, bool, int]]
) -> None:
    """[STR-14]"""
    assert legs(held, *orders) == wanted


def test_spot_under_orders_covers_what_it_can_be_there_for() -> None:
    """[STR-14]"""
    found = list(spot_legs(spot(2), [order(-1 * NANO), order(3 * NANO)]))
    assert [(leg.quantity_nano // NANO, leg.is_uncertain) for leg in found] == [
        (1, False),
        (4, True),
    ]


def test_without_orders_the_bound_is_the_requirement_and_exact() -> None:
    """[STR-15]"""
    held = book(option("C", 105, -1, 3), option("P", 100, -1, 4), spot(1))
    margin = upper_requirement(held, PARAMETERS)
    assert margin == ongoing_margin(held, PARAMETERS, Phase.INITIAL)
    assert margin.is_exact


def test_with_orders_it_is_a_bound() -> None:
    """[STR-15]"""
    at_worst = book(*option_legs(option("C", 105, -1, 3), [order(-1, 3)]))
    assert not upper_requirement(at_worst, PARAMETERS).is_exact


@pytest.mark.parametrize(
    ("limit", "wanted"),
    [(3, 15), (9, 15), (1, 17), (0, 18)],
)
def test_an_order_to_sell_costs_its_requirement_less_limit_or_mark(
    limit: int, wanted: float
) -> None:
    """[STR-14]"""
    assert bound(*option_legs(option("C", 105, 0, 3), [order(-1, limit)])) == wanted


def test_a_long_with_an_open_sell_covers_nothing() -> None:
    """[STR-14]"""
    short, long = option("C", 100, -1, 5), option("C", 110, 1, 2)
    assert bound(short, long) == 10
    assert bound(short, *option_legs(long, [order(-1, 2)])) == 25


def test_a_long_on_order_covers_nothing_yet() -> None:
    """[STR-14]"""
    short, none = option("C", 100, -1, 5), option("C", 110, 0, 2)
    assert bound(short, *option_legs(none, [order(1, 2)])) == 25


def test_closing_one_side_of_a_straddle_leaves_the_dearer_state() -> None:
    """[STR-14]"""
    call, put = option("C", 105, -1, 3), option("P", 100, -1, 4)
    assert bound(call, put) == 27
    assert bound(call, *option_legs(put, [order(1, 4)])) == 27


def test_buying_back_a_covered_call_does_not_free_the_spot_it_is_on() -> None:
    """The call's mark counts while it is there, and the spot in either case. [STR-14]"""
    call = option("C", 105, -1, 3)
    assert bound(spot(1), *option_legs(call, [order(1, 3)])) == 53


def test_spot_on_sale_covers_no_call_that_stays() -> None:
    """All but a little of it sold, the call is naked and the rest is margined. [STR-14, STR-15]"""
    call = option("C", 105, -1, 3)
    sold = list(spot_legs(spot(1), [order(-1 * NANO)]))
    rest = ongoing_margin(book(call, replace(spot(1), quantity_nano=NANO - 1)), PARAMETERS, INITIAL)
    assert float(usd(rest.requirement_micro)) == pytest.approx(18 + 50)
    assert bound(call, *sold) == 18 + 50


def test_of_spot_on_sale_one_unit_may_be_sold_in_part() -> None:
    """The others cover, with them or without: 50 + 3 more than 18. [STR-15]"""
    calls = option("C", 105, -3, 3)
    sold = list(spot_legs(spot(3), [order(-3 * NANO)]))
    assert bound(calls, *sold) == 2 * 53 + 18 + 50


@pytest.mark.parametrize(("sold", "whole"), [("2.3", 2 - 1), ("1.9", 1)])
def test_spot_that_is_odd_anyhow_may_be_what_is_left_of_a_unit(sold: str, whole: int) -> None:
    """Of 3.8 coins: 1.5 stay, odd 0.5 and 0.3; or 1.9 stay, odd 0.9 and 0.9, which is one. [STR-15]

    In the first a unit that is left in part may be more than what is odd.
    """
    coins = replace(spot(4), quantity_nano=3_800_000_000)
    legs = list(spot_legs(coins, [order(-int(Decimal(sold) * NANO))]))
    found = cut(book(option("C", 105, -4, 3), *legs))
    units = {piece.is_uncertain: piece.units for piece in found.pieces if piece.symbol == "spot"}
    assert units == {False: 1, True: whole}
    odd_nano = sum(leg.quantity_nano for leg in found.odd_spot)
    assert odd_nano == coins.quantity_nano - (1 + whole) * NANO


def test_an_order_for_a_short_in_a_spread_is_held_at_its_gap_less_its_credit() -> None:
    """[STR-14]"""
    long, none = option("P", 95, 1, 2), option("P", 100, 0, 4)
    assert bound(long, *option_legs(none, [order(-1, 3)])) == 2
    assert bound(long, *option_legs(none, [order(-2, 3)])) == 2 + 24 - 3


def test_the_credit_of_an_order_pays_for_nothing_while_it_may_not_fill() -> None:
    """The puts of an iron condor lose their gap whether or not its call is sold. [STR-14]"""
    puts = (option("P", 95, 1, 2), option("P", 100, -1, 4))
    call, none = option("C", 110, 1, 1), option("C", 105, 0, 3)
    assert bound(*puts, call, *option_legs(none, [order(-1, 3)])) == 5
