"""What people type, as values."""

from decimal import Decimal

import pytest
import typer

from margingate_server.cli.parsing import any_decimal, position_rows, position_words


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", "1.5"),
        ("-10,000", "-10000"),
        ("1,234,567.25", "1234567.25"),
        ("1_000", "1000"),
        ("1e-3", "0.001"),
    ],
)
def test_a_number_may_have_its_thousands_set_apart(text: str, value: str) -> None:
    assert any_decimal(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "1,5",
        "10,0",
        "0,500",
        "1,2345",
        "1234,567",
        "1,234,5",
        ",500",
        "1,,000",
        "1.5,000",
        "1,000e2",
    ],
)
def test_a_comma_that_sets_no_thousands_apart_is_refused(text: str) -> None:
    """One who writes 1,5 means one and a half, not fifteen."""
    with pytest.raises(typer.BadParameter, match="commas set thousands apart"):
        any_decimal(text)


@pytest.mark.parametrize("text", ["", "one", "NaN", "inf", "1 2"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="number"):
        any_decimal(text)


def test_positions_are_read_by_the_same_rule() -> None:
    assert position_words("BTC-PERPETUAL=-10,000@89,500.5") == (
        "BTC-PERPETUAL",
        Decimal(-10_000),
        Decimal("89500.5"),
    )
    with pytest.raises(typer.BadParameter, match="'1,5'"):
        position_words("BTC-PERPETUAL=1,5")
    with pytest.raises(typer.BadParameter, match="line 2: '1,5'"):
        position_rows(["instrument,quantity", 'BTC-PERPETUAL,"1,5"'])
