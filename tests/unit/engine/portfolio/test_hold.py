"""What an open order holds: legs together, and two shapes of which either may fill, by hand."""

from dataclasses import replace
from decimal import Decimal

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import OrderHold, changing_hold, hold_of, more
from margingate_engine.portfolio.holdings import OpenLeg
from tests.span_margins import worst_margins
from tests.unit.engine.small_market import COIN, USD, SmallMarket, small_market

MARKET = small_market(basis_rate=Decimal(0))


def hold(*legs: OpenLeg, market: SmallMarket = MARKET) -> OrderHold:
    return hold_of(market.arrays, market.fees, legs)


def changing(old: tuple[OpenLeg, ...], new: tuple[OpenLeg, ...]) -> OrderHold:
    return changing_hold(MARKET.arrays, MARKET.fees, old, new)


def worst(order: OrderHold) -> int:
    """The largest loss of its rows, 1e-6 USD."""
    (totals,) = order.by_group.values()
    return -int(totals.worst_r.min())


def calendar(near: int, far: int, *, units: int = 1) -> tuple[OpenLeg, OpenLeg]:
    """A future of 101,000 sold against one of 104,000."""
    return (
        MARKET.open_leg("NEAR", -near * units, "101000", number=0, ratio=near),
        MARKET.open_leg("FAR", far * units, "104000", number=1, ratio=far),
    )


def test_a_combo_holds_what_its_legs_lose_together_and_not_apart() -> None:
    """[SPAN-16] 15 % down: 1,560 less 1,515, and the reserve of the short future"""
    legs = calendar(1, 1, units=10)
    assert worst(hold(*legs)) == 450 * USD + 10
    assert (
        worst(hold(*(replace(leg, ratio=0) for leg in legs))) == 15_600 * USD
    )  # the short one does not fill


def test_lots_of_a_combo_that_have_lost_their_partner_are_held_alone() -> None:
    """[SPAN-16] four of ten near lots were reported filled, their far lots are still to come"""
    near, far = calendar(1, 1, units=10)
    left = hold(replace(near, lots=6), far)
    assert worst(left) == (6 * 45 + 4 * 1_560) * USD + 6
    assert left.by_group[0].lots == 16


def test_a_unit_has_as_many_lots_of_a_leg_as_its_ratio() -> None:
    """[SPAN-16] two near against one far: 15 % up 3,030 less 1,560"""
    assert worst(hold(*calendar(2, 1, units=3))) == 3 * 1_470 * USD + 6
    near, far = calendar(2, 1, units=3)
    # Of five near lots two units are whole; the last near and the last far are alone, and the near
    # one loses 15 % up, where its unit does.
    assert worst(hold(replace(near, lots=5), far)) == (2 * 1_470 + 1_515) * USD + 5


def test_the_cash_of_a_unit_is_netted_and_that_of_legs_apart_is_not() -> None:
    """[SPAN-16, DEC-03] 20 paid for the call, 10 received for the put"""
    legs = (
        MARKET.open_leg("CALL", 5, "200", number=0, ratio=1),
        MARKET.open_leg("PUT", -5, "100", number=1, ratio=1),
    )
    assert hold(*legs).outflows == {"USD": 50 * USD}
    assert hold(*(replace(leg, ratio=0) for leg in legs)).outflows == {"USD": 100 * USD}
    credit = (replace(legs[0], price_nano=legs[0].price_nano // 4), legs[1])
    assert hold(*credit).outflows == {}


def test_a_combo_in_one_group_is_exact_until_its_minimum_binds() -> None:
    """[SPAN-15]"""
    portfolio = MARKET.portfolio()
    portfolio.legs["o"] = calendar(1, 1)
    (taken,) = worst_margins(AccountRisk.of(portfolio, MARKET.arrays)).values()
    assert taken.is_exact
    assert (taken.scan, taken.basis) == (45 * USD + 1, 0)
    portfolio.legs["o"] = (
        MARKET.open_leg("FAR-PUT", -1, "10", number=0, ratio=1),
        MARKET.open_leg("PUT", 1, "100", number=1, ratio=1),
    )
    (bound,) = worst_margins(AccountRisk.of(portfolio, MARKET.arrays)).values()
    assert bound.minimum > bound.scan + bound.basis
    assert not bound.is_exact


def test_a_smaller_change_is_held_at_what_is_open_until_the_venue_answers() -> None:
    """[SPAN-17]"""
    ten, four = (MARKET.open_leg("NEAR", 10, "101000"),), (MARKET.open_leg("NEAR", 4, "101000"),)
    assert worst(changing(ten, four)) == worst(hold(*ten)) == 15_150 * USD
    assert worst(changing(four, ten)) == 15_150 * USD


def test_old_lots_may_fill_first_and_the_rest_of_the_change_after_them() -> None:
    """[SPAN-17] ten lots at a limit that loses 10, then ten more at one that loses nothing"""
    old, new = (MARKET.open_leg("NEAR", 10, "101100"),), (MARKET.open_leg("NEAR", 20, "101000"),)
    assert worst(changing(old, new)) == (20 * 1_515 + 10 * 10) * USD
    # The worse of old alone and new alone would be 20 x 1,515.
    assert worst(hold(*new)) == 20 * 1_515 * USD


def test_a_leg_may_fill_as_it_was_and_another_as_it_becomes() -> None:
    """[SPAN-17] ten calls and one future, changed to one call and ten futures"""

    def legs(calls: int, futures: int) -> tuple[OpenLeg, ...]:
        return (
            MARKET.open_leg("CALL", -calls, "200", number=0),
            MARKET.open_leg("NEAR", -futures, "101000", number=1),
        )

    apart = changing(legs(10, 1), legs(1, 10))
    assert worst(apart) == worst(hold(*legs(10, 10)))
    assert apart.by_group[0].lots == 20
    assert not apart.by_group[0].floor_bound_lots


def test_units_of_a_combo_that_both_shapes_have_are_held_at_the_worse_limit() -> None:
    """[SPAN-16, SPAN-17]"""
    near, far = calendar(1, 1, units=2)
    dear = (near, replace(far, lots=3, price_nano=far.price_nano + 100 * 10**9))
    more_units = (replace(dear[0], lots=3), dear[1])
    # A far lot bought 100 higher loses 10; two units are common and one is new.
    assert worst(changing((near, far), more_units)) == 3 * (45 + 10) * USD + 3
    cheaper = (replace(near, lots=3), replace(far, lots=3))
    assert worst(changing((near, replace(dear[1], lots=2)), cheaper)) == (3 * 45 + 20) * USD + 3


def test_a_leg_that_is_filled_in_one_shape_ties_no_unit() -> None:
    """[SPAN-17] the near leg of ten is filled, its far leg is not reported; changed to twenty"""
    near, far = calendar(1, 1, units=10)
    held = changing((far,), (near, replace(far, lots=20)))
    assert worst(held) == (10 * 1_560 + 10 * 45) * USD + 10


def test_what_a_change_takes_of_each_asset_is_the_more_of_each_lot() -> None:
    """[SPAN-17, DEC-03]"""
    old = (MARKET.open_leg("COIN-CALL", 2, "0.25"),)
    new = (MARKET.open_leg("COIN-CALL", 3, "0.2"),)
    assert changing(old, new).outflows == {"BTC": 2 * COIN // 40 + COIN // 50}


def test_held_and_more_are_what_is_held_together() -> None:
    old, new = calendar(1, 1, units=4), calendar(1, 1, units=7)
    either = changing(old, new)
    both = hold(*old)
    both.add(more(either, both))
    assert both.by_group[0].worst_r.tolist() == either.by_group[0].worst_r.tolist()
    assert both.by_group[0].floors == either.by_group[0].floors
    assert (both.gross, both.outflows) == (either.gross, either.outflows)
    nothing = more(either, either)
    assert not nothing.by_group[0].worst_r.any()
    assert (nothing.by_group[0].lots, nothing.outflows, nothing.gross) == (0, {}, 0)


def test_a_change_of_a_combos_proportions_leaves_no_units() -> None:
    """[SPAN-17] two and two, changed to four and two: each leg alone at the more lots"""
    held = changing(calendar(1, 1, units=2), calendar(2, 1, units=2))
    assert worst(held) == 4 * 1_515 * USD + 4
    assert held.by_group[0].lots == 6
