"""The largest loss of options of one expiry, whatever the underlying settles at. [STR-07]"""

from collections.abc import Mapping, Sequence

from margingate_engine.core.amounts import ceil_div
from margingate_engine.models.strategy.pieces import Kind, Piece
from margingate_engine.portfolio.flows import USD_VALUE_DIVISOR


def settlements(pieces: Sequence[Piece]) -> tuple[int, ...]:
    """Prices (1e-9) of which one is the worst: zero and the strikes, where the payoff turns."""
    return (0, *sorted({piece.strike_nano for piece in pieces}))


def loss_nano(piece: Piece, price_nano: int) -> int:
    """What one unit loses when the underlying settles at a price: longs below zero. [STR-14]

    Of a short that may be absent: the worse of both, with its credit when it is there.
    """
    payoff_nano = piece.payoff_nano(price_nano)
    if piece.is_long:
        return -payoff_nano
    return max(0, payoff_nano - piece.credit_nano) if piece.is_uncertain else payoff_nano


def calls_slope(piece: Piece) -> int:
    """What one unit gains per USD far above every strike: 1 a long call, -1 a short one."""
    if piece.kind is not Kind.CALL:
        return 0
    return 1 if piece.is_long else -1


def largest_loss_micro(
    pieces: Sequence[Piece], units: Mapping[int, int], unit_nano: int
) -> int | None:
    """Largest loss in 1e-6 USD, rounded up, >= 0; None when it has no bound.

    units: units of pieces by their index, of one expiry.
    """
    chosen = [(pieces[index], count) for index, count in units.items()]
    if sum(calls_slope(piece) * count for piece, count in chosen) < 0:
        return None
    worst_nano = max(
        sum(loss_nano(piece, price_nano) * count for piece, count in chosen)
        for price_nano in settlements([piece for piece, _ in chosen])
    )
    return ceil_div(max(0, worst_nano) * unit_nano, USD_VALUE_DIVISOR)
