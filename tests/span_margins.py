"""The margins of the model `span` in an account, in its own words."""

from typing import NamedTuple

from margingate_engine.models.span_requirement import SpanMargin, span_margin
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.effect import LegEffect
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.hold import OrderHold
from margingate_engine.portfolio.risk_arrays import SPOT_KEY, RiskArrays


class Basis(NamedTuple):
    """Basis feature of a lot: its expiry's bucket, the amount there, and that of spot."""

    bucket: int
    own: int
    spot: int


def basis_of(arrays: RiskArrays, row: int) -> Basis:
    """Basis features of one long lot."""
    (bucket, own), *rest = arrays.features_i[row]
    return Basis(bucket, own, dict(rest).get(SPOT_KEY, 0))


def effect_basis(arrays: RiskArrays, effect: LegEffect) -> tuple[int, int, int]:
    """(own bucket, spot rounded down, spot rounded up) of what a fill changes."""
    changes = {key: (lowest, highest) for key, lowest, highest in effect.features}
    own, _ = changes[basis_of(arrays, effect.row).bucket]
    lowest, highest = changes[SPOT_KEY]
    return own, lowest, highest


def positions_margin(totals: GroupTotals) -> SpanMargin:
    """Of the positions of a group alone."""
    return span_margin(totals, ())


def worst_margins(account: AccountRisk, order: OrderHold | None = None) -> dict[int, SpanMargin]:
    """Of every group that has something, at the worst fills of its orders and of one more."""
    extra = order.by_group if order else {}
    held = (number for number, totals in account.groups.items() if not totals.is_empty)
    numbers = sorted({*held, *extra})
    return {n: _worst(account.peek(n), order, n) for n in numbers}


def _worst(totals: GroupTotals, order: OrderHold | None, number: int) -> SpanMargin:
    extra = order.by_group.get(number) if order else None
    if extra is not None:
        return span_margin(totals, (totals.orders, extra))
    return span_margin(totals, (totals.orders,) if totals.orders.lots else ())
