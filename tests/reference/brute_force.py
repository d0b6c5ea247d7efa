"""The worst headroom over every combination of fills, by trying them all. [SPAN-14 to SPAN-17]"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainLeg:
    """Lots of one leg that fill together, in plain numbers per lot: gain, rows, charges."""

    instrument: str
    side: int
    gain: int
    rows: Sequence[int]
    charges: Mapping[str, int] = field(default_factory=dict)
    ratio: int = 1
    group: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainUnits:
    """So many units, each of which fills with all of its legs or not at all."""

    units: int
    legs: Sequence[PlainLeg]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainOrder:
    """An order: its shapes, of which one may fill, each in units that fill on their own."""

    shapes: Sequence[Sequence[PlainUnits]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainGroup:
    """A group in plain numbers: rows and charges of what is held, minimum of a short lot."""

    rows: Sequence[int]
    charges: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    minimums: Mapping[str, int] = field(default_factory=dict)


Fills = Sequence[tuple[int, PlainUnits]]


def worst_headroom(equity: int, groups: Sequence[PlainGroup], orders: Sequence[PlainOrder]) -> int:
    """Smallest headroom that any fills leave; every number of units of every shape is tried."""
    return equity + min(
        sum(left_by_fills(number, group, fills) for number, group in enumerate(groups))
        for fills in every_fill(orders)
    )


def every_fill(orders: Sequence[PlainOrder]) -> Iterator[Fills]:
    """Filled units, from nothing to everything, of one shape of each order."""
    for shapes in product(*(order.shapes for order in orders)):
        working = [units for shape in shapes for units in shape]
        for filled in product(*(range(each.units + 1) for each in working)):
            yield list(zip(filled, working, strict=True))


def left_by_fills(number: int, group: PlainGroup, fills: Fills) -> int:
    """What these fills add to the headroom of a group: losses less the requirement they leave."""
    rows, charges, held = list(group.rows), dict(group.charges), dict(group.held)
    losses = 0
    for units, working in fills:
        legs = [leg for leg in working.legs if leg.group == number]
        losses += units * min(0, sum(leg.ratio * leg.gain for leg in legs))
        for leg in legs:
            lots = units * leg.ratio
            rows = [total + lots * row for total, row in zip(rows, leg.rows, strict=True)]
            for bucket, charge in leg.charges.items():
                charges[bucket] = charges.get(bucket, 0) + lots * charge
            held[leg.instrument] = held.get(leg.instrument, 0) + leg.side * lots
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
