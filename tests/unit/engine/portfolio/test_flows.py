"""What fills credit, by hand. [SPAN-06]"""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.instruments import Instrument, OptionRight
from margingate_engine.portfolio.flows import closing_split, fill_flow, spot_coins
from tests.unit.engine.small_market import COIN, NANO, SPOT, USD, future, option

LINEAR_CALL = option("CALL", 112_000, OptionRight.CALL)
COIN_CALL = option("COIN-CALL", 80_000, OptionRight.CALL, inverse=True)
FUTURE = future("NEAR", expiry_ns=1)
INVERSE = future("COIN-PERPETUAL", expiry_ns=None, inverse=True)
LOTS = st.integers(-(10**6), 10**6).filter(bool)


def test_a_buyer_pays_and_a_seller_receives_in_the_settlement_asset() -> None:
    assert fill_flow(LINEAR_CALL, 3, 200 * NANO) == -60 * USD
    assert fill_flow(LINEAR_CALL, -3, 200 * NANO) == 60 * USD
    assert fill_flow(COIN_CALL, 2, NANO // 5) == -4 * COIN // 100
    assert fill_flow(SPOT, -1, 100_000 * NANO) == 10_000 * USD
    assert fill_flow(FUTURE, 1, 100_000 * NANO) == -10_000 * USD


def test_a_long_inverse_future_is_credited_coins_and_a_short_one_debited() -> None:
    assert fill_flow(INVERSE, 100, 100_000 * NANO) == COIN // 100
    assert fill_flow(INVERSE, -100, 100_000 * NANO) == -COIN // 100


def test_flows_are_rounded_against_the_account_on_both_sides() -> None:
    # 10 USD at 30,000 are 333,333,333.3 units of a coin.
    assert fill_flow(INVERSE, 1, 30_000 * NANO) == 333_333_333
    assert fill_flow(INVERSE, -1, 30_000 * NANO) == -333_333_334
    # 0.1 coin at 0.000000123 USD is 0.0123 units.
    assert fill_flow(LINEAR_CALL, 1, 123) == -1
    assert fill_flow(LINEAR_CALL, -1, 123) == 0


@given(LOTS, st.integers(1, 10**15), st.sampled_from([LINEAR_CALL, COIN_CALL, FUTURE, INVERSE]))
def test_a_flow_is_the_exact_one_less_a_part_of_a_unit(
    lots: int, price_nano: int, instrument: Instrument
) -> None:
    size, price = Fraction(instrument.size_nano, NANO), Fraction(price_nano, NANO)
    unit = USD if instrument.settlement_asset == "USD" else COIN
    exact = unit * (lots * size / price if instrument is INVERSE else -lots * size * price)
    assert 0 <= exact - fill_flow(instrument, lots, price_nano) < 1


def test_only_spot_moves_coins() -> None:
    assert spot_coins(SPOT, 3) == 3 * COIN // 10
    assert spot_coins(SPOT, -3) == -3 * COIN // 10
    assert spot_coins(COIN_CALL, 3) == 0


@pytest.mark.parametrize(
    ("before", "entry", "lots", "flow", "expected"),
    [
        (0, 0, 5, -500, (-500, 0)),  # opens
        (5, -500, 5, -600, (-1100, 0)),  # grows
        (-5, 500, -5, 600, (1100, 0)),
        (5, -500, -2, 240, (-300, 40)),  # reduces: two fifths of the entry
        (3, -100, -1, 40, (-66, 6)),  # -33.3 is realised as -34
        (5, -500, -5, 600, (0, 100)),  # closes
        (2, -200, -5, 500, (300, 0)),  # turns: two fifths of the flow close
        (2, -200, -3, 100, (34, -134)),  # 66.7 of the flow closes as 66
    ],
)
def test_entry_moves_to_cash_as_a_position_closes(
    before: int, entry: int, lots: int, flow: int, expected: tuple[int, int]
) -> None:
    assert closing_split(before, entry, lots, flow) == expected


@given(
    st.integers(-1000, 1000),
    st.integers(-(10**12), 10**12),
    LOTS,
    st.integers(-(10**12), 10**12),
)
def test_entry_and_cash_together_change_by_the_flow_alone(
    before: int, entry: int, lots: int, flow: int
) -> None:
    entry_before = entry if before else 0
    entry_after, cash = closing_split(before, entry_before, lots, flow)
    assert entry_after + cash == entry_before + flow
    if before + lots == 0:
        assert entry_after == 0
