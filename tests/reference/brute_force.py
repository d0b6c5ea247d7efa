"""The worst headroom over every combination of fills, by trying them all. [SPAN-14, SPAN-15]"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainOrder:
    """An open leg in plain numbers, per lot: entry loss (≤ 0), rows, charges by bucket."""

    instrument: str
    side: int
    lots: int
    loss: int
    rows: Sequence[int]
    charges: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainGroup:
    """A group in plain numbers: rows and charges of what is held, minimum of a short lot."""

    rows: Sequence[int]
    charges: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    minimums: Mapping[str, int] = field(default_factory=dict)
    orders: Sequence[PlainOrder] = ()


def worst_headroom(equity: int, groups: Sequence[PlainGroup]) -> int:
    """Smallest headroom that any fills leave; every number of lots of every leg is tried."""
    return equity + sum(
        min(left_by_fills(group, fills) for fills in every_fill(group.orders)) for group in groups
    )


def every_fill(orders: Sequence[PlainOrder]) -> Iterator[tuple[int, ...]]:
    """Filled lots by leg, from nothing to everything."""
    return product(*(range(order.lots + 1) for order in orders))


def left_by_fills(group: PlainGroup, fills: Sequence[int]) -> int:
    """What these fills add to headroom: their losses less the requirement they leave."""
    filled = list(zip(group.orders, fills, strict=True))
    losses = sum(lots * order.loss for order, lots in filled)
    rows = list(group.rows)
    charges, held = dict(group.charges), dict(group.held)
    for order, lots in filled:
        rows = [total + lots * row for total, row in zip(rows, order.rows, strict=True)]
        for bucket, charge in order.charges.items():
            charges[bucket] = charges.get(bucket, 0) + lots * charge
        held[order.instrument] = held.get(order.instrument, 0) + order.side * lots
    return losses - _requirement(rows, charges, held, group.minimums)


def _requirement(
    rows: Sequence[int],
    charges: Mapping[str, int],
    held: Mapping[str, int],
    minimums: Mapping[str, int],
) -> int:
    scan_risk = max(0, -min(rows))
    longs = sum(max(0, charge) for charge in charges.values())
    shorts = sum(max(0, -charge) for charge in charges.values())
    shortage = sum(max(0, -lots) * minimums.get(name, 0) for name, lots in held.items())
    return max(scan_risk + min(longs, shorts), shortage)
