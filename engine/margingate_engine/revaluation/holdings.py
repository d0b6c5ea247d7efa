"""The holdings of many accounts in columns, an account put in at a time."""

import numpy as np

from margingate_engine.core.amounts import USD
from margingate_engine.core.arrays import IntArray
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.revaluation.account_holdings import AccountHoldings
from margingate_engine.revaluation.effects import Effects
from margingate_engine.revaluation.group_cells import GroupCells
from margingate_engine.revaluation.growing import Growing

EFFECTS_MIN = 10_000
"""So many effects are kept before those that no order has any more are given back."""


class Holdings:
    """Accounts by number and what they have of each underlying. Not for two threads at once.

    left_out: accounts of which columns do not know all.
    """

    def __init__(self) -> None:
        self.accounts: list[str] = []
        self.left_out: set[str] = set()
        self.effects = Effects()
        self._effects_max = EFFECTS_MIN
        self.groups: list[GroupCells] = []
        self._number: dict[str, int] = {}
        self._version_a, self._usd_a = Growing(), Growing()

    def __len__(self) -> int:
        return len(self.accounts)

    def number(self, account: str) -> int | None:
        """Number of an account; None when it was never put in."""
        return self._number.get(account)

    def put(self, held: AccountHoldings, table: InstrumentTable) -> None:
        """Take an account's holdings in place of those before."""
        number = self._number.get(held.account)
        if number is None:
            number = self._number[held.account] = len(self.accounts)
            self.accounts.append(held.account)
        self._version_a[number] = held.version
        while len(self.groups) < len(table.underlyings):
            self.groups.append(GroupCells())
        if _fits(held, table):
            self._forget_effects()
            self.left_out.discard(held.account)
            self._usd_a[number] = held.balances[USD]
            self._put_groups(number, held, table)
        else:
            self.drop(held.account)

    def drop(self, account: str) -> None:
        """Have nothing of an account any more; its number stays."""
        number = self._number.get(account)
        if number is None:
            return
        self.left_out.add(account)
        self._usd_a[number] = 0
        for group in self.groups:
            group.put(number, 0, {}, ())

    def _put_groups(self, number: int, held: AccountHoldings, table: InstrumentTable) -> None:
        lots: dict[int, dict[int, int]] = {}
        legs: dict[int, list[tuple[int, OpenLeg]]] = {}
        group_i = table.underlying_i
        for row, each in held.lots.items():
            lots.setdefault(int(group_i[row]), {})[row] = each
        for leg in held.legs:
            effect = self.effects.number(table, held.fees, leg)
            legs.setdefault(int(group_i[leg.row]), []).append((effect, leg))
        for place, (name, group) in enumerate(zip(table.underlyings, self.groups, strict=True)):
            coins = held.balances.get(name, 0)
            group.put(number, coins, lots.get(place, {}), legs.get(place, ()))

    def _forget_effects(self) -> None:
        """Give back effects without orders, whenever there are twice as many as were in use."""
        if len(self.effects) < self._effects_max:
            return
        used = np.unique(np.concatenate([group.used_effects() for group in self.groups]))
        number_e = self.effects.keep(used.astype(np.int64))
        for group in self.groups:
            group.renumber_effects(number_e)
        self._effects_max = max(EFFECTS_MIN, 2 * len(self.effects))

    def version_a(self) -> IntArray:
        """Version of each account's holdings."""
        return self._version_a.first(len(self))

    def usd_a(self) -> IntArray:
        """Cash and entries in USD of each account, 1e-6."""
        return self._usd_a.first(len(self))


def _fits(held: AccountHoldings, table: InstrumentTable) -> bool:
    return held.is_plain and all(
        asset == USD or asset in table.underlyings for asset in held.balances
    )
