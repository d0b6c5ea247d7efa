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
from margingate_server.validating.strategy_books import Market, net_of_premium
from margingate_server.validating.strategy_fields import Unrepresentable

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
        short("PUT", 80, 2, side="SHORT", qty="1", multiplier=None),
        {**PUT, "strike": "80.0", "price": "$2.00", "expiry": "Sep", "underlying": "XYZ"},
        {"side": "sold", "option_type": "put", "K": 80, "premium": 2},
        {"kind": "put_option", "strike": 80, "price": 2, "quantity": -1.0},
    ],
)
def test_a_leg_may_be_written_in_several_ways(leg: Case) -> None:
    assert only(case(leg)).line == "PASS a 1000 1000 0"


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (case(PUT, underlying_class="weather"), "unknown class weather"),
        (case(PUT, underlying_class="index"), "unknown class index"),
        (case(PUT, underlying_class="leveraged_etf"), "unknown class leveraged_etf"),
        (case(PUT, discount=0.1), "unknown field discount"),
        (case(PUT, is_escrowed=True), "unknown field is_escrowed"),
        (case(PUT, phase="later"), "unknown phase later"),
        (case(PUT, account="joint"), "unknown account joint"),
        (case(PUT, style="bermudan"), "unknown style of exercise bermudan"),
        (case(PUT, leverage="twice"), "leverage is not a number"),
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
        (case({**PUT, "price": "1,5"}), "price is not a number"),
        (case(short("put", 80, 2, venue="OTC")), "an option that is not listed"),
        (case(short("put", 80, 2, underlying=90)), "options on more than one price"),
        (
            case(short("put", 80, 2, symbol="A"), long("put", 70, 1, symbol="B")),
            "options on more than one underlying",
        ),
        (
            case(short("put", 80, 2, dte=30), long("put", 70, 1, expiry="2026-01-15")),
            "expiries are told in ways that have no order",
        ),
        (
            case(short("put", 80, 2, expiry="Sep"), long("put", 70, 1, expiry="Dec")),
            "expiries are told in ways that have no order",
        ),
        (
            case(short("c", 80, 2, symbol="A"), {"kind": "stock", "symbol": "B", "shares": 100}),
            "shares of B beside options on A",
        ),
        (case(short("put", -80, 2)), None),
        (case({"kind": "stock", "price": 95}), "shares is not a number"),
        ({"id": "a", "legs": [PUT], "expected": {"requirement": 1}}, "underlying is not a number"),
    ],
)
def test_what_is_not_understood_is_skipped_with_its_reason(
    broken: Case, reason: str | None
) -> None:
    result = only(broken)
    assert result.outcome is Outcome.SKIP
    assert reason is None or result.reason == reason


@pytest.mark.parametrize(
    "words",
    [
        {
            "title": "a put",
            "url": "https://example.org",
            "page": 28,
            "symbol": "XYZ",
            "tags": ["a"],
        },
        {"leverage": None, "account": "Margin account", "phase": "Initial", "style": None},
        {"underlying": "XYZ", "U": 95},
        {"underlying": "95.00", "underlying_class": "Narrow-based index"},
        {"underlying_class": "vol_index_broad"},
        {"tolerance": 0.02, "expected": {"requirement": 1000.02}},
        {"tolerance": "a cent"},
    ],
)
def test_words_that_change_nothing_are_passed_over(words: Case) -> None:
    assert only({**case(PUT), **words}).outcome is Outcome.PASS
    described = {**PUT, "comment": "sold", "delta": -0.1, "iv": 0.2, "currency": "USD", "name": "p"}
    assert only(case(described)).outcome is Outcome.PASS


def test_a_figure_that_is_not_known_is_told_beside_those_that_are() -> None:
    results = run(case(PUT, expected={"requirement": 1000, "sma": 0, "remark": "text"}))
    assert [result.line.split()[:2] for result in results] == [["PASS", "a"], ["SKIP", "a/sma"]]


def test_sections_of_other_names_are_read_where_their_cases_have_known_figures() -> None:
    assert only(case(PUT), section="cboe_manual_2025").outcome is Outcome.PASS
    content = {"more": {"cases": [case(PUT)]}, "other": [{"legs": [], "expected": {"other": 1}}]}
    assert [result.outcome for result in strategy_margin.results(content)] == [Outcome.PASS]


def test_a_call_in_a_cash_account_is_secured_by_its_strike_if_it_is_on_a_broad_index() -> None:
    call = short("c", 810, 10)
    for class_, secured in (("etf_or_index_narrow", 81550), ("etf_or_index_broad", 81000)):
        words = {"underlying": 815.5, "underlying_class": class_, "account": "cash"}
        result = only(case(call, expected={"requirement": secured}, **words))
        assert result.outcome is Outcome.PASS


def test_what_a_cash_account_does_not_offer_may_be_the_expected_answer() -> None:
    straddle = [short("c", 90, 7), short("p", 90, 3)]
    for account, is_permitted in (("cash", False), ("margin", True)):
        expected = {"permitted": is_permitted}
        assert only(case(*straddle, account=account, expected=expected)).outcome is Outcome.PASS
        expected = {"permitted": not is_permitted}
        assert only(case(*straddle, account=account, expected=expected)).outcome is Outcome.FAIL
    assert only(case(PUT, account="cash", expected={"permitted": True})).outcome is Outcome.PASS


FUND = {"kind": "etf", "side": "long", "shares": 100, "price": 450, "tracks_index": "XYZ_INDEX"}
BOND = {"kind": "convertible", "side": "long", "shares": 100, "price": 80}
WARRANT = {"kind": "warrant", "side": "long", "shares": 100, "price": 4, "K_equivalent": 50}


@pytest.mark.parametrize(
    ("legs", "price", "initial", "maintenance"),
    [
        ([FUND, short("c", 4500, 10)], 450, 22500, 11250),
        ([{**FUND, "price": 500, "K_equivalent": 460}, short("c", 4600, 15)], 500, 25000, 11500),
        ([BOND, short("c", 90, 3)], 80, 4000, 2000),
        ([WARRANT, short("c", 45, 2)], 46, 900, 900),
        ([{**WARRANT, "price": 60}, short("c", 45, 15)], 58, 6500, 5000),
    ],
)
def test_a_call_may_be_covered_by_what_stands_for_the_underlying(
    legs: list[Case], price: float, initial: float, maintenance: float
) -> None:
    """The margin manual's page 14 has formulas alone; the figures are worked out by hand."""
    for phase, expected in (("initial", initial), ("maintenance", maintenance)):
        words = {"underlying": price, "phase": phase, "expected": {"requirement": expected}}
        assert only(case(*legs, **words)).line.startswith("PASS")


def test_a_fund_beside_options_on_its_index_is_told_by_its_symbol() -> None:
    call = short("call", 1460, 21.66, qty=-100, symbol="SPX")
    fund = {"kind": "stock", "symbol": "SPY", "qty": 100_000, "price": 145.30}
    words = {"underlying": 1451.19, "expected": {"cash_call": 7_048_400}}
    assert only(case(fund, call, underlying_class="broad_index", **words)).outcome is Outcome.PASS
    leveraged = {**fund, "leveraged": True}
    assert "leveraged" in only(case(leveraged, call, underlying_class="broad_index")).reason


def test_shares_without_a_price_are_at_that_of_the_underlying() -> None:
    for stock in ({"shares": 100}, {"qty": 100, "price": None}):
        covered = case({"kind": "stock", **stock}, short("c", 100, 1))
        assert only({**covered, "expected": {"requirement": 4750}}).outcome is Outcome.PASS
    shorted = {"kind": "stock", "side": "short", "shares": 100, "short_sale_proceeds": 9600}
    assert only(case(shorted, expected={"requirement": 14400})).outcome is Outcome.PASS


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
    calendar = [long("c", 90, 5, dte=0), short("c", 90, 8, dte=30)]
    assert rounded(*calendar, margin=2700 + 500, cash=9500 + 500 - 800) == right
    ratio = [short("p", 80, 2, qty=-2), long("p", 75, 1)]
    assert rounded(*ratio, margin=400 + 1000, cash=400 + 7800) == right


def test_the_convention_of_rounded_rows_may_stand_in_the_document() -> None:
    row = case(PUT, account="margin+cash", expected={"margin_requirement": 1000})
    content = {"meta": {"what": CONVENTION}, "cboe_manual_tastyware": [row]}
    assert [each.outcome for each in strategy_margin.results(content)] == [Outcome.PASS]


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
        ("margin(spread 110.0C/105C) + margin(short call 105)", Outcome.PASS),
        ("the usual", Outcome.SKIP),
    ],
)
def test_an_expected_sum_is_that_of_its_terms_each_alone(text: str, outcome: Outcome) -> None:
    result = only(case(*SPREAD, underlying=100, expected=text), section="pairing")
    assert result.outcome is outcome


def test_a_sum_may_name_strikes_that_two_legs_share() -> None:
    legs = [short("c", 100, 5), short("p", 100, 4), long("p", 90, 1), short("p", 90, 2, qty=-2.0)]
    text = "margin(straddle 100/100) + margin(long put 90) + 2 x margin(naked put 90)"
    result = only(case(*legs, underlying=100, expected=text), section="pairing")
    assert result.outcome in (Outcome.PASS, Outcome.FAIL)
    assert result.expected == str(2900 + 100 + 2 * 1200)
    fly = [long("c", 95, 8), short("c", 100, 5, qty=-2), long("c", 105, 2)]
    text = "margin(butterfly 95/100/100/105)"
    assert only(case(*fly, underlying=100, expected=text), section="pairing").expected == "1000"


def test_long_options_beyond_nine_months_are_due_in_part() -> None:
    for days, due in ((274, 1200), (275, 900)):
        leg = long("c", 80, 12, dte=days)
        assert only(case(leg, expected={"requirement": due})).outcome is Outcome.PASS
    for told in (
        {"expiry": "2009-01 (694 days)"},
        {"time_to_expiration_months": 18},
        {"expiry": "2009-01-17", "valuation_date": "2007-02-23"},
    ):
        leg = long("c", 80, 12, **told)
        assert only(case(leg, expected={"requirement": 900})).outcome is Outcome.PASS
    dated = case(long("c", 80, 12), expiry="2009-01-17", expected={"requirement": 900})
    content = {"valuation_date": "2007-02-23", "pairing": [dated]}
    assert [each.outcome for each in strategy_margin.results(content)] == [Outcome.PASS]


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
