"""Positions of an account, some of them closed at their marks, and the margin of what is left."""

from typing import NamedTuple

from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.risk import Risk
from margingate_engine.models.strain import due_positions
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import held_fee
from margingate_engine.portfolio.flows import closing_split, fill_flow
from margingate_engine.portfolio.group_totals import Pocket
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.portfolio.wallets import wallet_after


class _Part(NamedTuple):
    """A position once some of it is closed: what is left, and what its asset was credited."""

    pocket: Pocket
    units: int


class TrialBook:
    """A portfolio without its open orders; each position may be closed in part, and back again.

    What is closed trades at its mark and pays the fees of its tier, as one trade however often it
    was changed, so that the margin depends on what is closed alone.
    """

    def __init__(self, portfolio: Portfolio, arrays: RiskArrays) -> None:
        """MissingData names what has no price."""
        self._portfolio = portfolio
        self._account = AccountRisk.of(portfolio.positions_only(), arrays)
        self.closed: dict[int, int] = {}
        """Lots, > 0, that are closed of a position, by row."""

    @property
    def arrays(self) -> RiskArrays:
        """What the margin is made of."""
        return self._account.arrays

    @property
    def risk(self) -> Risk:
        """Margin of what is left; ModelFailure beyond the range of the risk integers."""
        return self._account.positions_risk

    @property
    def is_enough(self) -> bool:
        """True when equity covers initial margin, and no position that is left is due."""
        return self.risk.is_margined and not self.due()

    def due(self) -> list[int]:
        """Rows of positions due for liquidation by their own margin, of what is left. [ISO-04]"""
        return due_positions(self._account)

    def left(self, row: int) -> int:
        """Lots, >= 0, that are left of a position."""
        return abs(self._portfolio.positions[row].lots) - self.closed.get(row, 0)

    def closable(self) -> list[int]:
        """Rows of positions that can be traded, those of the largest notional first."""
        table, now_ns = self.arrays.table, self.arrays.snapshot.market_time_ns
        rows = [
            row
            for row in self._portfolio.positions
            if not table.instruments[row].is_halted
            and (table.instruments[row].expiry_ns or now_ns + 1) > now_ns
        ]
        return sorted(rows, key=lambda row: (-self.notional(row, self.left(row)), row))

    def notional(self, row: int, lots: int) -> int:
        """Notional of so many lots, 1e-6 USD."""
        return lots * self.arrays.notional_i[row]

    def close(self, row: int, lots: int) -> None:
        """Have `lots` of a position closed in all, 0 for none."""
        before, after = self._part(row, self.closed.get(row, 0)), self._part(row, lots)
        asset = self.arrays.table.instruments[row].settlement_asset
        self._account.move_position(row, before.pocket.lots, after.pocket.lots)
        self._account.move_cash(asset, after.units - before.units)
        self._account.allocate(row, after.pocket)
        self.closed[row] = lots

    def _part(self, row: int, lots: int) -> _Part:
        position = self._portfolio.positions[row]
        wallet = self._portfolio.wallets.get(row, 0)
        if not lots:
            return _Part(Pocket(position.lots, wallet, position.entry), 0)
        instrument, mark_nano = self.arrays.table.instruments[row], self._mark_nano(row)
        group = self.arrays.groups[self.arrays.group_i[row]]
        assert group is not None, "a priced instrument has an index"
        traded = -lots if position.lots > 0 else lots
        flow = fill_flow(instrument, traded, mark_nano)
        fee = held_fee(self._portfolio.fees, instrument, lots, mark_nano, group.index_nano)
        entry = 0
        if instrument.is_future:
            entry, _ = closing_split(position.lots, position.entry, traded, flow)
        wallet = wallet_after(wallet, position.lots, traded)
        return _Part(Pocket(position.lots + traded, wallet, entry), flow - fee)

    def _mark_nano(self, row: int) -> int:
        return mark_price_nano(self.arrays, row)
