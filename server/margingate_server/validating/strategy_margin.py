"""Published examples of strategy-based margin: legs, account, phase -> requirement."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from margingate_engine.core.amounts import MICRO
from margingate_engine.core.errors import MargingateError
from margingate_engine.models.strategy.entry import Account
from margingate_engine.models.strategy.margin import EntryMargin, entry_margin, ongoing_margin
from margingate_engine.models.strategy.terms import Phase
from margingate_server.validating.case import CaseResult, Outcome, compared, skipped
from margingate_server.validating.strategy_books import (
    STYLE_FIELDS,
    Market,
    Unrepresentable,
    book,
    number,
    refuse_unknown,
)
from margingate_server.validating.strategy_sums import wanted_sum

_CENT = Fraction(1, 100)
_ROUNDED_BY_SOURCE = Fraction(51, 100)
_SECTIONS = ("cboe_manual_page_pinned", "cboe_manual_tastyware", "pairing")
_CASE_FIELDS = {
    *("id", "manual_page", "underlying_class", "underlying", "U", "leverage", "legs", "account"),
    *("phase", "expected", "convention", "exact_by_formula", "note", "source", "expiry"),
    *STYLE_FIELDS,
}
_FIGURES = {"requirement", "applied_proceeds", "cash_call"}
_ROUNDED_FIGURES = {"cash_requirement", "margin_requirement"}
_PAIRING_FIGURES = {"maintenance_beyond_premium", "net_debit"}


def recognises(document: object) -> bool:
    """True when one of the sections of this format is there, with cases that have legs."""
    return any(_sections(document))


def results(document: object) -> Iterator[CaseResult]:
    """A line per case; of a case for both kinds of account, a second one named `<id>/cash`."""
    for section, cases in _sections(document):
        for at, case in enumerate(cases):
            name = case.get("id") if isinstance(case, Mapping) else None
            id_ = str(name or f"{section}[{at}]").replace(" ", "_")
            yield from _case_results(id_, case)


def _sections(document: object) -> Iterator[tuple[str, list[object]]]:
    if not isinstance(document, Mapping):
        return
    for section in _SECTIONS:
        cases = document.get(section)
        if isinstance(cases, list) and any(
            isinstance(case, Mapping) and "legs" in case for case in cases
        ):
            yield section, cases


def _case_results(id_: str, case: object) -> Iterator[CaseResult]:
    try:
        yield from _compared_case(id_, case)
    except Unrepresentable as wrong:
        yield skipped(id_, str(wrong))
    except MargingateError as wrong:
        yield skipped(id_, f"refused: {' '.join(map(str, wrong.args))}")


def _compared_case(id_: str, case: object) -> Iterator[CaseResult]:
    if not isinstance(case, Mapping):
        raise Unrepresentable("is no table")
    refuse_unknown(case, _CASE_FIELDS)
    expected = case.get("expected")
    if isinstance(expected, str):
        yield _of_sum(id_, case, expected)
    elif not isinstance(expected, Mapping) or not expected:
        raise Unrepresentable("expected is neither figures nor a sum")
    elif set(expected) <= _FIGURES:
        yield _of_figures(id_, case, expected)
    elif set(expected) <= _ROUNDED_FIGURES:
        yield from _of_rounded(id_, case, expected)
    elif set(expected) <= _PAIRING_FIGURES:
        yield _of_pairing(id_, case, expected)
    else:
        raise Unrepresentable(f"unknown figures {', '.join(sorted(map(str, expected)))}")


def _of_figures(id_: str, case: Mapping[str, object], expected: Mapping[str, object]) -> CaseResult:
    try:
        account = Account(case.get("account", "margin"))
    except ValueError:
        raise Unrepresentable(f"unknown account {case.get('account')}") from None
    margin = _entry(case, account)
    got = {
        "requirement": margin.gross.requirement_micro,
        "applied_proceeds": margin.applied_proceeds_micro,
        "cash_call": margin.deposit_micro,
    }
    return _worst(
        [
            compared(id_, number(expected, name), Fraction(got[name], MICRO), tolerance=_CENT)
            for name in expected
        ]
    )


def _of_rounded(
    id_: str, case: Mapping[str, object], expected: Mapping[str, object]
) -> Iterator[CaseResult]:
    if case.get("account") not in ("margin+cash", "margin", "cash"):
        raise Unrepresentable(f"unknown account {case.get('account')}")
    convention = str(case.get("convention")).lower()
    if not ("rows are gross" in convention and "net cash call" in convention):
        raise Unrepresentable("the convention of its figures is not known")
    if "margin_requirement" in expected:
        got = _conventional(_entry(case, Account.MARGIN), is_cash=False)
        figure = number(expected, "margin_requirement")
        comparisons = [compared(id_, figure, got, tolerance=_ROUNDED_BY_SOURCE)]
        if "exact_by_formula" in case:
            exact = number(case, "exact_by_formula")
            comparisons.append(compared(id_, exact, got, tolerance=_CENT))
        yield _worst(comparisons)
    if "cash_requirement" in expected:
        id_ = f"{id_}/cash"
        try:
            got = _conventional(_entry(case, Account.CASH), is_cash=True)
        except MargingateError as wrong:
            yield skipped(id_, f"refused: {' '.join(map(str, wrong.args))}")
            return
        figure = number(expected, "cash_requirement")
        yield compared(id_, figure, got, tolerance=_ROUNDED_BY_SOURCE)


def _of_pairing(id_: str, case: Mapping[str, object], expected: Mapping[str, object]) -> CaseResult:
    market = _market(case)
    held = book(market, case.get("legs"))
    beyond = ongoing_margin(held, market.parameters, Phase.MAINTENANCE)
    debit = entry_margin(held, market.parameters, Phase.INITIAL)
    got = {
        "maintenance_beyond_premium": beyond.requirement_micro,
        "net_debit": debit.deposit_micro,
    }
    return _worst(
        [
            compared(id_, number(expected, name), Fraction(got[name], MICRO), tolerance=_CENT)
            for name in expected
        ]
    )


def _of_sum(id_: str, case: Mapping[str, object], expected: str) -> CaseResult:
    market = _market(case)
    whole = _entry(case, Account.MARGIN)
    wanted = wanted_sum(expected, market, case.get("legs"))
    got = Fraction(whole.gross.requirement_micro, MICRO)
    return compared(id_, wanted, got, tolerance=_CENT)


def _entry(case: Mapping[str, object], account: Account) -> EntryMargin:
    market = _market(case)
    try:
        phase = Phase(case.get("phase", "initial"))
    except ValueError:
        raise Unrepresentable(f"unknown phase {case.get('phase')}") from None
    return entry_margin(book(market, case.get("legs")), market.parameters, phase, account)


def _market(case: Mapping[str, object]) -> Market:
    legs = case.get("legs")
    tables = [case, *(legs if isinstance(legs, list) else ())]
    named = {
        str(table[name])
        for table in tables
        if isinstance(table, Mapping)
        for name in STYLE_FIELDS
        if name in table
    }
    if len(named) > 1 or not named <= {"american", "european"}:
        raise Unrepresentable(f"unknown style of exercise {' and '.join(sorted(named))}")
    return Market(
        underlying=number(case, "underlying" if "underlying" in case else "U"),
        underlying_class=str(case.get("underlying_class", "equity")),
        leverage=number(case, "leverage", 1),
        exercise=named.pop() if named else "american",
    )


def _conventional(margin: EntryMargin, *, is_cash: bool) -> Fraction:
    """The figure that the source prints: net of premiums for spreads, and always for cash.

    Beside stock it is gross: no printed row takes the premium of a covered option off.
    """
    sides = {component for each in margin.gross.components for component in each.legs}
    has_stock = any(symbol == "spot" for symbol, _ in sides)
    is_spread = {quantity > 0 for _, quantity in sides} == {True, False}
    is_net = not has_stock and (is_cash or is_spread)
    amount = margin.deposit_micro if is_net else margin.gross.requirement_micro
    return Fraction(amount, MICRO)


def _worst(comparisons: list[CaseResult]) -> CaseResult:
    """The comparison that tells most: a failed one, else the one that is farthest off."""
    failed = [each for each in comparisons if each.outcome is Outcome.FAIL]
    return max(failed or comparisons, key=lambda each: each.relative_error or 0.0)
