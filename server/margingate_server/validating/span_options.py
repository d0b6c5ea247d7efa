"""Published functionals of option arrays: the largest gain of a long, or all sixteen values."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.arrays import ArrayRules, option_losses
from margingate_engine.pricing.binomial import Carry, Options
from margingate_server.validating import span_conventions as conventions
from margingate_server.validating.case import CaseResult, compared, skipped
from margingate_server.validating.span_conventions import Unreadable, Words
from margingate_server.validating.span_figures import as_fraction, compared_array, losses16

TOLERANCE = Decimal("0.01")
_YEAR_DAYS = 365


def recognises(section: object) -> bool:
    """True for a table with a list of `options`."""
    return isinstance(section, Mapping) and isinstance(section.get("options"), list)


def results(name: str, section: object, meta: object) -> Iterator[CaseResult]:
    """A line for every published figure of every option."""
    assert isinstance(section, Mapping)
    for count, option in enumerate(section["options"], start=1):
        if not isinstance(option, Mapping):
            yield skipped(f"{name}/{count}", "is no table")
            continue
        contract = f"{option.get('expiry', count)}/{option.get('strike')}{option.get('right')}"
        id_ = f"{name}/{option.get('id') or contract}".replace(" ", "_")
        words = Words(option, section, section.get("conventions"), meta)
        published = option.get("published", option)
        yield _result(id_, words, published if isinstance(published, Mapping) else {})


def _result(id_: str, words: Words, published: Mapping[str, object]) -> CaseResult:
    try:
        loss_s = _losses(words)
        tolerance = words.tolerance(TOLERANCE)
        unit = conventions.rounding(words)
        gain = published.get("max_gain_long_over_16")
        if gain is not None:
            expected = conventions.number(gain, "max_gain_long_over_16")
            got = as_fraction(-float(loss_s.min()), unit)
            return compared(id_, Fraction(expected), got, tolerance=Fraction(tolerance))
        if "array16" in published:
            return compared_array(id_, losses16(published, words), loss_s, unit, tolerance)
        loss = published.get("max_loss_long_over_16")
        if loss is not None:
            expected = conventions.number(loss, "max_loss_long_over_16")
            got = as_fraction(float(loss_s.max()), unit)
            return compared(id_, Fraction(expected), got, tolerance=Fraction(tolerance))
    except Unreadable as wrong:
        return skipped(id_, wrong.reason)
    except InvalidInput as wrong:
        return skipped(id_, f"{wrong.field} {wrong.problem}")
    return skipped(id_, "no published figure that is known")


def _losses(words: Words) -> FloatArray:
    conventions.check_pricing(words)
    spot, days = words.needed("spot", "underlying_price", "S"), _days(words)
    if spot <= 0:
        raise Unreadable("spot is not above 0")
    sigma = words.needed("sigma", "vol", "iv")
    strike, right = words.needed("strike", "K"), words.text("right", "type")
    is_known = right[:1] in {"c", "p"} and strike > 0 and 0 <= sigma <= conventions.VOL_MAX
    if not is_known or not 0 <= days <= conventions.YEARS_MAX * _YEAR_DAYS:
        raise Unreadable("the option is not one that can be valued")
    vol_range, vol_kind = conventions.vol_shift(words)
    multiple, cover = conventions.extremes(words)
    scan_range = conventions.scan_range(words, spot, days, words.find("expiry"))
    rules = ArrayRules(
        scan_range=float(scan_range),
        vol_range=float(vol_range),
        vol_shift=vol_kind,
        look_ahead=conventions.look_ahead_years(words),
        extreme_multiple=float(multiple),
        extreme_cover=float(cover),
        carry=Carry(rate=conventions.rate(words), dividend_yield=conventions.dividend_yield(words)),
    )
    options = Options(
        np.array([float(strike)]),
        np.array([float(days) / _YEAR_DAYS]),
        np.array([right.startswith("c")]),
    )
    return np.asarray(option_losses(float(spot), options, float(sigma), rules)[0])


def _days(words: Words) -> Decimal:
    days = words.number("days", "days_to_expiry")
    if days is not None:
        return days
    years = words.number("t", "t_years", "tau")
    if years is None:
        raise Unreadable("days are not told")
    return years * _YEAR_DAYS
