"""Rows and minimums of one lot, by hand. [TIMS-02, TIMS-05]"""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from margingate_engine.models.tims.features import lot_minimums, point_pnl
from margingate_engine.models.tims.parameters import MinimumKind, UnderlyingParameters
from margingate_engine.models.tims.points import valuation_points
from tests.reference.black76 import option_value
from tests.unit.engine.models.tims.crypto_market import INDEX, LISTED, SNAPSHOT, TABLE

POINTS = valuation_points(Decimal("0.2"), Decimal("0.1"))
PARAMETERS = UnderlyingParameters(
    class_group="BTC",
    contract_minimum_kind=MinimumKind.RELATIVE,
    contract_minimum=Decimal("0.01"),
    basis_rate=Decimal(0),
    collateral_haircut=Decimal(0),
)


ROWS = np.arange(len(LISTED))
PNL_IV = point_pnl(TABLE, SNAPSHOT, ROWS, INDEX, POINTS) / 1e6
LONG_I, SHORT_I = (
    dict(zip(TABLE.row_by_name, each / 1e6, strict=True))
    for each in lot_minimums(TABLE, SNAPSHOT, ROWS, INDEX, PARAMETERS)
)


def row(name: str) -> list[float]:
    found = TABLE.row(name)
    assert found is not None
    return [float(each) for each in PNL_IV[found]]


def test_an_option_is_revalued_at_its_own_vol_with_all_its_time() -> None:
    forward, strike, deviation = Fraction(101_000), Fraction(110_000), 0.5 * (30 / 365) ** 0.5
    now = option_value(forward, strike, deviation, call=True)
    moved = [forward * (1 + Fraction(move)) for move in POINTS.move_s.tolist()]
    values = [option_value(each, strike, deviation, call=True) for each in moved]
    expected = [float(each - now) / 10 for each in values]
    assert row("CALL") == pytest.approx(expected, rel=1e-9)


def test_an_inverse_option_is_worth_its_coins_at_the_moved_price() -> None:
    ratio = INDEX / 101_000.0
    assert row("COIN-CALL") == pytest.approx([each * ratio for each in row("CALL")], rel=1e-12)


def test_futures_move_with_their_own_price() -> None:
    moves = POINTS.move_s
    assert row("FUTURE") == pytest.approx((0.1 * 101_000 * moves).tolist())
    assert row("PERPETUAL") == pytest.approx((0.1 * 100_000 * moves).tolist())
    assert row("COIN-FUTURE") == pytest.approx((10 * INDEX / 101_000 * moves).tolist())


def test_spot_and_what_has_expired_have_zero_rows_and_no_minimum() -> None:
    for name in ("BTC", "EXPIRED"):
        assert row(name) == [0.0] * 10
        assert (LONG_I[name], SHORT_I[name]) == (0.0, 0.0)


def test_the_minimum_is_of_what_a_lot_stands_for() -> None:
    assert [SHORT_I[each] for each in ("CALL", "COIN-CALL", "FUTURE", "COIN-FUTURE")] == (
        pytest.approx([100.0, 100.0, 100.0, 0.1])
    )


def test_a_long_options_minimum_is_not_above_its_value() -> None:
    assert LONG_I["CALL"] == 100.0
    assert LONG_I["COIN-CALL"] == pytest.approx(100.0)
    assert LONG_I["PENNY"] == pytest.approx(0.3)
    assert SHORT_I["PENNY"] == pytest.approx(100.0)
    assert LONG_I["FUTURE"] == SHORT_I["FUTURE"]


def test_of_no_rows_there_are_none() -> None:
    none = np.array([], dtype=np.int64)
    assert point_pnl(TABLE, SNAPSHOT, none, INDEX, POINTS).shape == (0, 10)
