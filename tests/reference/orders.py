"""Orders as a router sends them and as an account keeps them."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One leg: side +1 or −1, quantity in the venue's unit, no price for a market order."""

    symbol: str
    side: int
    quantity: Fraction
    price: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order; `combo` is true for an ATOMIC_COMBO."""

    order_id: str
    legs: tuple[Leg, ...]
    combo: bool = False


@dataclass(slots=True, kw_only=True)
class OpenLeg:
    """A leg with a price and whole lots, of which `lots` are open."""

    symbol: str
    side: int
    lots: int
    price: Fraction


@dataclass(slots=True, kw_only=True)
class OpenOrder:
    """An accepted order."""

    order_id: str
    combo: bool
    legs: list[OpenLeg] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """True while a lot of it can still fill."""
        return any(leg.lots for leg in self.legs)
