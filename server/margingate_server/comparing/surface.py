"""Profit and loss of a holding over moves of one price and of its vols."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.check.compare import Holding
from margingate_engine.core.amounts import NANO, PICO
from margingate_engine.core.arrays import FloatArray, IntArray
from margingate_engine.core.times import DAY_NS, YEAR_DAYS
from margingate_engine.pricing.revalue import OptionPoint, OptionShocks, future_pnl, option_pnl
from margingate_server.comparing.portfolio_file import FilePortfolio

MOVES = np.linspace(-0.5, 0.5, 101)
VOLS = np.linspace(-0.6, 0.6, 49)


@dataclass(frozen=True, slots=True, kw_only=True)
class PnlSurface:
    """P&L in USD, (Y, X), gains positive, of all that follows one price.

    move_x: relative moves of the price. vol_y: relative changes of every vol.
    """

    underlying: str
    move_x: FloatArray
    vol_y: FloatArray
    pnl_yx: FloatArray


def surfaces(portfolio: FilePortfolio, holding: Holding) -> list[PnlSurface]:
    """One for each underlying of which something is held, coins of the collateral included."""
    table = portfolio.table
    held = {table.instruments[row].underlying for row in holding.portfolio.positions}
    held |= {asset for asset, units in holding.portfolio.cash.items() if units}
    return [_surface(portfolio, holding, name) for name in table.underlyings if name in held]


def _surface(portfolio: FilePortfolio, holding: Holding, underlying: str) -> PnlSurface:
    table, snapshot = portfolio.table, portfolio.snapshot
    number = table.underlyings.index(underlying)
    index = int(snapshot.index_nano_u[number]) / NANO
    move_s = np.tile(MOVES, len(VOLS))
    pnl_s = holding.portfolio.cash.get(underlying, 0) / PICO * index * move_s
    rows = [row for row in holding.portfolio.positions if table.underlying_i[row] == number]
    for is_kind_i, pnl_of in ((table.is_option_i, _options), (table.is_future_i, _futures)):
        own = np.array(sorted(row for row in rows if is_kind_i[row]), dtype=np.int64)
        if len(own):
            lots_i = np.array([holding.portfolio.positions[row].lots for row in own.tolist()])
            pnl_s = pnl_s + lots_i @ pnl_of(portfolio, own, index, move_s)
    return PnlSurface(
        underlying=underlying,
        move_x=MOVES,
        vol_y=VOLS,
        pnl_yx=pnl_s.reshape(len(VOLS), len(MOVES)),
    )


def _options(
    portfolio: FilePortfolio, rows: IntArray, index: float, move_s: FloatArray
) -> FloatArray:
    """P&L of a lot, (I, S)."""
    table, snapshot = portfolio.table, portfolio.snapshot
    tau_i = (table.expiry_ns_i[rows] - snapshot.market_time_ns) / DAY_NS / YEAR_DAYS
    vol_i = snapshot.vol_nano_i[rows] / NANO
    factor_s = 1.0 + np.repeat(VOLS, len(MOVES))
    now = OptionPoint(
        index=index,
        forward_i=snapshot.forward_nano_i[rows] / NANO,
        vol_i=vol_i,
        tau_years_i=tau_i,
    )
    shocks = OptionShocks(
        move_s=move_s, vol_is=vol_i[:, None] * factor_s[None, :], tau_years_i=tau_i
    )
    return option_pnl(table, rows, now, shocks)


def _futures(
    portfolio: FilePortfolio, rows: IntArray, index: float, move_s: FloatArray
) -> FloatArray:
    """P&L of a lot, (I, S)."""
    table = portfolio.table
    mark_i = portfolio.snapshot.mark_nano_i[rows] / NANO
    is_inverse_i = table.is_inverse_i[rows]
    return future_pnl(table.size_i[rows], mark_i, is_inverse_i, index=index, move_s=move_s)
