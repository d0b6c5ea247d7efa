"""What an account has: the input of every margin calculation."""

from dataclasses import dataclass, field, replace

from margingate_engine.core.orders import Side
from margingate_engine.portfolio.fees import FeeTier


@dataclass(frozen=True, slots=True)
class Position:
    """lots: signed, not zero. entry: settlement asset's units, futures only. [SPAN-06]"""

    lots: int
    entry: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLeg:
    """What is open of one leg: row of the instrument, lots > 0, price held at in 1e-9.

    number: of the leg in its order, from 0. ratio: lots that fill together with those of the other
    legs, for an ATOMIC_COMBO; 0 where the leg may fill alone.
    """

    row: int
    side: Side
    lots: int
    price_nano: int
    number: int = 0
    ratio: int = 0


@dataclass(slots=True, kw_only=True)
class Portfolio:
    """One account's holdings. Mutable: of an account's own the ledger's fold is the only writer.

    cash: signed units by asset. positions: by row of the instrument table. legs: open legs by order
    id. amendments: what the legs become if the venue takes a change that is pending, by order id.
    wallets: of the cash what positions have to themselves, 1e-6 USD, by row. [ISO-02]
    """

    fees: FeeTier
    cash: dict[str, int] = field(default_factory=dict)
    positions: dict[int, Position] = field(default_factory=dict)
    legs: dict[str, tuple[OpenLeg, ...]] = field(default_factory=dict)
    amendments: dict[str, tuple[OpenLeg, ...]] = field(default_factory=dict)
    wallets: dict[int, int] = field(default_factory=dict)

    def open_lots(self, row: int, side: Side) -> int:
        """Lots of a side that open orders may still fill; of a changing leg the more."""
        lots = sum(
            leg.lots
            for legs in self.legs.values()
            for leg in legs
            if leg.row == row and leg.side is side
        )
        return lots + sum(
            _lots_more(self.legs[order_id], amended, row, side)
            for order_id, amended in self.amendments.items()
        )

    def copied(self) -> "Portfolio":
        """The same holdings, to be looked at while this one changes."""
        return replace(
            self,
            cash=dict(self.cash),
            positions=dict(self.positions),
            legs=dict(self.legs),
            amendments=dict(self.amendments),
            wallets=dict(self.wallets),
        )

    def positions_only(self) -> "Portfolio":
        """The same holdings without open orders, to be changed apart from this one."""
        return replace(
            self,
            cash=dict(self.cash),
            positions=dict(self.positions),
            legs={},
            amendments={},
            wallets=dict(self.wallets),
        )

    def without_order(self, order_id: str) -> "Portfolio":
        """The same holdings without one of the open orders."""
        legs, amendments = dict(self.legs), dict(self.amendments)
        legs.pop(order_id, None)
        amendments.pop(order_id, None)
        return replace(self, legs=legs, amendments=amendments)


def _lots_more(
    legs: tuple[OpenLeg, ...], amended: tuple[OpenLeg, ...], row: int, side: Side
) -> int:
    """The lots that legs have more when they are changed, added up."""
    lots = {leg.number: leg.lots for leg in legs if leg.row == row and leg.side is side}
    return sum(
        max(0, leg.lots - lots.get(leg.number, 0))
        for leg in amended
        if leg.row == row and leg.side is side
    )
