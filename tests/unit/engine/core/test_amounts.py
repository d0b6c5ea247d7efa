from decimal import Decimal, getcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.amounts import (
    AMOUNT_UNITS_MAX,
    COIN_UNITS_MAX,
    MICRO,
    NANO,
    PICO,
    asset_units,
    ceil_div,
    decimal_places,
    units_exact,
    units_max,
    units_per_whole,
    whole,
)
from margingate_engine.core.errors import InvalidInput


def test_usd_has_a_million_units_and_a_coin_a_million_million() -> None:
    assert (units_per_whole("USD"), units_per_whole("BTC")) == (10**6, 10**12)


@given(st.integers(-AMOUNT_UNITS_MAX + 1, AMOUNT_UNITS_MAX - 1), st.sampled_from([MICRO, PICO]))
def test_units_and_decimals_go_there_and_back(units: int, per_whole: int) -> None:
    assert units_exact(whole(units, per_whole), per_whole, "amount") == units


def test_a_fraction_of_a_unit_is_refused_and_not_rounded() -> None:
    assert units_exact(Decimal("1.000001"), MICRO, "amount") == 1_000_001
    with pytest.raises(InvalidInput) as wrong:
        units_exact(Decimal("1.0000001"), MICRO, "collateral.amount")
    assert wrong.value.field == "collateral.amount"
    assert "6 decimal places" in wrong.value.problem


def test_amounts_stop_before_they_could_leave_an_int64() -> None:
    assert units_exact(whole(AMOUNT_UNITS_MAX - 1, NANO), NANO, "x") == AMOUNT_UNITS_MAX - 1
    for units in (AMOUNT_UNITS_MAX, -AMOUNT_UNITS_MAX):
        with pytest.raises(InvalidInput, match="out of range"):
            units_exact(whole(units, NANO), NANO, "x")


def test_coins_have_room_for_any_that_there_are() -> None:
    assert (units_max("USD"), units_max("USDC")) == (AMOUNT_UNITS_MAX, COIN_UNITS_MAX)
    assert asset_units(Decimal("1e15"), "PEPE", "x") == 10**27
    for asset in ("USD", "USDC"):
        most = whole(units_max(asset) - 1, units_per_whole(asset))
        assert asset_units(most, asset, "x") == units_max(asset) - 1
        for amount in (-most, most):
            beyond = amount + amount / abs(amount) / units_per_whole(asset)
            with pytest.raises(InvalidInput, match="out of range"):
                asset_units(beyond, asset, "x")


def test_the_door_does_not_depend_on_the_callers_decimal_context() -> None:
    precise = getcontext().prec
    try:
        getcontext().prec = 3
        assert units_exact(Decimal("123456.789012"), MICRO, "x") == 123_456_789_012
        assert str(whole(123_456_789_012, MICRO)) == "123456.789012"
    finally:
        getcontext().prec = precise


@given(st.integers(), st.integers(1, 10**30))
def test_division_rounds_up(numerator: int, denominator: int) -> None:
    quotient = ceil_div(numerator, denominator)
    assert (quotient - 1) * denominator < numerator <= quotient * denominator


@pytest.mark.parametrize(
    ("text", "places"), [("1", 0), ("-1.5", 1), ("1.50", 2), ("1E+3", 0), ("1e-7", 7), ("0.0", 1)]
)
def test_decimal_places_are_those_that_are_written(text: str, places: int) -> None:
    assert decimal_places(Decimal(text)) == places
