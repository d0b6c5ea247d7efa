"""An account's margin as totals of additive features, kept up to date event by event."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from margingate_engine.core.amounts import USD
from margingate_engine.core.errors import MissingData, ModelFailure
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.group_totals import GroupTotals, Pocket
from margingate_engine.portfolio.hold import GROSS_MAX, OrderHold, order_hold
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.margin_model import Requirement
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.own_charges import own_requirements
from margingate_engine.portfolio.risk_arrays import RiskArrays


@dataclass(slots=True)
class AccountRisk:
    """Totals of one account under one set of risk arrays. Mutable; its owner keeps it in step.

    usd: cash, entries and values in USD, 1e-6. outflows: cash that open orders may take, by asset.
    """

    arrays: RiskArrays
    usd: int = 0
    groups: dict[int, GroupTotals] = field(default_factory=dict)
    outflows: dict[str, int] = field(default_factory=dict)
    gross: int = 0
    _risk: Risk | None = None
    _required: Sequence[Requirement] = ()
    """What `_risk` is the sum of."""

    @classmethod
    def of(cls, portfolio: Portfolio, arrays: RiskArrays) -> "AccountRisk":
        """The full calculation; MissingData names what has no price."""
        account = cls(arrays)
        for asset, units in portfolio.cash.items():
            account.move_cash(asset, units)
        account._take_positions(portfolio)
        for order_id in portfolio.legs:
            account.hold(order_hold(arrays, portfolio, order_id))
        return account

    def _take_positions(self, portfolio: Portfolio) -> None:
        """As move_position and allocate do with one after the other, in one go."""
        arrays, wallets = self.arrays, portfolio.wallets
        pockets_by_group: dict[int, dict[int, Pocket]] = {}
        coins: dict[str, int] = {}
        for row, position in portfolio.positions.items():
            if not arrays.priced_i[row]:
                raise MissingData(arrays.table.instruments[row].name)
            number, lots, entry = arrays.group_i[row], position.lots, position.entry
            pocket = Pocket(lots, wallets.get(row, 0), entry)
            pockets_by_group.setdefault(number, {})[row] = pocket
            self.usd += arrays.position_value(row, lots)
            self.gross += abs(lots) * arrays.gross_i[row]
            coin = arrays.position_coin(row, lots)
            if coin:
                asset = arrays.table.underlyings[number]
                coins[asset] = coins.get(asset, 0) + coin
            if entry:
                asset = arrays.table.instruments[row].settlement_asset
                coins[asset] = coins.get(asset, 0) + entry
        for number, pockets in pockets_by_group.items():
            self.group(number).take_positions(pockets)
        for asset, units in coins.items():
            self.move_cash(asset, units)

    def copied(self) -> "AccountRisk":
        """The same, to be asked while this one changes: at a cost that orders do not change."""
        groups = {number: totals.copied() for number, totals in self.groups.items()}
        return replace(self, groups=groups, outflows=dict(self.outflows))

    def group(self, number: int) -> GroupTotals:
        """Totals of a group to change; MissingData without a price."""
        totals = self.groups[number] = self.peek(number)
        return totals

    def move_cash(self, asset: str, units: int) -> None:
        """Change cash or entries of one asset by its units (signed)."""
        self._risk = None
        if asset == USD:
            self.usd += units
            return
        if not units:
            return
        if asset not in self.arrays.table.underlyings:
            raise MissingData(asset)
        number = self.arrays.table.underlyings.index(asset)
        totals = self.group(number)
        before = totals.coin_gross
        totals.move_coin(units)
        self.gross += totals.coin_gross - before

    def move_position(self, row: int, before: int, after: int) -> None:
        """Change a position from `before` to `after` lots (signed), its mark values with it."""
        arrays = self.arrays
        if not arrays.priced_i[row]:
            raise MissingData(arrays.table.instruments[row].name)
        self._risk = None
        totals = self.group(arrays.group_i[row])
        totals.move_position(row, after - before)
        self.usd += arrays.position_value(row, after) - arrays.position_value(row, before)
        self.gross += (abs(after) - abs(before)) * arrays.gross_i[row]
        coin = arrays.position_coin(row, after) - arrays.position_coin(row, before)
        if coin:
            self.move_cash(arrays.table.underlyings[arrays.group_i[row]], coin)

    def allocate(self, row: int, pocket: Pocket) -> None:
        """Say what a position has to itself; its cash and entry are moved apart from this."""
        self._risk = None
        self.group(self.arrays.group_i[row]).allocate(row, pocket)

    def hold(self, order: OrderHold) -> None:
        """Hold the margin of an order."""
        self._shift_order(order, 1)

    def release(self, order: OrderHold) -> None:
        """Give back what was held for an order under the same risk arrays."""
        self._shift_order(order, -1)

    def _shift_order(self, order: OrderHold, sign: int) -> None:
        self._risk = None
        self.gross += sign * order.gross
        for number, totals in order.by_group.items():
            if sign > 0:
                self.group(number).add_order(totals)
            else:
                self.group(number).remove_order(totals)
        for asset, units in order.outflows.items():
            self.outflows[asset] = self.outflows.get(asset, 0) + sign * units
            if not self.outflows[asset]:
                del self.outflows[asset]

    @property
    def equity(self) -> int:
        """Value of cash and positions, 1e-6 USD, rounded down, coins up to a cap. [SPAN-08]"""
        return self.usd + sum(
            totals.group.counted(totals.coin_pico) for totals in self.groups.values()
        )

    @property
    def risk(self) -> Risk:
        """Margin with the open orders at their worst fills; ModelFailure beyond GROSS_MAX."""
        if self._risk is None:
            if self.gross >= GROSS_MAX:
                raise ModelFailure("account beyond the range of the risk integers")
            self._required = self._worked_out(None)
            self._risk = Risk(
                equity=self.equity,
                initial=sum(each.total for each in self._required),
                maintenance=self.positions_maintenance(),
            )
        return self._risk

    @property
    def positions_risk(self) -> Risk:
        """Margin of the positions alone; ModelFailure beyond GROSS_MAX."""
        risk = self.risk
        initial = sum(each.total for each in self.positions_requirements())
        return Risk(equity=risk.equity, initial=initial, maintenance=risk.maintenance)

    def requirements(self, order: OrderHold | None = None) -> Sequence[Requirement]:
        """Requirements over worst fills of the open orders, and of one order more."""
        is_known = order is None and self._risk is not None
        return self._required if is_known else self._worked_out(order)

    def _worked_out(self, order: OrderHold | None) -> Sequence[Requirement]:
        arrays, extra = self.arrays, order.by_group if order is not None else {}
        numbers = sorted({*self._held(), *extra})
        modelled = [n for n in numbers if n not in arrays.collateral_only]
        margins = {n: self._worst_margin(n, extra.get(n)) for n in modelled}
        required = arrays.model.requirements(margins)
        if not arrays.has_own_charges:
            return required
        held = []
        for number in numbers:
            totals, added = self.peek(number), extra.get(number)
            holds = (totals.orders,) if added is None else (totals.orders, added)
            held.append((totals, holds))
        return [*required, *own_requirements(held)]

    def positions_requirements(
        self, changed: Mapping[int, GroupTotals] | None = None
    ) -> Sequence[Requirement]:
        """Requirements of the positions alone, those of some groups changed."""
        required = self.arrays.model.requirements(self._positions_margins(changed))
        if not self.arrays.has_own_charges:
            return required
        held = {**self.groups, **(changed or {})}
        return [*required, *own_requirements((held[number], ()) for number in sorted(held))]

    def positions_maintenance(self, changed: Mapping[int, GroupTotals] | None = None) -> int:
        """Maintenance margin, the positions of some groups changed, 1e-6 USD. [COL-06]"""
        maintenance = self.arrays.model.maintenance(self._positions_margins(changed))
        if not self.arrays.has_own_charges:
            return maintenance
        held = {**self.groups, **(changed or {})}
        return maintenance + sum(totals.surcharge for totals in held.values())

    def _held(self) -> Iterator[int]:
        return (number for number, totals in self.groups.items() if not totals.is_empty)

    def _positions_margins(
        self, changed: Mapping[int, GroupTotals] | None = None
    ) -> dict[int, Any]:
        changed = changed or {}
        numbers = sorted({*self._held(), *changed} - self.arrays.collateral_only)
        return {n: self._positions_margin(changed.get(n) or self.peek(n)) for n in numbers}

    def _positions_margin(self, totals: GroupTotals) -> Any:
        if totals.positions_margin is None:
            totals.positions_margin = self.arrays.model.group_margin(totals, ())
        return totals.positions_margin

    def _worst_margin(self, number: int, extra: OrderTotals | None) -> Any:
        totals, model = self.peek(number), self.arrays.model
        if extra is not None:
            return model.group_margin(totals, (totals.orders, extra))
        if not totals.orders.lots:
            return self._positions_margin(totals)
        if totals.worst_margin is None:
            totals.worst_margin = model.group_margin(totals, (totals.orders,))
        return totals.worst_margin

    def peek(self, number: int) -> GroupTotals:
        """Totals of a group to look at; an untouched one is empty and not remembered."""
        totals = self.groups.get(number)
        if totals is not None:
            return totals
        group = self.arrays.groups[number]
        if group is None:
            raise MissingData(self.arrays.table.underlyings[number])
        return GroupTotals.empty(self.arrays, group)
