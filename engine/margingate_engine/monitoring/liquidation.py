"""How far a coin has to move until an account is in liquidation, by full revaluation. [MON-13]

Be it in liquidation as a whole or for a position with a wallet.
"""

from dataclasses import dataclass, field
from enum import IntEnum

from margingate_engine.core.errors import MissingData, ModelFailure
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.strain import due_positions
from margingate_engine.monitoring.moved_market import moved_market
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.risk_arrays import RiskArrays


class Direction(IntEnum):
    """Which way a coin moves."""

    DOWN = -1
    UP = 1


STEP_PPM = 100
"""How exact a move is found: 0.01 %."""

_PERCENT = (
    *(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 18, 20, 23, 26, 30, 35, 40, 45, 50),
    *(60, 70, 80, 90, 95),
)
_PERCENT_UP = (*_PERCENT, 110, 125, 150, 200, 250, 300, 350, 400)
GRID_PPM = {
    Direction.DOWN: tuple(-round(each * 10_000) for each in _PERCENT),
    Direction.UP: tuple(round(each * 10_000) for each in _PERCENT_UP),
}
"""Moves that are tried, from 0 outward, 1e-6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationMove:
    """The move (1e-6, signed) of a coin at which liquidation is due, and its index then.

    0 where it is already.
    """

    underlying: str
    move_ppm: int
    index_nano: int


@dataclass(slots=True)
class LiquidationSearch:
    """Looks accounts of one model up in markets that are moved once and shared between them.

    Keeps the arrays of every market that it made: to be thrown away when the search is over.
    """

    model: MarginModel
    table: InstrumentTable
    snapshot: MarketSnapshot
    _arrays: dict[tuple[str, int], RiskArrays] = field(default_factory=dict)

    def move(
        self, portfolio: Portfolio, underlying: str, direction: Direction
    ) -> LiquidationMove | None:
        """The smallest move found, open orders left out; None where none of the grid does it.

        Moves are tried at the steps of the grid from 0 outward, then between the last step that
        leaves the account alive and the first that does not. MissingData names what has no price.
        """
        positions = portfolio.positions_only()
        alive_ppm = 0
        if self._is_liquidated(positions, underlying, 0):
            return self._found(underlying, 0)
        for move_ppm in GRID_PPM[direction]:
            if self._is_liquidated(positions, underlying, move_ppm):
                return self._between(positions, underlying, alive_ppm, move_ppm)
            alive_ppm = move_ppm
        return None

    def _between(
        self, positions: Portfolio, underlying: str, alive_ppm: int, dead_ppm: int
    ) -> LiquidationMove:
        while abs(dead_ppm - alive_ppm) > STEP_PPM:
            middle_ppm = (alive_ppm + dead_ppm) // 2
            if self._is_liquidated(positions, underlying, middle_ppm):
                dead_ppm = middle_ppm
            else:
                alive_ppm = middle_ppm
        return self._found(underlying, dead_ppm)

    def _found(self, underlying: str, move_ppm: int) -> LiquidationMove:
        arrays = self._moved(underlying, move_ppm)
        index_nano = int(arrays.snapshot.index_nano_u[self.table.underlyings.index(underlying)])
        return LiquidationMove(underlying=underlying, move_ppm=move_ppm, index_nano=index_nano)

    def _is_liquidated(self, positions: Portfolio, underlying: str, move_ppm: int) -> bool:
        """Whether equity is below maintenance, or a position is due by its own. [ISO-04]

        Where no margin can be worked out, it is not.

        Of the market as it is, a lack of prices is the caller's to know.
        """
        try:
            account = AccountRisk.of(positions, self._moved(underlying, move_ppm))
            risk = account.positions_risk
        except (MissingData, ModelFailure):
            if not move_ppm:
                raise
            return False
        return risk.equity < risk.maintenance or bool(due_positions(account))

    def _moved(self, underlying: str, move_ppm: int) -> RiskArrays:
        arrays = self._arrays.get((underlying, move_ppm))
        if arrays is None:
            snapshot = self.snapshot
            if move_ppm:
                snapshot = moved_market(self.table, snapshot, underlying, move_ppm)
            arrays = self.model.risk_arrays(self.table, snapshot)
            self._arrays[underlying, move_ppm] = arrays
        return arrays
