"""Lot features by hand. [SPAN-02 to SPAN-11]"""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from margingate_engine.core.errors import MissingData
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import model
from margingate_engine.models.span_features import shocked_vols
from margingate_engine.models.span_parameters import SpanParameters
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.risk_arrays import SPOT_KEY, RiskArrays
from tests.span_margins import basis_of
from tests.unit.engine.small_market import (
    COIN,
    INSTRUMENTS,
    NANO,
    NEAR_NS,
    PARAMETERS,
    USD,
    SmallMarket,
    small_market,
)

MARKET = small_market()
ARRAYS = MARKET.arrays


def rows(name: str, market: SmallMarket = MARKET) -> list[int]:
    return [int(each) for each in market.arrays.pnl_ir[market.row(name)]]


def vols(vol: float, days: float, **changes: object) -> tuple[float, float, float]:
    """Vol after a shift up, down and none."""
    parameters = SpanParameters.from_mapping("BTC", {**PARAMETERS, **changes})
    shocked = shocked_vols(np.array([vol]), np.array([days]), np.array([1, -1, 0]), parameters)
    up, down, none = shocked[0].tolist()
    return up, down, none


def test_relative_shifts_scale_the_vol() -> None:
    """[SPAN-02]"""
    assert vols(0.6, 30.0) == pytest.approx((0.6 * 1.45, 0.6 * 0.55, 0.6))


def test_absolute_shifts_add_to_it_and_stop_at_zero() -> None:
    """[SPAN-02]"""
    assert vols(0.6, 30.0, vol_shift_kind="absolute") == pytest.approx((1.05, 0.15, 0.6))
    assert vols(0.3, 30.0, vol_shift_kind="absolute")[1] == 0.0
    assert vols(0.3, 30.0, vol_scan_range=Decimal("1.5"))[1] == 0.0


def test_the_tenor_factor_grows_towards_expiry_down_to_its_floor() -> None:
    """[SPAN-02]"""
    up = [vols(1.0, days)[0] for days in (120.0, 30.0, 7.0, 1.0, 0.0)]
    assert up[0] == pytest.approx(1 + 0.45 * 0.25**0.3)
    assert up[1] == pytest.approx(1.45)
    assert up[2] == pytest.approx(1 + 0.45 * (30 / 7) ** 0.3)
    assert up[3] == up[4] == up[2]
    assert vols(1.0, 1.0, vol_tenor_power=Decimal(0))[0] == 1.45


def test_only_upward_shifts_have_a_floor() -> None:
    """[SPAN-02]"""
    assert vols(0.1, 30.0, vol_floor_up=Decimal("0.5")) == pytest.approx((0.5, 0.055, 0.1))


def test_a_linear_futures_row_is_its_price_times_the_move() -> None:
    """[SPAN-03, SPAN-04]"""
    third = 505 * USD  # 0.1 x 101,000 x 5 %
    extreme = 1_499_850_000  # 45 % x 0.33
    assert rows("NEAR") == [
        0, 0, third, third, -third, -third, 2 * third, 2 * third, -2 * third, -2 * third,
        3 * third, 3 * third, -3 * third, -3 * third, extreme, -extreme, 0,
    ]  # fmt: skip


def test_an_inverse_futures_row_counts_its_own_price_and_spot_and_rounds_down() -> None:
    """[SPAN-03, SPAN-04]"""
    # 10 USD x 15 % x 100,000 / 104,000 = 1.442307692...
    assert rows("COIN-FAR")[10] == 1_442_307
    assert rows("COIN-FAR")[12] == -1_442_308


def test_an_options_row_is_its_change_of_intrinsic_value_when_nothing_is_volatile() -> None:
    """[SPAN-03]"""
    assert rows("CALL")[10] == 300 * USD  # 0.1 x (115,000 - 112,000)
    assert rows("CALL")[14] == round(0.33 * 3_300 * USD)  # 145,000, weighted
    assert rows("PUT")[12] == 300 * USD
    assert rows("CALL")[12] == rows("PUT")[10] == 0
    # In coins at the shocked spot: 0.1 x (V'/F') S' - 0.1 x (V/F) S.
    assert rows("COIN-CALL")[12] == -1_500 * USD


def test_spot_and_the_null_row_are_zero() -> None:
    """[SPAN-03] the coin that spot delivers is in the coin balance"""
    assert rows("BTC") == [0] * 17
    assert not ARRAYS.pnl_ir[:, 16].any()


def test_marks_are_valued_against_the_account_with_a_reserve_for_shorts() -> None:
    """[SPAN-06, SPAN-07]"""
    odd = small_market(marks={"CALL": 200.000000001, "COIN-PERPETUAL": 30_000.0, "COIN-PUT": 1e-9})
    row = odd.row("CALL")
    assert odd.arrays.value_long_i[row] == 20 * USD  # 20,000,000.0001
    assert odd.arrays.value_short_i[row] == 20 * USD + 1
    row = odd.row("COIN-PUT")
    assert (odd.arrays.value_long_i[row], odd.arrays.value_short_i[row]) == (10, 11)
    row = odd.row("COIN-PERPETUAL")
    assert odd.arrays.position_coin(row, 3) == -3 * 333_333_334
    assert odd.arrays.position_coin(row, -3) == 3 * 333_333_333
    assert odd.arrays.position_value(row, 3) == 0
    assert odd.arrays.position_value(row, -3) == -3
    assert odd.arrays.position_value(odd.row("BTC"), -3) == 0


def test_coins_are_scanned_cut_and_charged_rounding_down() -> None:
    """[SPAN-05, SPAN-08, SPAN-10]"""
    group = small_market(collateral_haircut=Decimal("0.1")).arrays.groups[0]
    assert group is not None
    assert group.coin_rows(COIN)[10:16] == [
        15_000 * USD, 15_000 * USD, -15_000 * USD, -15_000 * USD, 14_850 * USD, -14_850 * USD,
    ]  # fmt: skip
    assert group.coin_rows(1)[10:14] == [0, 0, -1, -1]
    assert (group.coin_value(COIN), group.coin_value(-COIN)) == (90_000 * USD, -110_000 * USD)
    assert (group.coin_value(0), group.coin_value(1), group.coin_value(-1)) == (0, 0, -1)
    assert (group.coin_feature(COIN), group.coin_feature(-1)) == (1_000 * USD, -1)


def test_deltas_are_charged_in_the_bucket_of_their_expiry() -> None:
    """[SPAN-10]"""
    expected = {
        "NEAR": (NEAR_NS, 101 * USD, 0),
        "COIN-FAR": (INSTRUMENTS[3].expiry_ns, 96_154, 0),
        "CALL": (NEAR_NS, 0, 0),
        "FAR-CALL": (INSTRUMENTS[3].expiry_ns, 100 * USD, 0),
        "COIN-CALL": (NEAR_NS, 80 * USD, 20 * USD),
        "BTC": (None, 0, 0),
    }
    for name, (bucket, own, spot) in expected.items():
        row = MARKET.row(name)
        basis = basis_of(ARRAYS, row)
        assert (basis.own, basis.spot) == (own, spot), name
        if bucket is not None:
            assert basis.bucket == bucket, name


def test_perpetuals_have_a_bucket_of_their_own_that_is_not_spots() -> None:
    """[SPAN-10] a perpetual is a bucket of its own"""
    linear, inverse = (
        basis_of(ARRAYS, MARKET.row(n)).bucket for n in ("PERPETUAL", "COIN-PERPETUAL")
    )
    dated = {basis_of(ARRAYS, MARKET.row(name)).bucket for name in ("NEAR", "FAR")}
    assert len({SPOT_KEY, linear, inverse, *dated}) == 5


def test_the_short_option_minimum_is_of_the_index_and_rounds_up() -> None:
    """[SPAN-11]"""
    odd = small_market(index=100_000.000001)
    assert ARRAYS.minimum_i[MARKET.row("CALL")] == 100 * USD
    assert odd.arrays.minimum_i[odd.row("COIN-PUT")] == 100 * USD + 1
    assert ARRAYS.minimum_i[MARKET.row("NEAR")] == 0


def test_notional_is_what_a_lot_stands_for_in_usd() -> None:
    """[DEC-02]"""
    notional = {name: ARRAYS.notional_i[MARKET.row(name)] for name in MARKET.table.row_by_name}
    assert notional["CALL"] == notional["COIN-CALL"] == notional["BTC"] == 10_000 * USD
    assert notional["NEAR"] == 10_100 * USD
    assert notional["COIN-FAR"] == 10 * USD


def test_a_coin_without_parameters_or_without_an_index_stays_unpriced() -> None:
    assert ARRAYS.unmodelled == {"SOL"}
    assert ARRAYS.groups[1] is None
    assert not ARRAYS.priced_i[MARKET.row("SOL-PERPETUAL")]
    table = InstrumentTable(INSTRUMENTS)
    unknown = model("span", {"BTC": PARAMETERS}).risk_arrays(table, MarketSnapshot.empty(table))
    assert unknown.groups[0] is None
    assert not any(unknown.priced_i)
    assert not unknown.pnl_ir.any()


def test_from_its_expiry_on_a_contract_neither_risks_nor_hedges_and_keeps_its_value() -> None:
    """[SPAN-03, SPAN-06, SPAN-07, SPAN-10, SPAN-11]"""
    just_before, late = (small_market(market_time_ns=at) for at in (NEAR_NS - 1, NEAR_NS))
    for name in ("CALL", "PUT", "COIN-CALL", "NEAR"):
        row, after = late.row(name), late.arrays
        assert any(rows(name, just_before)), name
        assert not any(rows(name, late)), name
        assert (basis_of(after, row)[1:], after.minimum_i[row]) == ((0, 0), 0)
        if name != "COIN-CALL":
            assert after.position_value(row, 3) == ARRAYS.position_value(row, 3), name
            assert after.position_value(row, -3) == ARRAYS.position_value(row, -3), name
        assert after.priced_i[row]
    assert rows("FAR", late) == rows("FAR")


def test_an_expired_inverse_option_is_worth_coins() -> None:
    """[SPAN-06] rounded against the account, 0.1 x 0.123456789 coins a lot"""
    late = small_market(market_time_ns=NEAR_NS, marks={"COIN-CALL": 0.123456789})
    row, arrays = late.row("COIN-CALL"), late.arrays
    assert arrays.position_coin(row, 2) == 2 * 12_345_678_900
    assert arrays.position_coin(row, -2) == -2 * 12_345_678_900
    assert (arrays.position_value(row, 2), arrays.position_value(row, -2)) == (0, -2)
    assert ARRAYS.position_coin(row, 2) == 0


def test_an_expired_option_needs_no_surface() -> None:
    late = replace(ARRAYS.snapshot, market_time_ns=NEAR_NS, forward_nano_i=np.zeros(13, np.int64))
    priced = late.priced_i(MARKET.table)
    assert priced[MARKET.row("COIN-CALL")]
    assert not priced[MARKET.row("FAR-CALL")]


def test_the_look_ahead_ends_at_expiry() -> None:
    """[SPAN-01]"""
    late = small_market(look_ahead_days=Decimal(10), market_time_ns=NEAR_NS - NANO)
    assert rows("CALL", late) == rows("CALL")


def assert_only_this_row_is_unpriced(arrays: RiskArrays, name: str) -> None:
    row = MARKET.row(name)
    assert MARKET.arrays.priced_i[row]
    assert arrays.priced_i == [p and r != row for r, p in enumerate(ARRAYS.priced_i)]
    for feature in ("value_long_i", "value_short_i", "coin_long_pico_i", "coin_short_pico_i"):
        assert getattr(arrays, feature)[row] == 0, feature
    for feature in ("minimum_i", "notional_i", "gross_i"):
        assert getattr(arrays, feature)[row] == 0, feature
    assert basis_of(arrays, row)[1:] == (0, 0)
    others = np.arange(len(MARKET.table)) != row
    assert not arrays.pnl_ir[row].any()
    assert np.array_equal(arrays.pnl_ir[others], ARRAYS.pnl_ir[others])
    assert sum(arrays.notional_i) == sum(ARRAYS.notional_i) - ARRAYS.notional_i[row]


def test_an_absurd_mark_leaves_its_own_row_unpriced_and_no_other() -> None:
    """[SPAN-04] 10 USD at 1e-9 USD a coin are 1e22 units"""
    absurd = small_market(marks={"COIN-PERPETUAL": 1e-9})
    assert_only_this_row_is_unpriced(absurd.arrays, "COIN-PERPETUAL")
    with pytest.raises(MissingData):
        AccountRisk.of(absurd.portfolio(1_000, COIN_PERPETUAL=1), absurd.arrays)


@pytest.mark.parametrize("name", ["NEAR", "CALL", "COIN-CALL", "COIN-FAR", "BTC"])
def test_a_huge_lot_leaves_its_own_row_unpriced_and_no_other(name: str) -> None:
    """[SPAN-04]"""
    huge = 9 * 10**17
    table = InstrumentTable(
        [
            replace(each, contract_nano=huge, lot_nano=huge) if each.name == name else each
            for each in INSTRUMENTS
        ]
    )
    arrays = model("span", {"BTC": PARAMETERS}).risk_arrays(table, ARRAYS.snapshot)
    assert_only_this_row_is_unpriced(arrays, name)
