"""Positions are never better than exact arithmetic. [SPAN-04, SPAN-06, SPAN-07]"""

from decimal import Decimal
from fractions import Fraction
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.amounts import MICRO, NANO, PICO
from margingate_engine.core.instruments import InstrumentKind, OptionRight
from tests.property.bridge import reference_book
from tests.property.chain import World, worlds
from tests.reference.contracts import Parameters
from tests.reference.scenarios import YEAR_NS, scenarios, shocked_vol
from tests.unit.engine.pricing import exact_black76

FLOAT_NOISE = Fraction(2, 10_000)
"""down* and up* forgive 1e-4 of a unit each. [SPAN-04]"""


def parameters_of(world: World, coin: str) -> Parameters:
    return reference_book(world).parameters[coin]


@cache
def exact_rows(world: World, row: int) -> tuple[Fraction, ...]:
    """Weighted P&L of one long lot in 1e-6 USD, to some forty digits."""
    instrument = world.table.instruments[row]
    parameters = parameters_of(world, instrument.underlying)
    snapshot = world.arrays.snapshot
    if has_expired(world, row):
        return (Fraction(0),) * 16
    index = Fraction(int(snapshot.index_nano_u[world.table.underlying_i[row]]), NANO)
    size = Fraction(instrument.size_nano, NANO)
    if instrument.is_future:
        mark = Fraction(int(snapshot.mark_nano_i[row]), NANO)
        usd = size * (index / mark if instrument.is_inverse_future else mark)
        return tuple(MICRO * each.weight * each.move * usd for each in scenarios(parameters))
    assert instrument.expiry_ns is not None
    assert instrument.strike_nano is not None
    strike_nano = instrument.strike_nano
    forward = Fraction(int(snapshot.forward_nano_i[row]), NANO)
    vol = int(snapshot.vol_nano_i[row]) / NANO
    years = Fraction(instrument.expiry_ns - snapshot.market_time_ns, YEAR_NS)
    later = max(years - parameters.look_ahead_days / 365, Fraction(0))
    is_inverse = instrument.settlement_asset != "USD"
    rate = size * (index / forward if is_inverse else 1)

    def value(at: Fraction, sigma: float, tau: Fraction) -> Fraction:
        deviation = Decimal(sigma) * decimal(tau).sqrt()
        strike = Decimal(strike_nano) / NANO
        is_call = instrument.right is OptionRight.CALL
        return Fraction(exact_black76.value(decimal(at), strike, deviation, is_call=is_call))

    here = value(forward, vol, years)
    return tuple(
        MICRO
        * each.weight
        * rate
        * (
            value(
                forward * (1 + each.move),
                shocked_vol(vol, float(years), parameters, each.vol_direction),
                later,
            )
            - here
        )
        for each in scenarios(parameters)
    )


def decimal(value: Fraction) -> Decimal:
    return Decimal(value.numerator) / Decimal(value.denominator)


def has_expired(world: World, row: int) -> bool:
    expiry_ns = world.table.instruments[row].expiry_ns
    return expiry_ns is not None and expiry_ns <= world.arrays.snapshot.market_time_ns


def exact_coins(world: World, row: int) -> Fraction | None:
    """Mark value of one lot in 1e-12 coins; None of what is worth USD."""
    instrument, mark_nano = world.table.instruments[row], world.arrays.mark_nano_i[row]
    if instrument.is_inverse_future:
        return Fraction(-PICO * instrument.size_nano, mark_nano)
    if instrument.settlement_asset != "USD" and has_expired(world, row):
        return Fraction(PICO * instrument.size_nano * mark_nano, NANO * NANO)
    return None


def exact_value(world: World, row: int) -> Fraction:
    """Mark value of one lot in 1e-6 USD."""
    instrument, arrays = world.table.instruments[row], world.arrays
    if exact_coins(world, row) is not None:
        return Fraction(0)
    usd = Fraction(instrument.size_nano * arrays.mark_nano_i[row], NANO * NANO)
    if instrument.settlement_asset != "USD":
        usd *= Fraction(int(arrays.snapshot.index_nano_u[arrays.group_i[row]]), NANO)
    return MICRO * usd


def not_spot(world: World) -> list[int]:
    instruments = enumerate(world.table.instruments)
    return [row for row, each in instruments if each.kind is not InstrumentKind.SPOT]


@given(st.sampled_from(worlds()), st.data(), st.integers(1, 10**6))
def test_no_position_is_better_in_a_scenario_than_exact_arithmetic_says(
    world: World, data: st.DataObject, lots: int
) -> None:
    row = data.draw(st.sampled_from(not_spot(world)))
    exact, value = exact_rows(world, row), exact_value(world, row)
    arrays = world.arrays
    for side in (1, -1):
        worth = arrays.position_value(row, side * lots)
        for scenario, pnl in enumerate(exact):
            computed = worth + side * lots * int(arrays.pnl_ir[row, scenario])
            true = side * lots * (value + pnl)
            assert computed <= true + (lots * FLOAT_NOISE if side > 0 else 0)
            assert computed >= true - 4 * lots


@given(st.sampled_from(worlds()), st.data(), st.integers(1, 10**6))
def test_what_is_worth_coins_is_never_worth_more_than_exact(
    world: World, data: st.DataObject, lots: int
) -> None:
    """Inverse futures and, in a world past their expiry, inverse options."""
    rows = [row for row in range(len(world.table)) if exact_coins(world, row) is not None]
    row = data.draw(st.sampled_from(rows))
    exact = exact_coins(world, row)
    assert exact is not None
    for side in (1, -1):
        coins = world.arrays.position_coin(row, side * lots)
        assert 0 <= side * lots * exact - coins + lots * FLOAT_NOISE < lots * (1 + FLOAT_NOISE)


@given(st.sampled_from(worlds()), st.integers(-(2**61), 2**61), st.data())
def test_a_coin_balance_is_never_worth_more_than_exact(
    world: World, coins: int, data: st.DataObject
) -> None:
    """[SPAN-05, SPAN-08]"""
    number = data.draw(st.sampled_from((0, 1)))
    group = world.arrays.groups[number]
    assert group is not None
    parameters = parameters_of(world, group.underlying)
    usd = Fraction(coins * group.index_nano * MICRO, PICO * NANO)
    haircut = parameters.collateral_haircut
    assert 0 <= usd * (1 - haircut if coins > 0 else 1 + haircut) - group.coin_value(coins) < 1
    for row, each in zip(group.coin_rows(coins), scenarios(parameters), strict=True):
        assert 0 <= usd * Fraction(each.weighted_move_pico, PICO) - row < 1
