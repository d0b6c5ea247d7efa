"""What settles to how much, by hand, and what rounding may never do. [SPAN-18]"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import Position
from margingate_engine.portfolio.settlement import settlement_units
from tests.unit.engine.small_market import COIN, FAR_NS, INSTRUMENTS, NANO, USD, small_market

BY_NAME = {each.name: each for each in INSTRUMENTS}
DATED = [each for each in INSTRUMENTS if each.expiry_ns is not None]
SOME_DATED = st.sampled_from(DATED)
LOTS = st.integers(-(10**6), 10**6).filter(bool)
PRICES = st.integers(1, 10**15)


def entered(instrument: Instrument, lots: int, price_nano: int) -> Position:
    """A position opened at a price, and no fee."""
    entry = fill_flow(instrument, lots, price_nano) if instrument.is_future else 0
    return Position(lots, entry)


def settled(name: str, lots: int, price: int | str, entered_at: int = 1) -> int:
    instrument = BY_NAME[name]
    price_nano = int(Fraction(price) * NANO)
    return settlement_units(instrument, entered(instrument, lots, entered_at * NANO), price_nano)


def test_a_linear_option_pays_what_it_is_in_the_money_in_usd() -> None:
    # 0.3 coins of 345.678 USD each; the strike is 112,000.
    assert settled("CALL", 3, "112345.678") == 103_703_400
    assert settled("CALL", -3, "112345.678") == -103_703_400
    assert settled("PUT", 2, 87_000) == 200 * USD


@pytest.mark.parametrize(
    ("name", "price"), [("CALL", 111_999), ("CALL", 112_000), ("PUT", 88_000), ("COIN-CALL", 1)]
)
def test_an_option_out_of_the_money_or_at_it_pays_nothing(name: str, price: int) -> None:
    assert settled(name, 7, price) == 0
    assert settled(name, -7, price) == 0


def test_an_inverse_option_pays_coins_at_the_settlement_price() -> None:
    # 20,000 USD in the money at 100,000 are 0.2 coins a coin, of half a coin.
    assert settled("COIN-CALL", 5, 100_000) == COIN // 10
    # 10,000 USD at 40,000 are 0.25 coins.
    assert settled("COIN-PUT", -1, 40_000) == -25 * COIN // 1_000


def test_a_future_closes_at_the_settlement_price_with_its_entry() -> None:
    assert settled("NEAR", 3, 102_000, entered_at=101_000) == 300 * USD
    assert settled("NEAR", -3, 102_000, entered_at=101_000) == -300 * USD
    # 1,000 USD: 0.009615384615 coins at 104,000, and 0.01 at 100,000.
    assert settled("COIN-FAR", 100, 100_000, entered_at=104_000) == -384_615_385
    assert settled("COIN-FAR", -100, 100_000, entered_at=104_000) == 384_615_384


def test_both_sides_are_rounded_against_the_account() -> None:
    # A ninth of a coin, times 0.1.
    assert settled("COIN-CALL", 1, 90_000) == 11_111_111_111
    assert settled("COIN-CALL", -1, 90_000) == -11_111_111_112
    # 0.1 coins that are 0.000000123 USD in the money: 0.0123 units.
    assert settled("CALL", 1, "112000.000000123") == 0
    assert settled("CALL", -1, "112000.000000123") == -1


@given(SOME_DATED, LOTS, PRICES, PRICES)
def test_a_settlement_is_the_exact_one_less_a_part_of_a_unit(
    instrument: Instrument, lots: int, entry_nano: int, price_nano: int
) -> None:
    position = entered(instrument, lots, entry_nano)
    quantity = Fraction(lots * instrument.size_nano, NANO)
    price = Fraction(price_nano, NANO)
    unit = USD if instrument.settlement_asset == "USD" else COIN
    if instrument.kind is InstrumentKind.OPTION:
        assert instrument.strike_nano is not None
        above = price - Fraction(instrument.strike_nano, NANO)
        paid = quantity * max(0, above if instrument.right is OptionRight.CALL else -above)
        exact = unit * (paid if unit == USD else paid / price)
    else:
        exact = position.entry + unit * (quantity * price if unit == USD else -quantity / price)
    assert 0 <= exact - settlement_units(instrument, position, price_nano) < 1


@given(SOME_DATED, LOTS, PRICES, PRICES)
def test_buyer_and_seller_together_never_gain(
    instrument: Instrument, lots: int, traded_nano: int, price_nano: int
) -> None:
    """What the two have in cash after trade and settlement is at most what they had before."""
    total = 0
    for side in (1, -1):
        position = entered(instrument, side * lots, traded_nano)
        premium = 0 if instrument.is_future else fill_flow(instrument, side * lots, traded_nano)
        total += premium + settlement_units(instrument, position, price_nano)
    assert -4 < total <= 0


@given(SOME_DATED, LOTS, LOTS, PRICES)
def test_accounts_together_get_no_more_than_one_that_holds_it_all(
    instrument: Instrument, first: int, second: int, price_nano: int
) -> None:
    def alone(lots: int) -> int:
        return settlement_units(instrument, Position(lots), price_nano)

    assert alone(first) + alone(second) <= alone(first + second) <= alone(first) + alone(second) + 1


MARKS_AT_EXPIRY = {
    "CALL": (13_000.25, 125_000.25),
    "PUT": (1_234.5, 86_765.5),
    "FAR-PUT": (0.0, 20_001.0),
    "COIN-CALL": (0.36, 125_000.0),
    "COIN-PUT": (0.25, 40_000.0),
    "NEAR": (101_234.5, 101_234.5),
    "COIN-FAR": (96_000.0, 96_000.0),
}
"""Marks that are what the instrument settles to, and the settlement price, by name."""


@pytest.mark.parametrize("lots", [1, -1, 777, -777])
@pytest.mark.parametrize("name", MARKS_AT_EXPIRY)
def test_a_position_settles_to_its_value_at_a_mark_that_is_the_settlement(
    name: str, lots: int
) -> None:
    """The value at the mark is rounded lot by lot, and a short lot keeps a reserve."""
    mark, price = MARKS_AT_EXPIRY[name]
    market = small_market(marks={name: mark}, market_time_ns=FAR_NS)
    row, instrument = market.row(name), BY_NAME[name]
    position = entered(instrument, lots, 98_765 * NANO)
    value = position.entry + (
        market.arrays.position_value(row, lots)
        if instrument.settlement_asset == "USD"
        else market.arrays.position_coin(row, lots)
    )
    units = settlement_units(instrument, position, round(price * NANO))
    assert 0 <= units - value <= 2 * abs(lots)
