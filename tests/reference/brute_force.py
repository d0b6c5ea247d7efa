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
    """So many units, each of which fills with all legs of one of its choices, or not at all."""

    units: int
    choices: Sequence[Sequence[PlainLeg]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainGroup:
    """A group in plain numbers: rows and charges of what is held, minimum of a short lot."""

    rows: Sequence[int]
    charges: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    minimums: Mapping[str, int] = field(default_factory=dict)


Fills = Sequence[tuple[int, Sequence[PlainLeg]]]


def worst_headroom(equity: int, groups: Sequence[PlainGroup], orders: Sequence[PlainUnits]) -> int:
    """Smallest headroom that any fills leave; every number of units at every choice is tried."""
    return equity + min(
        sum(left_by_fills(number, group, fills) for number, group in enumerate(groups))
        for fills in every_fill(orders)
    )


def every_fill(orders: Sequence[PlainUnits]) -> Iterator[Fills]:
    """(units, legs that fill), from nothing to everything, each unit at one of its choices."""
    for chosen in product(*(_every_split(each) for each in orders)):
        yield [filled for split in chosen for filled in split]


def _every_split(working: PlainUnits) -> list[Fills]:
    """All ways to fill at most the units, some at one choice and some at another."""
    counts = product(range(working.units + 1), repeat=len(working.choices))
    return [
        list(zip(each, working.choices, strict=True))
        for each in counts
        if sum(each) <= working.units
    ]


def left_by_fills(number: int, group: PlainGroup, fills: Fills) -> int:
    """What these fills add to the headroom of a group: losses less the requirement they leave."""
    rows, charges, held = list(group.rows), dict(group.charges), dict(group.held)
    losses = 0
    for units, unit in fills:
        legs = [leg for leg in unit if leg.group == number]
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
