"""What an account has: the input of every margin calculation."""

from dataclasses import dataclass, field

from margingate_engine.core.orders import Side
from margingate_engine.portfolio.fees import FeeTier


@dataclass(slots=True)
class Position:
    """lots: signed, not zero. entry: settlement asset's units, futures only. [SPAN-06]"""

    lots: int
    entry: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeg:
    """What is open of one leg: row of the instrument, lots > 0, price held at in 1e-9."""

    row: int
    side: Side
    lots: int
    price_nano: int
    is_of_combo: bool = False


@dataclass(slots=True, kw_only=True)
class Portfolio:
    """One account's holdings. Mutable: the ledger's fold is the only writer.

    cash: signed units by asset. positions: by row of the instrument table. legs: open legs by order
    id.
    """

    fees: FeeTier
    cash: dict[str, int] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    legs: dict[str, tuple[OpenLeg, ...]] = field(default_factory=dict)
