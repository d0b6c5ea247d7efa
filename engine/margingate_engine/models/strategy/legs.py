"""What a book of one underlying holds, as rules-based margin sees it. [STR-01]"""

from dataclasses import dataclass
from enum import IntEnum

from margingate_engine.core.errors import InvalidInput


class StandsFor(IntEnum):
    """What a spot leg is, or what it stands for when a short call is covered by it."""

    UNDERLYING = 0
    INDEX = 1
    """A fund that follows the index that the options are on, counted in the index."""
    CONVERSION = 2
    """A security that converts into the underlying, one into one."""
    WARRANT = 3
    """A right to buy the underlying at an exercise price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionLeg:
    """Lots of one option. Prices are USD per coin in 1e-9, size_nano coins of one lot in 1e-9.

    lots: signed. mark_nano: the current mark; where a deposit at entry is asked for, the premium.
    expiry_ns: compared alone, so any number that orders expiries will do. is_long_term: bought
    with so long to go that it may be paid for in part. is_uncertain: a short that may be there or
    not; credit_nano is then what it brings in per coin if it is, at most its mark. [STR-14]
    """

    symbol: str
    is_call: bool
    strike_nano: int
    expiry_ns: int
    lots: int
    size_nano: int
    mark_nano: int
    is_long_term: bool = False
    is_uncertain: bool = False
    credit_nano: int = 0

    def __post_init__(self) -> None:
        """Refuse what no option can be."""
        if self.strike_nano <= 0:
            raise InvalidInput(f"{self.symbol}.strike_nano", "must be positive")
        if self.size_nano <= 0:
            raise InvalidInput(f"{self.symbol}.size_nano", "must be positive")
        if self.mark_nano < 0:
            raise InvalidInput(f"{self.symbol}.mark_nano", "must not be negative")
        if self.is_uncertain and self.lots > 0:
            raise InvalidInput(f"{self.symbol}.is_uncertain", "is for shorts: leave the long out")
        if not 0 <= self.credit_nano <= (self.mark_nano if self.is_uncertain else 0):
            raise InvalidInput(f"{self.symbol}.credit_nano", "must lie in [0, mark] of uncertain")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotLeg:
    """Coins or shares, signed, in 1e-9. price_nano: USD each; of a deposit, the price of entry.

    is_uncertain: they may be there or not. stands_for: what is not the underlying itself is long,
    certain, and has a deposit at entry alone. strike_nano: of a warrant its exercise price, of a
    fund where the index stands when the fund is worth the strike, if that is told. [STR-21]
    """

    quantity_nano: int
    price_nano: int
    is_uncertain: bool = False
    stands_for: StandsFor = StandsFor.UNDERLYING
    strike_nano: int | None = None

    def __post_init__(self) -> None:
        """Refuse a price that is none, and what stands for the underlying where it cannot."""
        if self.price_nano <= 0:
            raise InvalidInput("spot.price_nano", "must be positive")
        if self.stands_for is not StandsFor.UNDERLYING and (
            self.quantity_nano < 0 or self.is_uncertain
        ):
            raise InvalidInput("spot.stands_for", "is for what is long and certain")
        if self.stands_for is StandsFor.WARRANT and self.strike_nano is None:
            raise InvalidInput("spot.strike_nano", "is missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class FutureLeg:
    """Lots of a future or perpetual, signed; notional_micro of one lot at its mark, 1e-6 USD.

    With open orders: the reachable position that is largest either way.
    """

    symbol: str
    lots: int
    notional_micro: int

    def __post_init__(self) -> None:
        """Refuse a notional that is none."""
        if self.notional_micro < 0:
            raise InvalidInput(f"{self.symbol}.notional_micro", "must not be negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """Everything held, or held and on order, in one underlying. underlying_nano: its price, USD.

    series_left_out: option series that are on order alone, as longs, and so no legs here.
    unit_nano: what options and spot are cut into, coins in 1e-9, a divisor of every option's lot;
    None is the greatest one, of the options that are there. [STR-02]
    """

    underlying_nano: int
    options: tuple[OptionLeg, ...] = ()
    spot: tuple[SpotLeg, ...] = ()
    futures: tuple[FutureLeg, ...] = ()
    series_left_out: int = 0
    unit_nano: int | None = None

    def __post_init__(self) -> None:
        """Refuse a price that is none, and a unit that does not divide."""
        if self.underlying_nano <= 0:
            raise InvalidInput("underlying_nano", "must be positive")
        if self.unit_nano is not None and (
            self.unit_nano <= 0 or any(leg.size_nano % self.unit_nano for leg in self.options)
        ):
            raise InvalidInput("unit_nano", "must divide the lots of all options")

    @property
    def series_count(self) -> int:
        """How many option series there are, or may be once every order fills."""
        return len({leg.symbol for leg in self.options}) + self.series_left_out

    @property
    def is_certain(self) -> bool:
        """True when no leg may be absent."""
        uncertain = (
            *(leg.is_uncertain for leg in self.options),
            *(leg.is_uncertain for leg in self.spot),
        )
        return not any(uncertain)
