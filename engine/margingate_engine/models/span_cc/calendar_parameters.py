"""Parameters inside one combined commodity: tiers, calendar spreads, delivery, minimum, ratios.

A period is a contract month or day as the integer CCYYMMDD; DD is 00 for a contract month and 99
for the end of a range of months. 0 is what never expires.
"""

from dataclasses import dataclass
from decimal import Decimal

from margingate_engine.core.amounts import decimal_places
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.kinds import ChargeMethod, Side

RATE_MAX = Decimal(10) ** 12
RATIO_MAX = Decimal(10_000)
PLACES_MAX = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The periods from `first` to `last`, both included."""

    number: int
    first: int
    last: int

    def __post_init__(self) -> None:
        """Refuse a range that is none, naming its end."""
        check_period("first", self.first)
        check_period("last", self.last)
        if self.last < self.first:
            raise InvalidInput("last", "lies before first")

    def holds(self, period: int) -> bool:
        """Whether a contract of this period belongs to the tier."""
        return self.first <= period <= self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadLeg:
    """`ratio` deltas of one side in one tier, or in one period; the other of the two is None."""

    tier: int | None
    period: int | None
    ratio: Decimal
    side: Side

    def __post_init__(self) -> None:
        """Refuse a leg that is nowhere or in two places."""
        if (self.tier is None) == (self.period is None):
            raise InvalidInput("tier", "or period, one of them, must be given")
        if self.period is not None:
            check_period("period", self.period)
        check_number("ratio", self.ratio, Decimal(1).scaleb(-PLACES_MAX), RATIO_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSpread:
    """Opposite deltas in different periods, charged per spread. [SCC-07]

    rate: margin currency per spread (FLAT), per spread and month apart (PER_MONTH), or a fraction
    of the weighted futures price risk of every leg (WEIGHTED).
    """

    priority: int
    method: ChargeMethod
    rate: Decimal
    legs: tuple[SpreadLeg, ...]

    def __post_init__(self) -> None:
        """Refuse a spread of one side, and what has no meaning for its method."""
        check_number("rate", self.rate, Decimal(0), RATE_MAX)
        if {leg.side for leg in self.legs} != {Side.A, Side.B}:
            raise InvalidInput("legs", "must lie on both sides A and B")
        if self.method is ChargeMethod.PER_MONTH and any(leg.period is None for leg in self.legs):
            raise InvalidInput("method", "per_month needs legs of one period each")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpotRate:
    """Charge per delta of a period in delivery, in margin currency. [SCC-08]"""

    period: int
    spread_rate: Decimal
    outright_rate: Decimal

    def __post_init__(self) -> None:
        """Refuse rates that would be credits."""
        check_period("period", self.period)
        check_number("spread_rate", self.spread_rate, Decimal(0), RATE_MAX)
        check_number("outright_rate", self.outright_rate, Decimal(0), RATE_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinimumRate:
    """Short option minimum per short option of a range of periods, in margin currency. [SCC-09]"""

    first: int
    last: int
    rate: Decimal

    def __post_init__(self) -> None:
        """Refuse a range that is none and a negative rate."""
        if not 0 <= self.first <= self.last:
            raise InvalidInput("last", "lies before first")
        check_number("rate", self.rate, Decimal(0), RATE_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRatio:
    """What a type of account multiplies risk with. [SCC-15]

    maintenance / risk, and initial / maintenance, which is at least 1.
    """

    account_type: str
    maintenance: Decimal
    initial: Decimal

    def __post_init__(self) -> None:
        """Refuse ratios that turn initial and maintenance round."""
        check_number("maintenance", self.maintenance, Decimal("0.000001"), Decimal(100))
        check_number("initial", self.initial, Decimal(1), Decimal(100))


def check_period(field: str, period: int) -> None:
    """InvalidInput naming `field` unless it is 0 or reads as CCYYMMDD (DD from 00)."""
    if period and not (period < 10**8 and 1 <= period // 100 % 100 <= 12 and period >= 10**7):
        raise InvalidInput(field, "must be CCYYMMDD, DD 00 for a month")


def check_number(field: str, value: Decimal, low: Decimal, high: Decimal) -> None:
    """InvalidInput naming `field` unless the number is in bounds and of few enough places."""
    if not value.is_finite() or not low <= value <= high:
        raise InvalidInput(field, f"must lie in [{low}, {high}]")
    if decimal_places(value) > PLACES_MAX:
        raise InvalidInput(field, f"has more than {PLACES_MAX} decimal places")
