"""Published arrays of futures, all sixteen values."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import exp, log

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.arrays import ArrayRules, Moves, future_losses
from margingate_engine.models.span_parameters import VolShift
from margingate_engine.pricing.binomial import Carry
from margingate_server.validating import span_conventions as conventions
from margingate_server.validating.case import CaseResult, skipped
from margingate_server.validating.span_conventions import Unreadable, Words
from margingate_server.validating.span_figures import compared_array, losses16

GROWN_TOLERANCE = Decimal("0.01")
"""Of values that grow at a rate: the source rounds them; without growth they are exact."""

_YEAR_DAYS = 365


def recognises(section: object) -> bool:
    """True for a list, or a table with a list, of entries with `array16`."""
    return any(isinstance(entry, Mapping) and "array16" in entry for entry in _entries(section))


def results(name: str, section: object, meta: object) -> Iterator[CaseResult]:
    """A line for every future: its value of the largest difference."""
    for count, entry in enumerate(_entries(section), start=1):
        if not isinstance(entry, Mapping):
            yield skipped(f"{name}/{count}", "is no table")
            continue
        id_ = f"{name}/{entry.get('id') or entry.get('expiry') or count}".replace(" ", "_")
        around = section if isinstance(section, Mapping) else {}
        yield _result(id_, Words(entry, around, around.get("conventions"), meta), entry)


def _entries(section: object) -> list[object]:
    if isinstance(section, list):
        return list(section)
    if not isinstance(section, Mapping):
        return []
    if "array16" in section:
        return [section]
    return [entry for part in section.values() if isinstance(part, list) for entry in part]


def _result(id_: str, words: Words, entry: Mapping[str, object]) -> CaseResult:
    try:
        expected = losses16(entry, words)
        grows = words.find("rate", "r", "interest_rate") is not None
        loss_s = _grown(words) if grows else _plain(words)
        tolerance = words.tolerance(GROWN_TOLERANCE if grows else Decimal(0))
        unit = conventions.rounding(words) or _unit(expected)
        return compared_array(id_, expected, loss_s, unit, tolerance)
    except Unreadable as wrong:
        return skipped(id_, wrong.reason)
    except InvalidInput as wrong:
        return skipped(id_, f"{wrong.field} {wrong.problem}")


def _unit(values: list[Decimal]) -> Decimal:
    """The last digit that the source prints."""
    return min(Decimal(1).scaleb(int(value.as_tuple().exponent)) for value in values)


def _plain(words: Words) -> FloatArray:
    """Values that move by the scan range alone, in its own unit: no time passes."""
    look_ahead = words.find("lookahead", "look_ahead", "lookahead_days", "look_ahead_days")
    if look_ahead is not None and conventions.look_ahead_years(words) > 0:
        raise Unreadable("a look-ahead is told, but no rate")
    scan_range = words.needed("psr", "price_scan_range")
    if scan_range <= 0:
        raise Unreadable("psr is not above 0")
    rules = _rules(words, scan_range, look_ahead=0.0, rate=0.0)
    # Without growth the price falls out of every difference; it must only stay above zero.
    price = 2.0 * rules.scan_range * (1.0 + rules.extreme_multiple)
    return future_losses(price, 0.0, Moves.FUTURE, rules)


def _grown(words: Words) -> FloatArray:
    """Values of a future that is worth what spot grows to."""
    rate = conventions.rate(words) - conventions.dividend_yield(words)
    look_ahead = conventions.look_ahead_years(words)
    spot = words.number("spot", "underlying_price", "S")
    forward = words.number("forward", "future", "futures_price", "F", "price", "settle")
    years = _years(words, spot, forward, rate)
    if spot is None and forward is None:
        raise Unreadable("neither spot nor forward is told")
    if years is None and forward is None:
        raise Unreadable("days are not told")
    if years is not None and not 0 <= years <= conventions.YEARS_MAX:
        raise Unreadable(f"days are out of range: {years * _YEAR_DAYS:g}")
    if min(each for each in (spot, forward) if each is not None) <= 0:
        raise Unreadable("a price is not above 0")
    expiry, days = words.find("expiry"), None if years is None else Decimal(years) * _YEAR_DAYS
    if years is None:
        # Without an expiry all that is known is the future itself: it moves by the scan range.
        assert forward is not None
        scan_range = conventions.scan_range(words, forward, days, expiry)
        rules = _rules(words, scan_range, look_ahead=look_ahead, rate=rate)
        return future_losses(float(forward), look_ahead, Moves.FUTURE, rules)
    if spot is None:
        assert forward is not None
        spot = forward * Decimal(exp(-rate * years))
    scan_range = conventions.scan_range(words, spot, days, expiry)
    rules = _rules(words, scan_range, look_ahead=look_ahead, rate=rate)
    return future_losses(float(spot), years, Moves.SPOT, rules)


def _years(
    words: Words, spot: Decimal | None, forward: Decimal | None, rate: float
) -> float | None:
    days = words.number("days", "days_to_expiry")
    if days is not None:
        return float(days) / _YEAR_DAYS
    years = words.number("t", "t_years", "tau")
    if years is not None:
        return float(years)
    if spot and forward and rate and spot > 0 and forward > 0:
        return log(forward / spot) / rate
    return None


def _rules(words: Words, scan_range: Decimal, *, look_ahead: float, rate: float) -> ArrayRules:
    multiple, cover = conventions.extremes(words)
    return ArrayRules(
        scan_range=float(scan_range),
        vol_range=0.0,
        vol_shift=VolShift.ABSOLUTE,
        look_ahead=look_ahead,
        extreme_multiple=float(multiple),
        extreme_cover=float(cover),
        carry=Carry(rate=rate, dividend_yield=0.0),
    )
