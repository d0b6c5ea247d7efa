import numpy as np
import pytest

from margingate_engine.market.table import InstrumentTable
from margingate_engine.pricing import black76
from margingate_engine.pricing.revalue import (
    OptionPoint,
    OptionShocks,
    future_delta,
    future_pnl,
    option_pnl,
)
from tests.unit.engine.small_market import INSTRUMENTS

TABLE = InstrumentTable(INSTRUMENTS)
MOVES = np.array([-0.5, -0.1, 0.0, 0.25])


def test_a_linear_future_gains_size_times_price_times_move() -> None:
    """[SPAN-03]"""
    pnl = future_pnl(
        np.array([0.1]), np.array([101_000.0]), np.array([False]), index=99_000.0, move_s=MOVES
    )
    assert pnl[0] == pytest.approx(10_100.0 * MOVES)


def test_an_inverse_future_gains_what_its_coins_are_worth_at_the_shocked_spot() -> None:
    """[SPAN-03] size (1/F - 1/F') S' with S' = S (1 + m) and F' = F (1 + m)"""
    index, forward, size = 99_000.0, 101_000.0, 10.0
    pnl = future_pnl(
        np.array([size]), np.array([forward]), np.array([True]), index=index, move_s=MOVES
    )
    coins = size * (1 / forward - 1 / (forward * (1 + MOVES)))
    assert pnl[0] == pytest.approx(coins * index * (1 + MOVES))
    assert future_delta(np.array([size]), np.array([forward]), np.array([True]), index=index)[
        0
    ] == pytest.approx(size * index / forward)


@pytest.mark.parametrize("name", ["CALL", "PUT", "COIN-CALL", "COIN-PUT"])
def test_an_option_gains_its_value_there_less_its_value_here(name: str) -> None:
    """[SPAN-03] an inverse option in coins at the shocked spot, (V'/F') S'"""
    row = TABLE.row_by_name[name]
    index, forward, vol, tau, later = 99_000.0, 101_000.0, 0.5, 0.1, 0.09
    shocked_vols = np.array([0.4, 0.6, 0.5, 0.7])
    pnl = option_pnl(
        TABLE,
        np.array([row]),
        OptionPoint(
            index=index,
            forward_i=np.array([forward]),
            vol_i=np.array([vol]),
            tau_years_i=np.array([tau]),
        ),
        OptionShocks(move_s=MOVES, vol_is=shocked_vols[None, :], tau_years_i=np.array([later])),
    )
    strike, is_call = TABLE.strike_i[row : row + 1], TABLE.is_call_i[row : row + 1]
    here = black76.value(np.array([forward]), strike, np.array([vol]), np.array([tau]), is_call)
    forwards = forward * (1 + MOVES)
    there = black76.value(forwards, strike, shocked_vols, np.array([later]), is_call)
    if TABLE.is_inverse_i[row]:
        here, there = here / forward * index, there / forwards * index * (1 + MOVES)
    assert pnl.shape == (1, 4)
    assert pnl[0] == pytest.approx(0.1 * (there - here), rel=1e-12)
