"""When the options of a published case expire: in which order, and whether they have long to go."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import Enum
from fractions import Fraction

from margingate_server.validating.strategy_fields import (
    Unrepresentable,
    number,
    told,
    words,
)

NINE_MONTHS_DAYS = 274
_MONTH_DAYS = Fraction(NINE_MONTHS_DAYS, 9)
_UNIT_DAYS = {"d": Fraction(1), "m": _MONTH_DAYS, "y": Fraction(365)}
_DAYS = ("dte", "days", "days_to_expiry", "days_to_expiration")
_MONTHS = ("months", "months_to_expiry", "time_to_expiration_months")
_TEXTS = ("expiry", "expiration", "expires")
_IN_WORDS = re.compile(r"(\d+(?:\.\d+)?)\s*(days?|d|months?|years?)\b")

FIELDS = {*_DAYS, *_MONTHS, *_TEXTS, "valuation_date"}
"""Names of fields that are read here."""


class _Told(Enum):
    """In what terms an expiry is told; only those in the same terms have an order."""

    NOTHING = 0
    DAYS = 1
    DATE = 2
    MONTH = 3
    WORDS = 4


@dataclass(frozen=True, slots=True)
class Expiry:
    """What is told of one expiry. at: days to go, or the day or month as a number."""

    terms: _Told
    at: Fraction
    text: str = ""

    @property
    def is_long_term(self) -> bool:
        """True when it is told to be more than nine months away."""
        return self.terms is _Told.DAYS and self.at > NINE_MONTHS_DAYS


def expiries(
    legs: Sequence[Mapping[str, object]], around: Mapping[str, object], *, is_ordered: bool
) -> list[Expiry]:
    """The expiry of each option leg, that of the case where the leg tells none.

    is_ordered: whether the order of them matters; Unrepresentable when it does and is not told.
    """
    found = [_expiry({**around, **_without_none(leg)}) for leg in legs]
    if is_ordered and len({each.text for each in found}) > 1:
        terms = {each.terms for each in found}
        if len(terms) > 1 or terms == {_Told.WORDS}:
            raise Unrepresentable("expiries are told in ways that have no order")
    return found


def _without_none(leg: Mapping[str, object]) -> dict[str, object]:
    """What a leg tells; its own expiry hides that of the case, in whatever terms."""
    own = {name: value for name, value in leg.items() if value is not None}
    hidden = dict.fromkeys((*_DAYS, *_MONTHS, *_TEXTS))
    return {**hidden, **own} if set(hidden) & set(own) else own


def _expiry(fields: Mapping[str, object]) -> Expiry:
    if told(fields, *_DAYS) is not None:
        return _days(number(fields, *_DAYS))
    if told(fields, *_MONTHS) is not None:
        return _days(number(fields, *_MONTHS) * _MONTH_DAYS)
    text = words(fields, *_TEXTS)
    if not text:
        return Expiry(_Told.NOTHING, Fraction(0))
    in_words = _IN_WORDS.search(text)
    if in_words:
        return _days(Fraction(in_words[1]) * _UNIT_DAYS[in_words[2][0]])
    day = _date(text.split()[0])
    start = _date(words(fields, "valuation_date"))
    if day is not None:
        if start is not None:
            return _days(Fraction((day - start).days))
        return Expiry(_Told.DATE, Fraction(day.toordinal()), text)
    month = re.fullmatch(r"(\d{4})-(\d{1,2})", text)
    if month:
        return Expiry(_Told.MONTH, Fraction(int(month[1]) * 12 + int(month[2])), text)
    return Expiry(_Told.WORDS, Fraction(0), text)


def _days(days: Fraction) -> Expiry:
    return Expiry(_Told.DAYS, days, str(days))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
