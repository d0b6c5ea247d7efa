"""Reduce-only orders: cut to what closes a position, as the venue cuts them. [DEC-10]"""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction

from margingate_engine.check.question import Question
from margingate_engine.check.risk_reducing import lots_to_flat
from margingate_engine.core.orders import Execution, Side
from margingate_engine.portfolio.holdings import OpenLeg


def leg_without_room(question: Question) -> int | None:
    """Number of the first reduce-only leg with nothing to close; of a combo not all it needs."""
    if not question.order.is_reduce_only:
        return None
    is_combo = question.order.execution is Execution.ATOMIC_COMBO
    asked = list(question.open_lots_asked())
    for number, ((_, _, lots), room) in enumerate(zip(asked, _rooms(question, asked), strict=True)):
        if lots and (room < 1 or (is_combo and room < lots)):
            return number
    return None


def clipped(question: Question, legs: tuple[OpenLeg, ...]) -> tuple[OpenLeg, ...]:
    """The legs without what is filled of them, cut to what they may close when reduce-only.

    Legs of one instrument and side are served in their order; what is left empty is left out.
    """
    if question.amends is not None:
        filled = question.amends.filled_lots
        legs = tuple(replace(leg, lots=max(0, leg.lots - filled[leg.number])) for leg in legs)
    if question.order.is_reduce_only:
        asked = ((leg.row, leg.side, Fraction(leg.lots)) for leg in legs)
        rooms = _rooms(question, asked)
        legs = tuple(
            replace(leg, lots=min(leg.lots, int(room)))
            for leg, room in zip(legs, rooms, strict=True)
        )
    return tuple(leg for leg in legs if leg.lots)


def _rooms(question: Question, asked: Iterable[tuple[int, Side, Fraction]]) -> list[Fraction]:
    """Lots that each leg may close, the legs before it served; whole lots, never below zero."""
    left: dict[tuple[int, Side], Fraction] = {}
    rooms = []
    for row, side, lots in asked:
        if (row, side) not in left:  # looks at every open order
            instrument = question.table.instruments[row]
            left[row, side] = lots_to_flat(question.portfolio, instrument, row, side)
        room = Fraction(max(0, int(left[row, side])))
        rooms.append(room)
        left[row, side] -= min(lots, room)
    return rooms
