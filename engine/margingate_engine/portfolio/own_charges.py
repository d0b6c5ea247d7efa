"""What an account requires beside its model: price surcharges, caps, orders of mere collateral.

Alike under every model. docs/methodology/collateral.md
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from margingate_engine.core.charges import Charge
from margingate_engine.core.explanation import Component
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import NOT_A_SCENARIO, Requirement
from margingate_engine.portfolio.order_totals import OrderTotals

Held = tuple[GroupTotals, Sequence[OrderTotals]]
"""A group's totals and the open orders that may fill."""


def own_requirements(held: Iterable[Held]) -> list[Requirement]:
    """The requirements that are not zero, with what each group brings to them."""
    surcharges: list[Component] = []
    caps: list[Component] = []
    losses: list[Component] = []
    is_exact = True
    for totals, holds in held:
        if amount := surcharge(totals, holds):
            surcharges.append(_part(totals, amount))
            is_exact = is_exact and not any(hold.surcharge for hold in holds)
        if amount := totals.cap_hold(holds):
            caps.append(_part(totals, amount))
        if amount := spot_losses(totals, holds):
            losses.append(_part(totals, amount))
    required = []
    if surcharges:
        charges = {Charge.PRICE_SURCHARGE: surcharges}
        words = "prices in doubt"
        required.append(_requirement("price surcharge", words, charges, is_exact=is_exact))
    if caps or losses:
        charges = {Charge.COLLATERAL_CAP: caps, Charge.ENTRY_LOSSES: losses}
        words = "collateral that orders may bring or cost"
        required.append(_requirement("collateral", words, charges, is_exact=False))
    return required


def surcharge(totals: GroupTotals, holds: Sequence[OrderTotals]) -> int:
    """What positions and open orders put up while their prices are in doubt, 1e-6 USD. [COL-06]

    |held + filled| <= |held| + |filled|: no combination of fills requires more.
    """
    return totals.surcharge + sum(hold.surcharge for hold in holds)


def spot_losses(totals: GroupTotals, holds: Sequence[OrderTotals]) -> int:
    """What open orders lose when they fill, of an asset that no model has, 1e-6 USD. [COL-01]"""
    if not totals.group.is_collateral_only:
        return 0
    if totals.coin_pico >= sum(hold.coin_down for hold in holds):
        return -sum(hold.owned_entry for hold in holds)
    return -sum(int(hold.worst_r[-1]) for hold in holds)


def equity_change_at_mark(before: GroupTotals, after: GroupTotals) -> int:
    """What fills of a group at their marks add to equity, 1e-6 USD, haircuts of models apart.

    Coins that come to lie beyond their cap count no more; mere collateral has its haircut. [COL-04]
    """
    group = before.group
    if not group.is_collateral_only:
        return group.beyond_cap(before.coin_pico) - group.beyond_cap(after.coin_pico)
    paid = group.price_of(after.coin_pico - before.coin_pico)
    return group.counted(after.coin_pico) - group.counted(before.coin_pico) - paid


def own_kinks(
    before: GroupTotals, filled: GroupTotals, hold: OrderTotals, closing: Iterable[int]
) -> Iterator[int]:
    """Sizes of an order where one of these requirements turns. [DEC-06]

    Arguments as of MarginModel.size_kinks. closing: sizes that close what is held.
    """
    if hold.surcharge:
        yield from closing
    gap = before.group.coins_to_cap(before.coin_pico)
    sold = before.coin_pico - before.orders.coin_down
    if hold.coin_down and sold > 0:
        yield sold // hold.coin_down
    if gap is None:
        return
    steps = (
        (gap - before.orders.coin_up, hold.coin_up),
        (gap, filled.coin_pico - before.coin_pico),
    )
    for distance, step in steps:
        if distance * step > 0:
            yield from (distance // step, distance // step + 1)


def _requirement(
    subject: str, words: str, parts: Mapping[Charge, list[Component]], *, is_exact: bool
) -> Requirement:
    charges = tuple(
        (charge, sum(part.amount for part in each)) for charge, each in parts.items() if each
    )
    return Requirement(
        subject=subject,
        total=sum(amount for _, amount in charges),
        charges=charges,
        binding=max(charges, key=lambda charge: charge[1]),
        scenario=NOT_A_SCENARIO,
        words=words,
        groups=(),
        is_exact=is_exact,
        parts=tuple(chain.from_iterable(parts.values())),
    )


def _part(totals: GroupTotals, amount: int) -> Component:
    return Component(name="underlying", subject=totals.group.underlying, amount=amount)
