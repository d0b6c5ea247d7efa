"""What fills may make of an account at worst, lot by lot where there are few. [VAR-13]

A bound that adds the deviation of every order to that of the positions does not know that an order
closes what is held. Fills are whole lots: of an instrument with few of them on order, and of
several whose fills have few combinations, every account that they can make is looked at instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.models.var.many_forms import LossMultiple, losses_within, many_moments

FILLS_MAX, INSTRUMENTS_MAX = 1_000, 8
"""Accounts that are looked at together; of more instruments on order none is by itself."""


class LotsOnOrder(NamedTuple):
    """One instrument on order, 1e-6 USD a lot.

    low, high: lots that fills may take, <= 0, and add, >= 0. delta_f: sensitivity to each factor of
    a lot held long, its mark paid, (F,). gamma_u: to prices, (U,). deviation, mean: of such a lot.
    """

    low: int
    high: int
    delta_f: FloatArray
    gamma_u: FloatArray
    deviation: float
    mean: float

    @property
    def ends(self) -> int:
        """Positions that fills can end in."""
        return self.high - self.low + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fills:
    """Positions by delta (F,) and gamma of prices (U,), and what is on order, 1e-6 USD.

    coins_u: by how much coins that fills pay may differ from marks, either way, (U,), >= 0.
    """

    delta_f: FloatArray
    gamma_u: FloatArray
    on_order: Sequence[LotsOnOrder]
    coins_u: FloatArray

    def loss_at_most(self, covariance_ff: FloatArray, multiple: LossMultiple) -> float:
        """No less than the loss after any fills, entry losses apart; inf where fills are many.

        The least of several bounds, each of which grows with any order: of one instrument lot by
        lot, the others by their deviations, and of all lot by lot.
        """
        ends = [each.ends for each in self.on_order]
        chosen: list[tuple[int, ...]] = []
        if len(ends) <= INSTRUMENTS_MAX:
            chosen += [(number,) for number, each in enumerate(ends) if each <= FILLS_MAX]
        if len(ends) > 1 and prod(ends) <= FILLS_MAX:
            chosen.append(tuple(range(len(ends))))
        return min(
            (self._largest(each, covariance_ff, multiple) for each in chosen), default=np.inf
        )

    def _largest(
        self, chosen: Sequence[int], covariance_ff: FloatArray, multiple: LossMultiple
    ) -> float:
        """Of all fills of the chosen instruments, the others by their deviations."""
        known = [self.on_order[number] for number in chosen]
        rest = [each for number, each in enumerate(self.on_order) if number not in chosen]
        lots_pn = _fills(known)
        moments = many_moments(
            self.delta_f + lots_pn @ np.array([each.delta_f for each in known]),
            self.gamma_u + lots_pn @ np.array([each.gamma_u for each in known]),
            covariance_ff,
            self.coins_u,
        )
        added = sum(max(-each.low, each.high) * each.deviation for each in rest)
        mean = sum(min(each.low * each.mean, each.high * each.mean) for each in rest)
        return float(losses_within(moments, added, multiple).max()) - mean


def _fills(known: Sequence[LotsOnOrder]) -> FloatArray:
    """Every combination of lots filled, (P, N) for N instruments."""
    lots_n = [np.arange(each.low, each.high + 1, dtype=np.float64) for each in known]
    return np.stack(np.meshgrid(*lots_n, indexing="ij"), axis=-1).reshape(-1, len(known))
