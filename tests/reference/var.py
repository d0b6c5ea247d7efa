"""Value at risk and shortfall by definition: sorted lists and fractions, nothing shared."""

from fractions import Fraction
from itertools import product


def value_at_risk(pnl: list[int], tail: Fraction) -> int:
    """The smallest loss that at most the tail's share of the scenarios exceeds."""
    losses = sorted(-each for each in pnl)
    for loss in losses:
        if sum(each > loss for each in losses) <= tail * len(losses):
            return loss
    raise AssertionError


def expected_shortfall(pnl: list[int], tail: Fraction) -> Fraction:
    """Rockafellar and Uryasev: the smallest of c + mean(max(loss - c, 0)) / tail over c."""
    losses = [-each for each in pnl]
    return min(
        c + sum(Fraction(max(loss - c, 0)) for loss in losses) / (tail * len(losses))
        for c in losses
    )


def fills(orders: list[list[int]]) -> list[list[int]]:
    """P&L that every combination of half fills of the orders adds; entries are even numbers."""
    return [
        [
            sum(half * order[scenario] // 2 for half, order in zip(halves, orders, strict=True))
            for scenario in range(len(orders[0]))
        ]
        for halves in product((0, 1, 2), repeat=len(orders))
    ]
