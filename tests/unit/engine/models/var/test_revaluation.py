"""One lot in joint worlds, against prices worked out one at a time."""

import math

import numpy as np
import pytest

from margingate_engine.core.instruments import Instrument, OptionRight, Settlement
from margingate_engine.models.var import revaluation
from margingate_engine.models.var.revaluation import coin_moves_pico, lot_pnl
from margingate_engine.scenarios.joint import JointScenarios
from tests.reference.black76 import time_value
from tests.unit.engine.models.var.chain import (
    DAY_NS,
    INDEX,
    NANO,
    NOW_NS,
    VOL,
    future,
    option,
    priced,
)

OPTIONS = [
    option(underlying, int(INDEX[underlying] * moneyness), right, days=days, is_inverse=is_inverse)
    for underlying in ("BTC", "ETH")
    for moneyness in (0.8, 1.0, 1.25)
    for right in OptionRight
    for days in (3, 60)
    for is_inverse in (False, True)
]
FUTURES = [future("BTC", days=60), future("BTC", days=None, is_inverse=True), future("ETH", days=9)]
TABLE, SNAPSHOT = priced([*OPTIONS, *FUTURES])
USABLE = SNAPSHOT.priced_i(TABLE)
CHANGES = np.random.default_rng(4).standard_normal((7, 4)) * [0.1, 0.12, 0.3, 0.3]
WORLDS = JointScenarios.from_log_changes(("BTC", "ETH"), CHANGES)


def worth(each: Instrument, move: float, vol_factor: float, days: float) -> float:
    """USD that one lot of an option is worth in a world, `days` of it gone."""
    left = ((each.expiry_ns or 0) - NOW_NS) / DAY_NS
    index = INDEX[each.underlying] * (1 + move)
    forward = index * (1 + 0.05 * left / 365)
    deviation = VOL[each.underlying] * vol_factor * math.sqrt(max(left - days, 0.0) / 365)
    strike = (each.strike_nano or 0) / NANO
    sign = 1 if each.right is OptionRight.CALL else -1
    value = max(sign * (forward - strike), 0.0) + time_value(forward, strike, deviation)
    return value / forward * index if each.settlement is Settlement.INVERSE else value


@pytest.mark.parametrize("look_ahead_days", [0.0, 1.0, 5.0])
def test_options_are_revalued_in_the_world_of_their_own_underlying(look_ahead_days: float) -> None:
    """[VAR-07] linear and inverse"""
    found = lot_pnl(TABLE, SNAPSHOT, USABLE, WORLDS, look_ahead_days=look_ahead_days)
    for row, each in enumerate(OPTIONS):
        column = ("BTC", "ETH").index(each.underlying)
        for scenario in range(len(WORLDS)):
            move = math.exp(CHANGES[scenario, column]) - 1
            factor = math.exp(CHANGES[scenario, 2 + column])
            pnl = worth(each, move, factor, look_ahead_days) - worth(each, 0.0, 1.0, 0.0)
            assert found[row, scenario] == pytest.approx(1e6 * pnl, rel=1e-6, abs=100.0), each.name


def test_futures_gain_their_value_times_the_move() -> None:
    """[VAR-07]"""
    found = lot_pnl(TABLE, SNAPSHOT, USABLE, WORLDS, look_ahead_days=0.0)
    usd = {"BTC-60": 100_000 * (1 + 0.05 * 60 / 365), "BTC-PERPETUAL-COIN": 10.0}
    usd["ETH-9"] = 4_000 * (1 + 0.05 * 9 / 365)
    for name, value in usd.items():
        column = ("BTC", "ETH").index(name[:3])
        moves = np.expm1(CHANGES[:, column])
        assert found[TABLE.row_by_name[name]] == pytest.approx(1e6 * value * moves, rel=1e-9)


def test_what_is_not_usable_expired_or_without_a_history_is_zero() -> None:
    """[VAR-07]"""
    nothing = np.zeros(len(TABLE), dtype=np.bool_)
    assert not lot_pnl(TABLE, SNAPSHOT, nothing, WORLDS, look_ahead_days=0.0).any()
    bitcoin = JointScenarios.from_log_changes(("BTC",), CHANGES[:, [0, 2]])
    found = lot_pnl(TABLE, SNAPSHOT, USABLE, bitcoin, look_ahead_days=0.0)
    is_ether = np.array([each.underlying == "ETH" for each in TABLE.instruments])
    assert not found[is_ether].any()
    assert found[~is_ether].any(axis=1).all()
    expired, snapshot = priced([option("BTC", 90_000, OptionRight.CALL, days=0)])
    assert not lot_pnl(expired, snapshot, np.array([True]), bitcoin, look_ahead_days=0.0).any()


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """[VAR-07]"""
    whole = lot_pnl(TABLE, SNAPSHOT, USABLE, WORLDS, look_ahead_days=0.0)
    for cells in (1, 20, 10**6):
        monkeypatch.setattr(revaluation, "_BLOCK_CELLS", cells)
        assert np.array_equal(lot_pnl(TABLE, SNAPSHOT, USABLE, WORLDS, look_ahead_days=0.0), whole)


def test_a_coin_moves_with_its_price() -> None:
    """[VAR-07]"""
    assert coin_moves_pico(WORLDS, "ETH") == pytest.approx(1e12 * np.expm1(CHANGES[:, 1]), abs=0.51)
