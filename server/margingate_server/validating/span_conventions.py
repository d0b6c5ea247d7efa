"""What the conventions of a document of published SPAN arrays say, read from their words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from margingate_engine.models.span_parameters import VolShift
from margingate_server.validating.span_signs import is_gain

_NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
_YEAR_DAYS = 365
YEARS_MAX, VOL_MAX, RATE_MAX = 100, 100, 10
"""What no published case comes near; beyond them formulas overflow."""

_AMOUNT_MAX, _AMOUNT_MIN = Decimal(10) ** 12, Decimal(10) ** -30
_BEYOND = re.compile(r">=|≥|>|beyond|more than|above|over|longer than|exceed")


class Unreadable(Exception):  # noqa: N818 - named for what it is
    """Something of a document that cannot be represented; `reason` says what."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanClause:
    """A scan range as a fraction of spot (or absolute), for maturities beyond some months."""

    size: Decimal
    is_fraction: bool
    months_min: Decimal | None
    days_min: Decimal | None
    includes_limit: bool


class Words:
    """Names of a case, of its section and of the section's conventions, the nearest first."""

    def __init__(self, *tables: object) -> None:
        """Take the tables in the order in which they are asked."""
        self._tables = [table for table in tables if isinstance(table, Mapping)]

    def find(self, *names: str) -> object | None:
        """What stands under the first of these names that is there."""
        for table in self._tables:
            for name in names:
                if table.get(name) is not None:
                    return table[name]  # type: ignore[no-any-return]
        return None

    def number(self, *names: str) -> Decimal | None:
        """The number there; None without one; Unreadable for what is none."""
        found = self.find(*names)
        return None if found is None else number(found, names[0])

    def needed(self, *names: str) -> Decimal:
        """The number there; Unreadable without one."""
        found = self.number(*names)
        if found is None:
            raise Unreadable(f"{names[0]} is not told")
        return found

    def is_gain(self) -> bool | None:
        """Whether values of arrays are gains of the long; None where nothing says so."""
        return is_gain(*self._tables)

    def tolerance(self, otherwise: Decimal) -> Decimal:
        """The tolerance that is told as a number, else another."""
        found = self.find("tolerance_abs", "tolerance")
        try:
            return otherwise if found is None else number(found, "tolerance")
        except Unreadable:
            return otherwise

    def text(self, *names: str) -> str:
        """What is there as lower text, signs made plain; empty without it."""
        found = self.find(*names)
        text = "" if found is None else str(found).lower()
        return re.sub(r"[−–—]", "-", text).replace("×", "x")


def number(value: object, name: str) -> Decimal:
    """A finite number of a document; Unreadable with its name."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal, str)):
        raise Unreadable(f"{name} is not a number")
    text = str(value).strip()
    try:
        found = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except InvalidOperation:
        raise Unreadable(f"{name} is not a number: {value}") from None
    if not found.is_finite() or abs(found) > _AMOUNT_MAX or 0 < abs(found) < _AMOUNT_MIN:
        raise Unreadable(f"{name} is out of range: {value}")
    return found


def look_ahead_years(words: Words) -> float:
    """What passes in every scenario, in years: `2 calendar days`, `t1 = t0 - 2/365`, a number."""
    names = ("lookahead", "look_ahead", "lookahead_days", "look_ahead_days")
    text = words.text(*names)
    told = (
        re.search(rf"-\s*{_NUMBER}\s*/\s*({_YEAR_DAYS})\b", text)
        or re.search(rf"{_NUMBER}\s*(?:calendar\s+)?days?\b", text)
        or re.fullmatch(_NUMBER, text.strip())
    )
    if not told or Decimal(told[1]) > YEARS_MAX * _YEAR_DAYS:
        raise Unreadable(f"lookahead is not told in days: {text or 'nothing'}")
    return float(told[1]) / _YEAR_DAYS


def rate(words: Words) -> float:
    """Continuous rate per year: `r = 0.0609 continuous`, a number, a percentage."""
    text = words.text("rate", "r", "interest_rate")
    told = re.search(rf"(?<![\d.])(-?){_NUMBER}\s*(%?)", text)
    if not told:
        raise Unreadable(f"rate has no number: {text or 'nothing'}")
    if re.search(r"simple|annual(ly)? comp|discrete", text):
        raise Unreadable(f"rate is not continuous: {text}")
    value = float(told[2]) * (-1.0 if told[1] else 1.0)
    value = value / 100 if told[3] else value
    if abs(value) > RATE_MAX:
        raise Unreadable(f"rate is out of range: {text}")
    return value


def dividend_yield(words: Words) -> float:
    """Continuous yield: 0 where the words say none or nothing."""
    found = words.number("dividend_yield", "q")
    if found is not None:
        return float(found)
    text = words.text("pricing", "model")
    if "dividend" not in text or re.search(r"(no|without|zero)\s+dividend", text):
        return 0.0
    raise Unreadable(f"a dividend is told of, but not how much: {text}")


def check_pricing(words: Words) -> None:
    """Unreadable unless options are European, on spot, by Black-Scholes, from the model's value."""
    text = words.text("pricing", "model", "price_model")
    if "american" in text or "amer" in text.split():
        raise Unreadable("options are American")
    if not re.search(r"black[\s-]*scholes|\bbs\b", text) or re.search(r"black[\s-]*76", text):
        raise Unreadable(f"pricing is not Black-Scholes on spot: {text or 'nothing'}")
    base = words.text("base_value", "base")
    if "model" not in base and base:
        raise Unreadable(f"base is not the model's value: {base}")


def vol_shift(words: Words) -> tuple[Decimal, VolShift]:
    """Vol scan range and what it is: `0.05 ABSOLUTE added to sigma`, `25% of sigma`."""
    text = words.text("vsr", "vol_scan_range")
    told = re.search(rf"{_NUMBER}\s*(%?)", text)
    if not told:
        raise Unreadable(f"vsr has no number: {text or 'nothing'}")
    size = Decimal(told[1]) / (100 if told[2] else 1)
    if re.search(r"relative|of sigma|of vol|times|multipl", text):
        return size, VolShift.RELATIVE
    if re.search(r"absolute|added", text):
        return size, VolShift.ABSOLUTE
    raise Unreadable(f"vsr is neither absolute nor relative: {text}")


def extremes(words: Words) -> tuple[Decimal, Decimal]:
    """(multiple of the scan range, part of the loss): `2 x PSR, vol unchanged, 35% of the loss`."""
    multiple = words.number("extreme_multiplier", "extreme_multiple")
    cover = words.number("cover", "extreme_cover")
    text = words.text("extremes", "extreme")
    if multiple is None and (told := re.search(rf"{_NUMBER}\s*(?:x|\*|times)", text)):
        multiple = Decimal(told[1])
    if cover is None and (told := re.search(rf"{_NUMBER}\s*%", text)):
        cover = Decimal(told[1]) / 100
    if cover is None and (told := re.search(rf"cover\w*\s*(?:of|=|:)?\s*{_NUMBER}", text)):
        cover = Decimal(told[1])
    if multiple is None or cover is None:
        raise Unreadable(f"extremes are not told: {text or 'nothing'}")
    if "vol" in text and not re.search(r"unchanged|constant|no vol|vol(atility)? 0", text):
        raise Unreadable(f"extremes move the vol: {text}")
    return multiple, cover


def scan_range(words: Words, spot: Decimal, days: Decimal | None, expiry: object) -> Decimal:
    """Scan range in units of price, not rounded, for an expiry in `days`."""
    clauses = list(_scan_clauses(words))
    if not clauses:
        raise Unreadable("psr is not told")
    always = [each for each in clauses if each.days_min is None and each.months_min is None]
    if len(always) != 1:
        raise Unreadable("psr has no size, or several, without a condition")
    chosen = always[0]
    for clause in clauses:
        if clause not in always and _is_beyond(clause, words, days, expiry):
            chosen = clause
    return chosen.size * spot if chosen.is_fraction else chosen.size


def rounding(words: Words) -> Decimal | None:
    """The unit that values are rounded to, None where they are not."""
    told = re.search(_NUMBER, words.text("rounding"))
    return Decimal(told[1]) if told else None


def _scan_clauses(words: Words) -> Iterator[ScanClause]:
    text = words.text("psr", "price_scan_range", "psr_abs")
    for part in re.split(r"[,;]", text):
        told = re.search(rf"{_NUMBER}\s*(%?)", part)
        if not told:
            continue
        limit = re.search(rf"{_NUMBER}\s*(months?|days?|years?)", part[told.end() :])
        unit = limit[2].rstrip("s") if limit else ""
        size = Decimal(told[1])
        if limit and not _BEYOND.search(part):
            raise Unreadable(f"psr has a limit that is not understood: {part.strip()}")
        per_month = {"month": 1, "year": 12}.get(unit)
        yield ScanClause(
            size=size / 100 if told[2] else size,
            # A bare number below 1 can only be a fraction: no price scans so little.
            is_fraction=bool(told[2]) or size < 1,
            months_min=Decimal(limit[1]) * per_month if limit and per_month else None,
            days_min=Decimal(limit[1]) if limit and unit == "day" else None,
            includes_limit=bool(re.search(r">=|≥", part)),
        )


def _is_beyond(clause: ScanClause, words: Words, days: Decimal | None, expiry: object) -> bool:
    if days is None:
        raise Unreadable("days are not told")
    limit = clause.days_min
    if limit is None:
        assert clause.months_min is not None
        limit = _days_of(clause.months_min, words, expiry)
    return days > limit or (clause.includes_limit and days == limit)


def _days_of(months: Decimal, words: Words, expiry: object) -> Decimal:
    """Days from the valuation to the same day some months on, by the calendar where it is told."""
    anchor = _date(words.text("valuation_anchor", "anchor", "valuation_date"))
    if anchor is None or _date(str(expiry)) is None or months != int(months):
        return months * _YEAR_DAYS / 12
    whole = anchor.month - 1 + int(months)
    year, month = anchor.year + whole // 12, whole % 12 + 1
    first_of_next = date(year + month // 12, month % 12 + 1, 1)
    days_in_month = (first_of_next - date(year, month, 1)).days
    return Decimal((date(year, month, min(anchor.day, days_in_month)) - anchor).days)


def _date(text: str) -> date | None:
    told = re.search(r"(\d{4})-(\d\d)-(\d\d)", text)
    try:
        return date(int(told[1]), int(told[2]), int(told[3])) if told else None
    except ValueError:
        return None
