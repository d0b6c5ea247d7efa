"""Where a requirement comes from: components by group, and what each position contributes."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.check.question import Question
from margingate_engine.check.rules import RULES
from margingate_engine.core.arrays import IntArray
from margingate_engine.core.explanation import Component
from margingate_engine.core.reasons import RejectReason
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.hold import OrderHold
from margingate_engine.portfolio.margin_model import Requirement

NEEDS_DATA = {RejectReason.MAX_ORDER_NOTIONAL, RejectReason.PRICE_COLLAR}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScenarios:
    """P&L of one group per scenario (axis S), 1e-6 USD, weighted, gains positive.

    with_orders_s: positions and the worst fills of open orders in that scenario.
    """

    group: str
    descriptions: tuple[str, ...]
    pnl_s: IntArray
    with_orders_s: IntArray


def with_order(account: AccountRisk, hold: OrderHold) -> AccountRisk:
    """A copy of the account that also holds the order; the account itself stays."""
    copy = account.copied()
    copy.hold(hold)
    return copy


def explanation(account: AccountRisk) -> Component:
    """Initial margin as a tree: requirements, their parts, positions in the active scenario."""
    parts = tuple(_component(account, each) for each in account.requirements())
    return Component(name="initial_margin", amount=account.risk.initial, parts=parts)


def scenario_tables(account: AccountRisk) -> tuple[GroupScenarios, ...]:
    """Scenario P&L of every group."""
    return tuple(
        GroupScenarios(
            group=totals.group.underlying,
            descriptions=totals.group.descriptions,
            pnl_s=totals.rows[:-1],
            with_orders_s=totals.worst_rows((totals.orders,))[:-1],
        )
        for totals in _held_groups(account)
        if not totals.group.is_collateral_only
    )


def _held_groups(account: AccountRisk) -> list[GroupTotals]:
    return [totals for _, totals in sorted(account.groups.items()) if not totals.is_empty]


def also_failing(question: Question, first: RejectReason) -> tuple[RejectReason, ...]:
    """Rules after the first failing one that refuse as well, margin not included.

    Rules on prices are left out where the sizes or prices they need are not there.
    """
    failing = []
    is_sized = True
    for reason, rule in RULES:
        if reason in NEEDS_DATA and not is_sized:
            continue
        if rule(question) is None:
            continue
        if reason in {
            RejectReason.OFF_TICK,
            RejectReason.OFF_LOT,
            RejectReason.MARKET_DATA_MISSING,
            RejectReason.INSTRUMENT_NOT_TRADABLE,
        }:
            is_sized = False
        if reason is not first:
            failing.append(reason)
    return tuple(failing)


def _component(account: AccountRisk, requirement: Requirement) -> Component:
    """A requirement with its parts; the first part with what each position brings to it."""
    contributions = requirement.parts or _contributions(account, requirement)
    charges = tuple(
        Component(
            name=charge.value,
            subject=requirement.subject,
            amount=amount,
            parts=contributions if not index else (),
        )
        for index, (charge, amount) in enumerate(requirement.charges)
    )
    return Component(
        name="group", subject=requirement.subject, amount=requirement.total, parts=charges
    )


def _contributions(account: AccountRisk, requirement: Requirement) -> tuple[Component, ...]:
    """P&L of positions, coin balances and orders in the active scenario, worst first."""
    index = _active_index(account, requirement)
    if index is None:
        return ()
    arrays, parts = account.arrays, []
    for totals in (account.peek(number) for number in requirement.groups):
        name = totals.group.underlying
        parts += [
            Component(
                name="position_pnl",
                subject=arrays.table.instruments[row].name,
                amount=lots * int(arrays.pnl_ir[row, index]),
            )
            for row, lots in totals.lots.items()
        ]
        coin = int(totals.rows[index] - totals.pnl_r[index])
        orders = int(totals.orders.worst_r[index])
        more = (("coin_pnl", coin), ("open_orders_worst", orders))
        parts += [Component(name=each, subject=name, amount=a) for each, a in more if a]
    return tuple(sorted(parts, key=lambda part: (part.amount, part.subject)))


def _active_index(account: AccountRisk, requirement: Requirement) -> int | None:
    """Row of the active scenario; of the worst one where a minimum binds; None where none loses."""
    if requirement.scenario > 0:
        return requirement.scenario - 1
    totals = [account.peek(number) for number in requirement.groups]
    rows = sum((each.worst_rows((each.orders,)) for each in totals), np.zeros(1, dtype=np.int64))
    index = int(rows.argmin())
    return index if rows[index] < 0 else None
