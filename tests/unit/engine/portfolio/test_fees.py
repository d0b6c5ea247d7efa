"""The fee a hold takes. [FEE-01]"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight
from margingate_engine.portfolio.fees import FeeRate, held_fee
from tests.unit.engine.small_market import COIN, NANO, SPOT, USD, future, option

INDEX_NANO = 100_000 * NANO
RATES = {
    InstrumentKind.OPTION: FeeRate(maker_ppm=200, taker_ppm=300, cap_ppm=125_000),
    InstrumentKind.FUTURE: FeeRate(maker_ppm=-100, taker_ppm=500),
    InstrumentKind.PERPETUAL: FeeRate(maker_ppm=-100, taker_ppm=-50),
    InstrumentKind.SPOT: FeeRate(maker_ppm=1000, taker_ppm=0),
}
LINEAR_CALL = option("CALL", 112_000, OptionRight.CALL)
COIN_CALL = option("COIN-CALL", 80_000, OptionRight.CALL, inverse=True)


def fee(instrument: Instrument, price_nano: int, lots: int = 1) -> int:
    return held_fee(RATES, instrument, lots, price_nano, INDEX_NANO)


def test_an_option_pays_per_coin_and_never_more_than_its_cap_of_the_premium() -> None:
    assert fee(COIN_CALL, NANO // 10) == 3 * COIN // 100_000  # 0.0003 of 0.1 coin
    assert fee(COIN_CALL, NANO // 10_000) == 125 * COIN // 10**8  # 12.5 % of 0.00001 coin
    assert fee(LINEAR_CALL, 10_000 * NANO) == 3 * USD
    assert fee(LINEAR_CALL, 1 * NANO) == USD // 80


def test_a_future_pays_of_its_notional_in_its_own_asset() -> None:
    assert fee(future("F", expiry_ns=1), 100_000 * NANO, 3) == 15 * USD
    assert fee(future("F", expiry_ns=1, inverse=True), 100_000 * NANO, 2) == COIN // 10**7


def test_the_larger_of_maker_and_taker_counts_and_a_rebate_counts_as_nothing() -> None:
    assert fee(SPOT, 100_000 * NANO) == 10 * USD
    assert fee(future("P", expiry_ns=None), 100_000 * NANO) == 0


def test_an_uncapped_option_pays_the_full_rate_on_a_worthless_premium() -> None:
    rates = {**RATES, InstrumentKind.OPTION: FeeRate(maker_ppm=300, taker_ppm=300)}
    assert held_fee(rates, LINEAR_CALL, 1, 0, INDEX_NANO) == 3 * USD


def test_fees_are_rounded_up() -> None:
    assert fee(LINEAR_CALL, 1) == 1
    assert fee(LINEAR_CALL, 0) == 0
    assert fee(future("F", expiry_ns=1, inverse=True), 30_000 * NANO) == 166_667


@given(st.integers(1, 10**6), st.integers(1, 10**15))
def test_a_fill_of_many_lots_never_costs_more_than_what_was_held_lot_by_lot(
    lots: int, price_nano: int
) -> None:
    for instrument in (LINEAR_CALL, COIN_CALL, SPOT, future("F", expiry_ns=1, inverse=True)):
        assert fee(instrument, price_nano, lots) <= lots * fee(instrument, price_nano)


@pytest.mark.parametrize(
    ("rate", "field"),
    [
        ({"maker_ppm": 100_001, "taker_ppm": 0}, "fee"),
        ({"maker_ppm": 0, "taker_ppm": -100_001}, "fee"),
        ({"maker_ppm": 0, "taker_ppm": 0, "cap_ppm": -1}, "fee cap"),
        ({"maker_ppm": 0, "taker_ppm": 0, "cap_ppm": 1_000_001}, "fee cap"),
    ],
)
def test_rates_that_no_venue_charges_are_refused(rate: dict[str, int], field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        FeeRate(**rate)
    assert wrong.value.field == field
