"""Published examples of strategy-based margin: legs, account, phase -> requirement."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from margingate_engine.core.errors import MargingateError
from margingate_server.validating import strategy_expiries
from margingate_server.validating.case import CaseResult, Outcome, compared, skipped
from margingate_server.validating.strategy_books import MARKET_FIELDS, Market
from margingate_server.validating.strategy_fields import (
    Unrepresentable,
    as_number,
    number,
    refuse_unknown,
    told,
    words,
)
from margingate_server.validating.strategy_figures import FIGURES, ROUNDED, Figures
from margingate_server.validating.strategy_legs import STYLE_FIELDS
from margingate_server.validating.strategy_sums import wanted_sum

_CENT = Fraction(1, 100)
_ROUNDED_BY_SOURCE = Fraction(51, 100)
_SECTIONS = ("cboe_manual_page_pinned", "cboe_manual_tastyware", "pairing")
_CASE_FIELDS = {
    *("id", "legs", "expected", "account", "account_type", "phase", "convention", "tolerance"),
    *("exact_by_formula", *STYLE_FIELDS, *MARKET_FIELDS, *strategy_expiries.FIELDS),
}
_AROUND = ("valuation_date", "meta")
"""What a document may tell of all its cases."""


def recognises(document: object) -> bool:
    """True when there is a section of cases that have legs and figures of this format."""
    return any(_sections(document))


def results(document: object) -> Iterator[CaseResult]:
    """A line per case; of a case for both kinds of account, a second one named `<id>/cash`.

    A figure that is not known has a line of its own, `<id>/<figure>`, beside those that are.
    """
    assert isinstance(document, Mapping), "only a table is recognised"
    around = {name: document[name] for name in _AROUND if name in document}
    for section, cases in _sections(document):
        for at, case in enumerate(cases):
            name = case.get("id") if isinstance(case, Mapping) else None
            id_ = str(name or f"{section}[{at}]").replace(" ", "_")
            yield from _case_results(id_, case, around)


def _sections(document: object) -> Iterator[tuple[str, list[object]]]:
    if not isinstance(document, Mapping):
        return
    for name, section in document.items():
        cases = section.get("cases") if isinstance(section, Mapping) else section
        if isinstance(cases, list) and any(_is_case(case, str(name)) for case in cases):
            yield str(name), cases


def _is_case(case: object, section: str) -> bool:
    if not isinstance(case, Mapping) or "legs" not in case:
        return False
    expected = case.get("expected")
    figures = {str(name) for name in expected} if isinstance(expected, Mapping) else set()
    is_sum = isinstance(expected, str) and "margin(" in expected.lower()
    return section in _SECTIONS or is_sum or bool(figures & {*FIGURES, *ROUNDED})


def _case_results(id_: str, case: object, around: Mapping[str, object]) -> Iterator[CaseResult]:
    if not isinstance(case, Mapping):
        yield skipped(id_, "is no table")
        return
    try:
        refuse_unknown(case, _CASE_FIELDS)
        yield from _compared_case(id_, {**around, **case})
    except Unrepresentable as wrong:
        yield skipped(id_, str(wrong))
    except MargingateError as wrong:
        yield skipped(id_, _refusal(wrong))


def _compared_case(id_: str, case: Mapping[str, object]) -> Iterator[CaseResult]:
    expected = case.get("expected")
    if isinstance(expected, str):
        figures = Figures(case, _market(case))
        wanted = wanted_sum(expected, figures.market, case.get("legs"))
        yield compared(id_, wanted, figures.of("requirement"), tolerance=_cents(case))
    elif isinstance(expected, Mapping) and expected:
        yield from _of_figures(id_, case, expected)
    else:
        raise Unrepresentable("expected is neither figures nor a sum")


def _of_figures(
    id_: str, case: Mapping[str, object], expected: Mapping[str, object]
) -> Iterator[CaseResult]:
    figures = Figures(case, _market(case))
    known = [name for name in expected if name in FIGURES and expected[name] is not None]
    if expected.get("permitted") is False:
        # A figure beside it is of nothing.
        known = ["permitted"]
    if known:
        tolerance = _cents(case)
        yield _worst(
            [
                compared(id_, _wanted(expected, name), figures.of(name), tolerance=tolerance)
                for name in known
            ]
        )
    rounded = [name for name in ROUNDED if expected.get(name) is not None]
    for name in rounded:
        yield _of_rounded(id_ if name == "margin_requirement" else f"{id_}/cash", name, figures)
    unknown = [
        name
        for name in expected
        if name not in {*FIGURES, *ROUNDED} and as_number(expected[name]) is not None
    ]
    if not known and not rounded:
        raise Unrepresentable(f"unknown figures {', '.join(sorted(map(str, expected)))}")
    for name in unknown:
        yield skipped(f"{id_}/{name}".replace(" ", "_"), f"unknown figure {name}")


def _of_rounded(id_: str, name: str, figures: Figures) -> CaseResult:
    expected = figures.case["expected"]
    assert isinstance(expected, Mapping), "figures are a table"
    try:
        got = figures.of(name)
    except MargingateError as wrong:
        return skipped(id_, _refusal(wrong))
    except Unrepresentable as wrong:
        return skipped(id_, str(wrong))
    printed = number(expected, name)
    comparisons = [compared(id_, printed, got, tolerance=_ROUNDED_BY_SOURCE)]
    if name == "margin_requirement" and told(figures.case, "exact_by_formula") is not None:
        exact = number(figures.case, "exact_by_formula")
        comparisons.append(compared(id_, exact, got, tolerance=_CENT))
    return _worst(comparisons)


def _wanted(expected: Mapping[str, object], name: str) -> Fraction:
    value = expected[name]
    return Fraction(value) if isinstance(value, bool) else number(expected, name)


def _cents(case: Mapping[str, object]) -> Fraction:
    """The tolerance that a case tells as a number, else a cent."""
    tolerance = as_number(case.get("tolerance"))
    return _CENT if tolerance is None else Fraction(tolerance)


def _market(case: Mapping[str, object]) -> Market:
    legs = case.get("legs")
    tables = [case, *(legs if isinstance(legs, list) else ())]
    named = {
        style
        for table in tables
        if isinstance(table, Mapping)
        for name in STYLE_FIELDS
        if (style := words(table, name))
    }
    if len(named) > 1 or not named <= {"american", "european"}:
        raise Unrepresentable(f"unknown style of exercise {' and '.join(sorted(named))}")
    return Market.of(case, named.pop() if named else "american")


def _worst(comparisons: list[CaseResult]) -> CaseResult:
    """The comparison that tells most: a failed one, else the one that is farthest off."""
    failed = [each for each in comparisons if each.outcome is Outcome.FAIL]
    return max(failed or comparisons, key=lambda each: each.relative_error or 0.0)


def _refusal(wrong: MargingateError) -> str:
    return f"refused: {' '.join(map(str, wrong.args))}"
