"""What open orders, one by one, may make of a position: certain and uncertain legs. [STR-14]

The engine has them as sums, and credits every uncertain short its mark [STR-18].
A position of q lots with open sells of S lots and open buys of B ends between q - S and q + B. What
is short at both ends is certain, what is short at one alone is uncertain, and so with longs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from margingate_engine.models.strategy.legs import OptionLeg, SpotLeg


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """Open lots of an order, signed (of spot coins in 1e-9), and its limit in 1e-9 USD a coin."""

    lots: int
    limit_nano: int


def option_legs(position: OptionLeg, orders: Sequence[OpenOrder]) -> Iterator[OptionLeg]:
    """An option held (or flat) with its open orders; longs that may be absent are left out.

    A short that an order opens brings in its limit, at most the mark; which of several orders that
    will be is not known, so those that bring in least are taken. What buys pay is charged in full
    against equity by the caller, filled or not.
    """
    ends = _Ends.of(position.lots, [order.lots for order in orders])
    yield from _legs(position, ends.long_certain, -ends.short_certain)
    opening = min(ends.sells, ends.short_uncertain)
    closing = ends.short_uncertain - opening
    if closing:
        yield replace(position, lots=-closing, is_uncertain=True, credit_nano=0)
    for order in sorted(orders, key=lambda each: each.limit_nano):
        count = min(opening, max(0, -order.lots))
        if count:
            credit_nano = max(0, min(order.limit_nano, position.mark_nano))
            yield replace(position, lots=-count, is_uncertain=True, credit_nano=credit_nano)
            opening -= count


def spot_legs(position: SpotLeg, orders: Sequence[OpenOrder]) -> Iterator[SpotLeg]:
    """Spot held (or none) with its open orders; what they pay or bring in is the caller's."""
    ends = _Ends.of(position.quantity_nano, [order.lots for order in orders])
    for quantity_nano, is_uncertain in (
        (ends.long_certain, False),
        (-ends.short_certain, False),
        (ends.long_uncertain, True),
        (-ends.short_uncertain, True),
    ):
        if quantity_nano:
            yield replace(position, quantity_nano=quantity_nano, is_uncertain=is_uncertain)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ends:
    """Lots that are there in every end, and in some; all >= 0. sells: lots of open sells."""

    long_certain: int
    short_certain: int
    long_uncertain: int
    short_uncertain: int
    sells: int

    @classmethod
    def of(cls, held: int, open_lots: Sequence[int]) -> "_Ends":
        sells = sum(max(0, -lots) for lots in open_lots)
        low, high = held - sells, held + sum(max(0, lots) for lots in open_lots)
        long_certain, short_certain = max(0, low), max(0, -high)
        return cls(
            long_certain=long_certain,
            short_certain=short_certain,
            long_uncertain=max(0, high) - long_certain,
            short_uncertain=max(0, -low) - short_certain,
            sells=sells,
        )


def _legs(position: OptionLeg, *lots: int) -> Iterator[OptionLeg]:
    return (replace(position, lots=each) for each in lots if each)
