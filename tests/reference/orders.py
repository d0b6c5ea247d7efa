"""Orders as a router sends them and as an account keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from math import gcd


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg: side +1 or −1, quantity in the venue's unit, no price for a market order."""

    symbol: str
    side: int
    quantity: Fraction
    price: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order; `combo` is true for an ATOMIC_COMBO, `reduce_only` for one the venue cuts.

    A change of an open order is one as well: same id and legs, with new quantities and prices.
    """

    order_id: str
    legs: tuple[Leg, ...]
    combo: bool = False
    reduce_only: bool = False


@dataclass(slots=True, kw_only=True)
class OpenLeg:
    """A leg with a price and whole lots, of which `lots` are open.

    ratio: lots of it in a unit of a combo; 0 where it fills alone.
    """

    symbol: str
    side: int
    lots: int
    price: Fraction
    ratio: int = 0


@dataclass(slots=True, kw_only=True)
class OpenOrder:
    """An accepted order: its legs, and what they become if the venue takes a pending change.

    The legs keep their places, with 0 lots when nothing is open of them. filled: lots by leg.
    Legs of a combo that come without ratios are whole: the ratios are those of their lots.
    """

    order_id: str
    combo: bool
    legs: list[OpenLeg] = field(default_factory=list)
    amended: list[OpenLeg] | None = None
    reduce_only: bool = False
    filled: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Fill in what follows from the legs."""
        self.filled = self.filled or [0] * len(self.legs)
        if self.combo and not any(leg.ratio for leg in self.legs):
            ratios = unit_ratios([leg.lots for leg in self.legs])
            for leg, ratio in zip(self.legs, ratios, strict=True):
                leg.ratio = ratio

    @property
    def shapes(self) -> list[list[OpenLeg]]:
        """The sets of legs of which one may fill."""
        return [self.legs] if self.amended is None else [self.legs, self.amended]

    @property
    def is_open(self) -> bool:
        """True while a lot of it can still fill."""
        return any(leg.lots for shape in self.shapes for leg in shape)

    def open_lots(self, symbol: str, side: int) -> int:
        """Lots of a side that may still fill; of a changing leg the more."""
        most = [max(leg.lots for leg in each) for each in zip(*self.shapes, strict=True)]
        legs = zip(self.legs, most, strict=True)
        return sum(lots for leg, lots in legs if (leg.symbol, leg.side) == (symbol, side))

    def shrink(self, execution: OpenLeg) -> None:
        """Takes a fill off both shapes. [SPAN-17]

        Legs whose limit allows its price come first, of them those that hold less.
        """
        taken = zip(*[_take(shape, execution) for shape in self.shapes], strict=True)
        self.filled = [before + max(lots) for before, lots in zip(self.filled, taken, strict=True)]

    def end(self, symbols: frozenset[str]) -> None:
        """Legs of these instruments can fill no more; what is left of a combo fills alone."""
        for shape in self.shapes:
            if any(leg.symbol in symbols and leg.lots for leg in shape):
                self.combo = False
                shape[:] = [
                    replace(leg, ratio=0, lots=0 if leg.symbol in symbols else leg.lots)
                    for leg in shape
                ]


def unit_ratios(lots: Sequence[int]) -> list[int]:
    """Lots of each leg in the smallest unit in which they fill together. [SPAN-16]"""
    whole = gcd(*lots)
    return [each // whole if whole else 0 for each in lots]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """So many units on order, each of which fills at one of its choices, whole, or not at all.

    A choice is the lots of each leg in a unit. combo: whether the units are a combo's.
    """

    units: int
    choices: tuple[tuple[tuple[int, OpenLeg], ...], ...]
    combo: bool = False


def fillers(order: OpenOrder) -> list[Filler]:
    """What may fill of an open order. [SPAN-16, SPAN-17]

    While a change is pending, what both shapes have may fill at either limit.
    """
    counts = [_units(shape, order.shapes) for shape in order.shapes]
    units = [
        tuple((leg.ratio, leg) for leg in shape if leg.ratio and leg.lots) for shape in order.shapes
    ]
    found = _either(counts, units, combo=True)
    for legs in zip(*order.shapes, strict=True):
        alone = [
            leg.lots - n * leg.ratio if leg.lots else 0 for n, leg in zip(counts, legs, strict=True)
        ]
        found += _either(alone, [((1, leg),) for leg in legs], combo=False)
    return [each for each in found if each.units]


def _units(shape: Sequence[OpenLeg], shapes: Sequence[Sequence[OpenLeg]]) -> int:
    """Units of a combo that a shape has: with every leg that is open in any of the shapes."""
    tied = [
        leg
        for number, leg in enumerate(shape)
        if any(each[number].lots and each[number].ratio for each in shapes)
    ]
    open_ratios = [{leg.ratio for leg in each if leg.lots} for each in zip(*shapes, strict=True)]
    if not all(leg.ratio for leg in tied) or any(len(each) > 1 for each in open_ratios):
        return 0
    return min((leg.lots // leg.ratio for leg in tied), default=0)


def _either(
    counts: Sequence[int],
    choices: Sequence[tuple[tuple[int, OpenLeg], ...]],
    *,
    combo: bool,
) -> list[Filler]:
    """What all shapes have, at any of their limits, and what each has beyond that."""
    common = min(counts)
    beyond = [
        Filler(units=count - common, choices=(choice,), combo=combo)
        for count, choice in zip(counts, choices, strict=True)
    ]
    return [Filler(units=common, choices=tuple(choices), combo=combo), *beyond]


def _take(shape: list[OpenLeg], execution: OpenLeg) -> list[int]:
    """Lots that a fill takes off each leg of a shape."""
    taken, rest = [0] * len(shape), execution.lots
    matching = [
        (execution.side * leg.price < execution.side * execution.price, leg.side * leg.price, n)
        for n, leg in enumerate(shape)
        if (leg.symbol, leg.side) == (execution.symbol, execution.side)
    ]
    for _, _, number in sorted(matching):
        leg = shape[number]
        taken[number] = min(rest, leg.lots)
        leg.lots -= taken[number]
        rest -= taken[number]
    return taken
