"""Decimal text and exact numbers."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.core.errors import InvalidInput
from margingate_server.rpc.decimals import (
    asset_text,
    decimal_text,
    nano_text,
    parse_decimal,
    parse_positive,
    parse_price,
    usd_text,
)

NINES = "9" * 18
GOOD = {
    "0": "0",
    "-0": "0",
    "7": "7",
    "007": "7",
    "-7.50": "-7.5",
    "0.000000000000000001": "1E-18",
    f"{NINES}.{NINES}": f"{NINES}.{NINES}",
    f"-{NINES}.{NINES}": f"-{NINES}.{NINES}",
}
BAD = (
    *("", " ", "-", ".", "1.", ".5", "+1", "1,5", "1_000", " 1", "1 ", "1\n", "--1", "1-"),
    *("NaN", "nan", "inf", "-Infinity", "1e5", "1E5", "0x10", "1.2.3", "¼", "١", "１", "1\x00"),
    *("1" * 19, "1." + "1" * 19, "0" * 39, "9" * 100_000),
)


@pytest.mark.parametrize("text", GOOD)
def test_decimal_text_is_read_exactly(text: str) -> None:
    assert parse_decimal(text, "f") == Decimal(GOOD[text])


@pytest.mark.parametrize("text", BAD, ids=lambda text: repr(text[:12]))
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_decimal(text, "legs[2].quantity")
    assert refused.value.field == "legs[2].quantity"
    assert text[:5] not in refused.value.problem or len(text) < 3


@pytest.mark.parametrize("text", ["0", "-0", "0.000", "-1"])
def test_a_positive_number_is_above_zero(text: str) -> None:
    assert parse_positive("0.1", "f") == Decimal("0.1")
    with pytest.raises(InvalidInput):
        parse_positive(text, "f")


def test_a_price_may_be_zero_and_not_less() -> None:
    assert parse_price("0", "f") == 0
    assert parse_price("-0", "f") == 0
    with pytest.raises(InvalidInput):
        parse_price("-0.1", "f")


@pytest.mark.parametrize(
    ("units", "places", "text"),
    [
        (0, 6, "0"),
        (1, 6, "0.000001"),
        (-1, 6, "-0.000001"),
        (1_500_000, 6, "1.5"),
        (-1_000_000, 6, "-1"),
        (10**30, 6, "1" + "0" * 24),
    ],
)
def test_units_are_printed_exactly_without_trailing_zeros(
    units: int, places: int, text: str
) -> None:
    assert decimal_text(units, places) == text


def test_each_amount_has_the_decimal_places_of_its_unit() -> None:
    assert usd_text(1) == "0.000001"
    assert nano_text(1) == "0.000000001"
    assert asset_text("USD", 1) == "0.000001"
    assert asset_text("BTC", 1) == "0.000000000001"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.integers(-(10**27) + 1, 10**27 - 1))
def test_what_is_printed_is_read_back(nano: int) -> None:
    assert parse_decimal(nano_text(nano), "f") * 10**9 == nano
