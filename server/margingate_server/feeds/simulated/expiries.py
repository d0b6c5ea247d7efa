"""Which expiries are listed on a day, as the venue does it."""

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final

from margingate_engine.core.symbols import EXPIRY_HOUR_UTC, MONTHS
from margingate_engine.core.times import DAY_NS

_EXPIRY_NS: Final = EXPIRY_HOUR_UTC * DAY_NS // 24
_EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()
_FRIDAY: Final = 4

_DAILY_COUNT: Final = 4
_WEEKLY_COUNT: Final = 3
_MONTHLY_COUNT: Final = 3
_QUARTERLY_COUNT: Final = 4
_FRIDAYS_AHEAD: Final = 56


class Cadence(IntEnum):
    """How rare an expiry is: the rarer, the earlier it is listed and the wider its strikes."""

    DAILY = 0
    WEEKLY = 1
    MONTHLY = 2
    QUARTERLY = 3


@dataclass(frozen=True, slots=True, order=True)
class Expiry:
    """One expiry: the day since 1970 on which it is, at 08:00 UTC, and its cadence."""

    day: int
    cadence: Cadence

    @property
    def expiry_ns(self) -> int:
        """The instant in nanoseconds since 1970 UTC."""
        return self.day * DAY_NS + _EXPIRY_NS

    @property
    def code(self) -> str:
        """The day as symbols write it, `28MAR25`."""
        moment = _calendar_day(self.day)
        return f"{moment.day}{MONTHS[moment.month - 1]}{moment.year % 100:02d}"


def trading_day(market_time_ns: int) -> int:
    """The day since 1970 whose 08:00 UTC was the last: the listing changes when this does."""
    return (market_time_ns - _EXPIRY_NS) // DAY_NS


def trading_day_start_ns(day: int) -> int:
    """08:00 UTC of a day since 1970."""
    return day * DAY_NS + _EXPIRY_NS


def listed_expiries(day: int) -> tuple[Expiry, ...]:
    """Every expiry listed from 08:00 UTC of `day` for 24 hours, ascending.

    The next 4 days, 3 Fridays, 3 last Fridays of a month and 4 last Fridays of a quarter.
    """
    cadence_by_day = {day + ahead: Cadence.DAILY for ahead in range(1, _DAILY_COUNT + 1)}
    fridays = _fridays_after(day)
    monthly = [each for each in fridays if _is_last_of_month(each)]
    quarterly = [each for each in monthly if _calendar_day(each).month % 3 == 0]
    cadence_by_day |= dict.fromkeys(fridays[:_WEEKLY_COUNT], Cadence.WEEKLY)
    cadence_by_day |= dict.fromkeys(monthly[:_MONTHLY_COUNT], Cadence.MONTHLY)
    cadence_by_day |= dict.fromkeys(quarterly[:_QUARTERLY_COUNT], Cadence.QUARTERLY)
    return tuple(Expiry(each, cadence) for each, cadence in sorted(cadence_by_day.items()))


def _fridays_after(day: int) -> list[int]:
    """The Fridays of the year that follows `day`."""
    first = day + 1 + (_FRIDAY - _calendar_day(day + 1).weekday()) % 7
    return [first + 7 * week for week in range(_FRIDAYS_AHEAD)]


def _is_last_of_month(friday: int) -> bool:
    """True when a week later is another month."""
    return _calendar_day(friday).month != _calendar_day(friday + 7).month


def _calendar_day(day: int) -> date:
    """The calendar's day of a day since 1970."""
    return date.fromordinal(_EPOCH_ORDINAL + day)
