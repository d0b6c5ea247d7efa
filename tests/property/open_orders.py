"""Random open orders: single legs, several, combos, fills reported of some, changes pending."""

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.portfolio.holdings import OpenLeg
from tests.property.chain import World
from tests.property.legs import limit_nano, open_legs
from tests.reference.orders import unit_ratios

LEGS_MAX = 3
Legs = tuple[OpenLeg, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnOrder:
    """An order: legs as they were accepted, what is open of them, what they become or None."""

    accepted: Legs
    legs: Legs
    amended: Legs | None = None

    @property
    def is_combo(self) -> bool:
        return any(leg.ratio for leg in self.accepted)

    @property
    def filled_lots(self) -> tuple[int, ...]:
        """What was filled of each leg."""
        left = {leg.number: leg.lots for leg in self.legs}
        return tuple(leg.lots - left.get(leg.number, 0) for leg in self.accepted)


@st.composite
def single_orders(draw: st.DrawFn, world: World) -> DrawnOrder:
    """One leg, nothing filled, nothing pending."""
    legs = (draw(open_legs(world)),)
    return DrawnOrder(accepted=legs, legs=legs)


@st.composite
def open_orders(draw: st.DrawFn, world: World, *, legs_max: int = LEGS_MAX) -> DrawnOrder:
    """Any order: some of it may be filled, and a change of it pending."""
    accepted = draw(accepted_legs(world, legs_max))
    legs = draw(after_fills(accepted))
    amended = None
    if not legs or draw(st.integers(0, 2)) == 0:
        changed = draw(changed_legs(world, accepted))
        amended = draw(after_fills(changed)) if draw(st.booleans()) else changed
        if not legs and not amended:
            legs = accepted
    return DrawnOrder(accepted=accepted, legs=legs, amended=amended)


@st.composite
def accepted_legs(draw: st.DrawFn, world: World, legs_max: int) -> Legs:
    """Legs of an order as it was accepted: one, several, or a combo."""
    count = draw(st.sampled_from((1, 1, 2, legs_max))) if legs_max > 1 else 1
    legs = [replace(draw(open_legs(world)), number=number) for number in range(count)]
    if count > 1 and draw(st.booleans()):
        return draw(combo_legs(world, legs))
    return tuple(legs)


@st.composite
def combo_legs(draw: st.DrawFn, world: World, legs: list[OpenLeg]) -> Legs:
    """The same legs in a proportion that a venue might list."""
    ratios = unit_ratios([draw(_ratio(world, leg.row)) for leg in legs])
    units = draw(st.integers(1, 12))
    return tuple(
        replace(leg, lots=units * ratio, ratio=ratio)
        for leg, ratio in zip(legs, ratios, strict=True)
    )


def _ratio(world: World, row: int) -> st.SearchStrategy[int]:
    """Lots in a unit; an option's lot is a tenth of a coin, a future's a thousandth, or 10 USD."""
    if world.table.instruments[row].kind is InstrumentKind.OPTION:
        return st.integers(1, 4)
    return st.sampled_from((1, 3, 50, 100, 200, 700))


@st.composite
def after_fills(draw: st.DrawFn, legs: Legs) -> Legs:
    """What is open after fills: mostly everything, of a combo whole units and reports of more."""
    if draw(st.booleans()):
        return legs
    units = min((leg.lots // leg.ratio for leg in legs if leg.ratio), default=0)
    filled_units = draw(st.integers(0, units))
    left = []
    for leg in legs:
        lots = leg.lots - filled_units * leg.ratio
        reported = draw(st.sampled_from((0, 0, lots, None)))
        lots -= draw(st.integers(0, lots)) if reported is None else reported
        if lots:
            left.append(replace(leg, lots=lots))
    return tuple(left)


@st.composite
def changed_legs(draw: st.DrawFn, world: World, legs: Legs) -> Legs:
    """The legs with other sizes and limits."""
    changed = [
        replace(
            leg,
            lots=draw(st.integers(1, 2 * leg.lots) | st.just(leg.lots)),
            price_nano=draw(st.just(leg.price_nano) | limit_nano(world, leg.row)),
        )
        for leg in legs
    ]
    if any(leg.ratio for leg in legs):  # of a combo the units change, and rarely the proportions
        if draw(st.integers(0, 5)) == 0:
            return draw(combo_legs(world, changed))
        units = draw(st.integers(1, 24))
        changed = [replace(leg, lots=units * leg.ratio) for leg in changed]
    return tuple(changed)
