"""Open orders of one account as requests leave them: legs, and changes that are pending."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import gcd

from tests.simulation.requests import LegAsked

Held = tuple[str, str, int, int, int]
"""(order, instrument, side, lots, price in 1e-9) of an open leg."""


@dataclass(slots=True)
class BookLeg:
    """lots: still open; price in 1e-9."""

    instrument: str
    side: int
    lots: int
    price_nano: int


@dataclass(slots=True)
class BookOrder:
    """totals: lots of each leg, fills included. amended: the legs if the change is confirmed."""

    legs: list[BookLeg]
    totals: list[int]
    is_reduce_only: bool = False
    is_combo: bool = False
    amended: list[BookLeg] | None = None
    amended_totals: list[int] = field(default_factory=list)

    @property
    def shapes(self) -> list[list[BookLeg]]:
        """The legs as they are, and as they may become."""
        return [self.legs] if self.amended is None else [self.legs, self.amended]

    @property
    def is_open(self) -> bool:
        """True while something of it may fill."""
        return any(leg.lots for shape in self.shapes for leg in shape)

    def open_lots(self, instrument: str, side: int) -> int:
        """Lots that may still fill; while a change is pending the more."""
        return max(
            sum(leg.lots for leg in shape if (leg.instrument, leg.side) == (instrument, side))
            for shape in self.shapes
        )

    def fill(self, instrument: str, side: int, lots: int) -> None:
        """Take a fill off; orders of this world name an instrument once."""
        for leg in self._legs_of({instrument}):
            if leg.side == side:
                leg.lots -= min(leg.lots, lots)

    def end(self, instruments: Iterable[str]) -> None:
        """Nothing of these instruments fills any more."""
        for leg in self._legs_of(set(instruments)):
            leg.lots = 0

    @property
    def filled(self) -> list[int]:
        """Lots of each leg that are not open any more."""
        return [total - leg.lots for total, leg in zip(self.totals, self.legs, strict=True)]

    def changed(self, asked: Sequence[LegAsked], prices: Sequence[int]) -> list[BookLeg]:
        """The legs that a change asks for: lots are totals, and none becomes less than filled.

        Of a combo the units that any fill began stay whole: its other legs are still to be told.
        """
        least = self._begun() if self.is_combo else self.filled
        return [
            BookLeg(leg.instrument, leg.side, max(low, leg.lots) - done, price_nano)
            for leg, low, done, price_nano in zip(asked, least, self.filled, prices, strict=True)
        ]

    def _begun(self) -> list[int]:
        """Lots of each leg in the units of which some leg was filled."""
        unit = [total // gcd(*self.totals) for total in self.totals]
        units = max(-(-done // lots) for done, lots in zip(self.filled, unit, strict=True))
        return [units * lots for lots in unit]

    def change(self, legs: list[BookLeg]) -> None:
        """A change into these legs is pending."""
        self.amended = legs
        self.amended_totals = [done + leg.lots for done, leg in zip(self.filled, legs, strict=True)]

    def settle_change(self, *, is_confirmed: bool) -> None:
        """The venue took the change, or did not."""
        assert self.amended is not None
        if is_confirmed:
            self.legs, self.totals = self.amended, self.amended_totals
        self.amended = None

    def _legs_of(self, instruments: set[str]) -> list[BookLeg]:
        return [leg for shape in self.shapes for leg in shape if leg.instrument in instruments]


def held_by(orders: dict[str, BookOrder], *, is_amended: bool) -> set[Held]:
    """Every open leg, of the orders as they are or as they may become."""
    return {
        (order_id, leg.instrument, leg.side, leg.lots, leg.price_nano)
        for order_id, order in orders.items()
        for leg in (order.amended or [] if is_amended else order.legs)
        if leg.lots
    }
