"""Published examples of strategy-based margin: how their fields are read."""

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from margingate_server.validating import strategy_margin
from margingate_server.validating.case import CaseResult, Outcome
from margingate_server.validating.runner import document
from margingate_server.validating.strategy_books import Market, Unrepresentable, net_of_premium

Case = dict[str, Any]
CONVENTION = "naked/straddle rows are GROSS; spread rows are the NET cash call"


def short(right: str, strike: float, price: float, **more: object) -> Case:
    leg = {"kind": "option", "right": right, "strike": strike, "price": price, "qty": -1}
    return {**leg, **more}


def long(right: str, strike: float, price: float, **more: object) -> Case:
    return {**short(right, strike, price), "qty": 1, **more}


def case(*legs: Case, **more: object) -> Case:
    fields = {"id": "a", "underlying": 95, "underlying_class": "equity", "legs": list(legs)}
    return {**fields, "expected": {"requirement": 1000}, **more}


def run(*cases: object, section: str = "cboe_manual_page_pinned") -> list[CaseResult]:
    content = json.loads(json.dumps({section: list(cases)}), parse_float=Decimal)
    return list(strategy_margin.results(content))


def only(*cases: object, section: str = "cboe_manual_page_pinned") -> CaseResult:
    (result,) = run(*cases, section=section)
    return result


PUT = short("put", 80, 2)


@pytest.mark.parametrize(
    "leg",
    [
        PUT,
        short("p", 80, 2, multiplier=100, dte=30),
        short("put", 80, 2, side="short", qty=1),
        short("put", 80, 2, expiry="2025-02-21"),
        short("put", 80, 2, expiry="2007-04 (57 days)", symbol="IBM"),
    ],
)
def test_a_leg_may_be_written_in_several_ways(leg: Case) -> None:
    assert only(case(leg)).line == "PASS a 1000 1000 0"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (case(PUT, underlying_class="weather"), "unknown class weather"),
        (case(PUT, colour="red"), "unknown field colour"),
        (case(PUT, phase="later"), "unknown phase later"),
        (case(PUT, account="joint"), "unknown account joint"),
        (case(PUT, style="bermudan"), "unknown style of exercise bermudan"),
        (case(PUT, leverage="2"), "leverage is not a number"),
        (case(PUT, leverage=100), "refused: equity.leverage must lie in [0.000001, 10]"),
        (case(PUT, underlying=0), "refused: underlying_nano must be positive"),
        (case(PUT, expected={"requirement": "much"}), "requirement is not a number"),
        (case(PUT, expected={"figure": 1}), "unknown figures figure"),
        (case(PUT, expected={}), "expected is neither figures nor a sum"),
        (case(PUT, expected=3), "expected is neither figures nor a sum"),
        (case(), "no legs"),
        (case({"kind": "bond"}), "unknown kind of leg bond"),
        (case(short("straddle", 80, 2)), "unknown right straddle"),
        (case(short("put", 80, 2, side="sideways")), "unknown side sideways"),
        (case(short("put", 80, 2, side={})), "unknown side {}"),
        (case(short("put", 80, 2, side="long")), "a long side with a negative quantity"),
        (case(short("put", 80, 2, barrier=70)), "unknown field barrier"),
        (case(short("put", 80, True)), "price is not a number"),
        (case(short("put", 80, float("nan"))), "price is not a number"),
        (case(short("put", 80, 1e300)), "price is out of range"),
        (case(short("put", 80, 2, qty=1.5)), "qty is finer than 1/1"),
        (case(short("put", 80, 2, expiry="soon")), "expiry soon is no date"),
        (case(short("put", -80, 2)), None),
        (case({"kind": "stock", "price": 95}), "qty is not a number"),
        ({"id": "a", "legs": [PUT], "expected": {"requirement": 1}}, "U is not a number"),
    ],
)
def test_what_is_not_understood_is_skipped_with_its_reason(
    broken: Case, reason: str | None
) -> None:
    result = only(broken)
    assert result.outcome is Outcome.SKIP
    assert reason is None or result.reason == reason


def test_a_case_that_is_no_table_stops_nothing() -> None:
    outcomes = [result.outcome for result in run(3, case(PUT), None)]
    assert outcomes == [Outcome.SKIP, Outcome.PASS, Outcome.SKIP]


def test_each_expected_figure_counts() -> None:
    figures = {"requirement": 1000, "applied_proceeds": 200, "cash_call": 800}
    assert only(case(PUT, expected=figures)).outcome is Outcome.PASS
    for name, figure in figures.items():
        wrong = {**figures, name: figure + 0.02}
        assert only(case(PUT, expected=wrong)).outcome is Outcome.FAIL
        right = {**figures, name: figure + 0.01}
        assert only(case(PUT, expected=right)).outcome is Outcome.PASS


def test_rounded_rows_are_gross_or_net_as_their_convention_says() -> None:
    def rounded(*legs: Case, margin: float, cash: float, **more: object) -> list[Outcome]:
        expected = {"margin_requirement": margin, "cash_requirement": cash}
        words = {"account": "margin+cash", "convention": CONVENTION, "phase": "initial"}
        both = run(case(*legs, expected=expected, **words, **more), section="cboe_manual_tastyware")
        assert [result.id for result in both] == ["a", "a/cash"]
        return [result.outcome for result in both]

    right = [Outcome.PASS, Outcome.PASS]
    assert rounded(PUT, margin=1000.5, cash=7800) == right
    assert rounded(PUT, margin=1000.52, cash=7800) == [Outcome.FAIL, Outcome.PASS]
    assert rounded(PUT, margin=1000.5, cash=7800, exact_by_formula=1000.1)[0] is Outcome.FAIL
    assert rounded(PUT, long("p", 75, 1), margin=400, cash=400) == right
    stock = {"kind": "stock", "price": 95, "qty": 100}
    assert rounded(stock, short("c", 100, 1), margin=4750, cash=9500) == right
    shorted = {"kind": "stock", "price": 95, "qty": -100}
    assert rounded(shorted, margin=14250, cash=0) == [Outcome.PASS, Outcome.SKIP]


def test_rounded_rows_of_another_convention_are_skipped() -> None:
    expected = {"margin_requirement": 1000}
    words = {"account": "margin+cash", "convention": "all rows are net"}
    assert "convention" in only(case(PUT, expected=expected, **words)).reason


SPREAD = [long("call", 110, 5), short("call", 105, 10, qty=-2)]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("margin(spread 110/105) + margin(naked 105)", Outcome.PASS),
        ("margin(naked call 105)+margin(call spread 105/110)", Outcome.PASS),
        ("2 margin(naked 105) + margin(long 110)", Outcome.FAIL),
        ("margin(spread 110/105)", Outcome.SKIP),
        ("margin(spread 110/105) + margin(naked 120)", Outcome.SKIP),
        ("margin(naked put 105)", Outcome.SKIP),
        ("the usual", Outcome.SKIP),
    ],
)
def test_an_expected_sum_is_that_of_its_terms_each_alone(text: str, outcome: Outcome) -> None:
    result = only(case(*SPREAD, underlying=100, expected=text), section="pairing")
    assert result.outcome is outcome


def test_long_options_beyond_nine_months_are_due_in_part() -> None:
    for days, due in ((274, 1200), (275, 900)):
        leg = long("c", 80, 12, dte=days)
        assert only(case(leg, expected={"requirement": due})).outcome is Outcome.PASS


def test_the_net_of_premium_is_there_for_other_formats() -> None:
    market = Market(underlying=Fraction(95))
    assert net_of_premium(market, [PUT]) == 800
    with pytest.raises(Unrepresentable):
        net_of_premium(market, "legs")


def published() -> Iterator[CaseResult]:
    where = os.environ.get("MARGINGATE_DATA")
    path = Path(where).parent / "vectors/strategy_margin.json" if where else None
    if path is None or not path.exists():
        pytest.skip("MARGINGATE_DATA names no directory with the vectors beside it")
    return strategy_margin.results(document(path))


def test_the_published_examples_come_out() -> None:
    outcomes = {result.id: result.outcome for result in published()}
    assert len(outcomes) >= 40
    skips = {name for name, outcome in outcomes.items() if outcome is Outcome.SKIP}
    assert skips == {"te_covered_put/cash"}
    assert Outcome.FAIL not in outcomes.values()


def test_the_style_of_exercise_may_stand_at_the_case_or_at_its_legs() -> None:
    box = [long("c", 90, 8), short("c", 100, 3), short("p", 90, 2), long("p", 100, 7)]
    assert only(case(*box, expected={"requirement": 1500})).outcome is Outcome.PASS
    european = {"expected": {"requirement": 500}}
    assert only(case(*box, style="european", **european)).outcome is Outcome.PASS
    legs = [{**leg, "style": "european"} for leg in box]
    assert only(case(*legs, **european)).outcome is Outcome.PASS
    mixed = case(*legs, style="american", **european)
    assert only(mixed).reason == "unknown style of exercise american and european"
