"""What a coin balance is worth now and in every scenario. [SPAN-05, SPAN-08, SPAN-10]"""

from dataclasses import dataclass
from fractions import Fraction

from tests.reference.contracts import Market, Parameters
from tests.reference.rounding import MICRO, PICO, down
from tests.reference.scenarios import scenarios


@dataclass(frozen=True, slots=True, kw_only=True)
class CoinValuer:
    """Exact rates for balances in 1e-12 coins; answers are millionths of a USD, rounded down."""

    micro_per_unit: Fraction
    weighted_moves_pico: tuple[int, ...]
    basis_rate: Fraction
    haircut: Fraction

    @classmethod
    def of(cls, market: Market, underlying: str, parameters: Parameters) -> "CoinValuer":
        """The valuer of one coin in a market."""
        return cls(
            micro_per_unit=market.index[underlying] * MICRO / PICO,
            weighted_moves_pico=tuple(s.weighted_move_pico for s in scenarios(parameters)),
            basis_rate=parameters.basis_rate,
            haircut=parameters.collateral_haircut,
        )

    def row(self, coins: int) -> list[int]:
        """Row of a balance."""
        rate = self.micro_per_unit
        above, below = coins * rate.numerator, rate.denominator * PICO
        return [above * move // below for move in self.weighted_moves_pico]

    def charge(self, coins: int) -> int:
        """Charge of a balance in the spot bucket."""
        return down(coins * self.micro_per_unit * self.basis_rate)

    def worth(self, coins: int) -> int:
        """A balance in equity: positive ones less the haircut, negative ones with it."""
        factor = 1 - self.haircut if coins >= 0 else 1 + self.haircut
        return down(coins * self.micro_per_unit * factor)
