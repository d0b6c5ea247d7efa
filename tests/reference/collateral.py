"""What assets count, in fractions: docs/methodology/collateral.md and nothing else."""

from dataclasses import dataclass
from fractions import Fraction

from tests.reference.rounding import down, up

LEAST_COIN = Fraction(1, 10**12)


@dataclass(frozen=True)
class Terms:
    """Of an asset. model_haircut: of the model for its coin. cap in USD."""

    haircut: Fraction
    debt_haircut: Fraction
    model_haircut: Fraction = Fraction(0)
    cap: Fraction | None = None
    peg_threshold: Fraction | None = None
    depeg_haircut: Fraction = Fraction(0)

    def value(self, coins: Fraction, index: Fraction) -> int:
        """V, in 1e-6 USD. [COL-02, COL-03]"""
        h, price = self.haircut, index
        if self.peg_threshold is not None:
            price = min(index, Fraction(1)) if coins > 0 else max(index, Fraction(1))
            if index < self.peg_threshold:
                h = self.depeg_haircut
        if coins > 0:
            return down(10**6 * coins * price * (1 - max(h, self.model_haircut)))
        return down(10**6 * coins * price * (1 + max(self.debt_haircut, self.model_haircut)))

    def beyond(self, coins: Fraction, index: Fraction) -> int:
        """D, in 1e-6 USD. [COL-04]"""
        if self.cap is None:
            return 0
        return max(0, self.value(coins, index) - down(10**6 * self.cap))

    def counted(self, coins: Fraction, index: Fraction) -> int:
        """What equity has of a balance, in 1e-6 USD. [COL-04]"""
        return self.value(coins, index) - self.beyond(coins, index)

    def held(self, coins: Fraction, more: Fraction, index: Fraction) -> int:
        """What orders that may bring `more` coins hold for the cap, in 1e-6 USD. [COL-05]"""
        return self.beyond(coins + more, index) - self.beyond(coins, index)


def surcharge(notional: Fraction, ratio: Fraction) -> int:
    """What a lot of so much notional in USD puts up, in 1e-6 USD. [COL-06]"""
    return up(10**6 * notional * ratio)
