"""Parameters and price of one underlying as exact integers, and the formulas they appear in.

A `fine` amount is a whole number of 1e-21 USD per coin: a price in 1e-9 times a ratio in 1e-12,
so that no formula rounds. Rounding to 1e-6 USD happens once, upwards, for a unit of a strategy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from margingate_engine.core.amounts import MICRO, NANO, PICO, ceil_div, units_exact
from margingate_engine.models.strategy.parameters import HouseBasis, StrategyParameters
from margingate_engine.models.strategy.pieces import Kind, Piece
from margingate_engine.models.strategy.strategies import Strategy

FINE_PER_NANO = PICO
_FINE_TIMES_NANO_PER_MICRO = NANO * PICO * NANO // MICRO


class Phase(Enum):
    """Which requirement is asked for."""

    INITIAL = "initial"
    MAINTENANCE = "maintenance"


def micro(amount_fine: int, coins_nano: int) -> int:
    """A fine amount per coin times coins in 1e-9, in 1e-6 USD, rounded up."""
    return ceil_div(amount_fine * coins_nano, _FINE_TIMES_NANO_PER_MICRO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Ratios (1e-12) of one phase and the underlying's price. [STR-04]"""

    underlying_nano: int
    option_pico: int
    option_minimum_pico: int
    spot_pico: int
    short_spot_pico: int
    short_spot_minimum_nano: int
    hedged_strike_pico: int
    house_pico: dict[tuple[Strategy, HouseBasis], int]

    @classmethod
    def of(cls, parameters: StrategyParameters, underlying_nano: int, phase: Phase) -> "Terms":
        """The terms of a phase; leverage multiplies both option ratios."""
        names = ("option", "spot", "short_spot")
        ratio: dict[str, Decimal] = {
            name: getattr(parameters, f"{name}_{phase.value}_ratio") for name in names
        }
        minimum: Decimal = getattr(parameters, f"option_{phase.value}_minimum_ratio")
        leverage = parameters.leverage
        house: dict[tuple[Strategy, HouseBasis], int] = {}
        for rule in parameters.house_rules:
            key = Strategy(rule.strategy), HouseBasis(rule.basis)
            house[key] = house.get(key, 0) + _pico(rule.ratio)
        return cls(
            underlying_nano=underlying_nano,
            option_pico=_pico(ratio["option"] * leverage),
            option_minimum_pico=_pico(minimum * leverage),
            spot_pico=_pico(ratio["spot"]),
            short_spot_pico=_pico(ratio["short_spot"]),
            short_spot_minimum_nano=units_exact(
                parameters.short_spot_minimum, NANO, "short_spot_minimum"
            ),
            hedged_strike_pico=_pico(parameters.hedged_strike_ratio),
            house_pico=house,
        )

    def naked(self, short: Piece) -> int:
        """A short option with nothing that covers it, its mark included, fine. [STR-05]"""
        price = self.underlying_nano
        out_of_the_money = -min(
            0, price - short.strike_nano if short.kind is Kind.CALL else short.strike_nano - price
        )
        base = price if short.kind is Kind.CALL else short.strike_nano
        risk = self.option_pico * price - FINE_PER_NANO * out_of_the_money
        return mark(short) + max(risk, self.option_minimum_pico * base)

    def straddle(self, call: Piece, put: Piece) -> int:
        """Of each side its naked requirement and the mark of the other: the greater. [STR-06]

        Not the greater naked one and a mark, as at entry: who closes one side at its mark is then
        never asked for more than before. [STR-19]
        """
        return max(self.naked(call) + mark(put), self.naked(put) + mark(call))

    def spread(self, short: Piece, long: Piece) -> int:
        """The smaller of naked and the largest loss at expiry, fine. [STR-07]"""
        gap_nano = long.strike_nano - short.strike_nano
        gap_nano = gap_nano if short.kind is Kind.CALL else -gap_nano
        return min(self.naked(short), FINE_PER_NANO * max(0, gap_nano))

    def long_spot(self, price_nano: int) -> int:
        """Long spot at a price, fine. [STR-05]"""
        return self.spot_pico * price_nano

    def short_spot(self, price_nano: int) -> int:
        """Short spot at a price, beside the debt of the coins themselves, fine. [STR-05]"""
        return max(self.short_spot_pico * price_nano, FINE_PER_NANO * self.short_spot_minimum_nano)

    def hedged(self, hedge: Piece) -> int:
        """Spot with an option that ends its losses, fine. [STR-09]

        A part of the strike, and what is lost until there.
        """
        price, strike = self.underlying_nano, hedge.strike_nano
        until_strike = price - strike if hedge.kind is Kind.PUT else strike - price
        return self.hedged_strike_pico * strike + FINE_PER_NANO * max(0, until_strike)

    def strike_part(self, option: Piece) -> int:
        """The part of a strike that a conversion requires, fine. [STR-09]"""
        return self.hedged_strike_pico * option.strike_nano

    def house(self, strategy: Strategy, pieces: Sequence[Piece]) -> int:
        """What house rules add to a unit of a strategy, fine. [STR-12]"""
        if not self.house_pico:
            return 0
        short_itm_nano = sum(
            piece.payoff_nano(self.underlying_nano)
            for piece in pieces
            if piece.kind is not Kind.SPOT and not piece.is_long
        )
        return (
            self.house_pico.get((strategy, HouseBasis.SHORT_ITM), 0) * short_itm_nano
            + self.house_pico.get((strategy, HouseBasis.UNDERLYING), 0) * self.underlying_nano
        )

    def in_the_money(self, option: Piece) -> int:
        """What exercise would bring now, fine, >= 0."""
        return FINE_PER_NANO * option.payoff_nano(self.underlying_nano)


def mark(piece: Piece) -> int:
    """The mark of a piece, fine."""
    return FINE_PER_NANO * piece.mark_nano


def _pico(ratio: Decimal) -> int:
    return units_exact(ratio, PICO, "ratio")
