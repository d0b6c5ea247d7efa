"""Documents of customer portfolio margin, as published and as another one may be. [TIMS-10]"""

import math
import os
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from margingate_server.validating import runner, tims_cpm
from margingate_server.validating.case import CaseResult, Outcome

SPOT, RATE, YIELD, DAYS, VOL = 1450.0, 0.052, 0.018, 57, 0.12


def normal(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def value(spot: float, strike: float, *, call: bool) -> float:
    """European, by the textbook formula."""
    tau = DAYS / 365
    d1 = (math.log(spot / strike) + (RATE - YIELD + VOL**2 / 2) * tau) / (VOL * math.sqrt(tau))
    d2, sign = d1 - VOL * math.sqrt(tau), 1 if call else -1
    of_spot = spot * math.exp(-YIELD * tau) * normal(sign * d1)
    return sign * (of_spot - strike * math.exp(-RATE * tau) * normal(sign * d2))


def option(qty: int, right: str, strike: int, **changes: object) -> dict[str, object]:
    price = value(SPOT, strike, call=right == "call")
    leg = {"kind": "option", "symbol": "SPX", "right": right, "strike": strike, "price": price}
    return {**leg, "qty": qty, "multiplier": 100, "expiry": f"2007-04 ({DAYS} days)", **changes}


def etf(qty: int) -> dict[str, object]:
    return {"kind": "etf", "symbol": "SPY", "qty": qty, "price": 145.0}


MOVES = [-0.08, -0.064, -0.048, -0.032, -0.016, 0.012, 0.024, 0.036, 0.048, 0.06]
CONVENTION = {
    "model": "European BS, sigma implied from the quoted price and held constant",
    "r": RATE,
    "q": YIELD,
    "days": DAYS,
    "points": "-8%..+6%: 1.6% steps down, 1.2% steps up, without 0",
    "minimum": "0.375*100 per option contract",
}


def largest_loss(*, shares: int = 0, moves: list[float] = MOVES, **lots: int) -> float:
    """Lots by right and strike, `call1500=-10`."""
    losses = []
    for move in moves:
        loss = -shares * 145.0 * move
        for name, count in lots.items():
            right, strike = name[:-4], int(name[-4:])
            now, then = (value(s, strike, call=right == "call") for s in (SPOT, SPOT * (1 + move)))
            loss -= 100 * count * (then - now)
        losses.append(loss)
    return max(losses)


def document(legs: list[dict[str, object]], expected: float, **changes: object) -> dict[str, Any]:
    case = {"id": "one", "underlying": SPOT, "legs": legs}
    case["expected"] = {"portfolio_margin_cpm": expected}
    return {"conventions": {"SPX": {**CONVENTION, **changes}}, "cases": [case]}


def only(content: object) -> CaseResult:
    (result,) = tims_cpm.results(content)
    return result


SHORT_CALL = [option(-10, "call", 1500)]
LOSS = largest_loss(call1500=-10)


def test_the_published_positions_are_reproduced() -> None:
    if "MARGINGATE_DATA" not in os.environ:
        pytest.skip("MARGINGATE_DATA does not say where published vectors are")
    path = Path(os.environ["MARGINGATE_DATA"]).parent / "vectors" / "tims_cpm.json"
    content = runner.document(path)
    assert tims_cpm.recognises(content)
    found = list(tims_cpm.results(content))
    assert len(found) == 18
    assert {each.outcome for each in found} == {Outcome.PASS}
    exact = [each for each in found if each.id == "cboe2007_IBM_long_straddle"]
    assert exact[0].relative_error == 0


def test_european_index_options_are_valued_in_closed_form() -> None:
    assert only(document(SHORT_CALL, LOSS)).outcome is Outcome.PASS
    found = only(document(SHORT_CALL, LOSS))
    assert found.relative_error == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("factor", [0.997, 1.003])
def test_a_quarter_of_a_percent_is_allowed_and_not_more(factor: float) -> None:
    assert only(document(SHORT_CALL, LOSS * factor)).outcome is Outcome.FAIL
    nearer = 1 + (factor - 1) * 0.8
    assert only(document(SHORT_CALL, LOSS * nearer)).outcome is Outcome.PASS


def test_index_options_and_the_fund_on_it_offset_in_one_class_group() -> None:
    legs = [*SHORT_CALL, etf(10_000)]
    expected = largest_loss(shares=10_000, call1500=-10)
    assert expected > LOSS
    assert only(document(legs, expected)).outcome is Outcome.PASS


def test_a_fund_may_move_as_another_symbol_does() -> None:
    content = document([*SHORT_CALL, etf(10_000)], largest_loss(shares=10_000, call1500=-10))
    content["conventions"]["SPY"] = {"points": "as SPX"}
    assert only(content).outcome is Outcome.PASS


def test_the_fund_may_have_a_convention_of_its_own() -> None:
    content = document([*SHORT_CALL, etf(10_000)], largest_loss(shares=10_000, call1500=-10))
    content["conventions"]["SPY"] = {"points": "+6%/-8%", "class_group": "SPX"}
    assert only(content).outcome is Outcome.PASS
    content["conventions"]["SPX"]["class_group"] = "other"
    assert "class group" in only(content).reason
    content["conventions"]["SPY"] = {"points": "±15% in 3% steps"}
    assert "class group" in only(content).reason


@pytest.mark.parametrize("name", ["SPX+SPY", "SPX/SPY", "SPX, SPY"])
def test_a_convention_may_name_every_symbol_of_its_class_group(name: str) -> None:
    content = document([*SHORT_CALL, etf(10_000)], largest_loss(shares=10_000, call1500=-10))
    content["conventions"] = {name: CONVENTION, "NDX": {**CONVENTION, "r": 0.5}}
    assert only(content).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(underlying={"SPX": SPOT, "SPY": 145.0}),
        lambda c: (c.pop("underlying"), c.update(underlyings={"SPX": SPOT})),
        lambda c: c.update(underlying="SPX", spot=SPOT),
        lambda c: c.update(underlying=str(SPOT)),
        lambda c: (c.pop("underlying"), c["legs"][0].update(underlying=SPOT)),
        lambda c: (c.update(underlying=0), c["legs"][0].update(underlying_price=SPOT)),
        lambda c: (c.update(underlying={"SPX": SPOT}), c["legs"][0].update(underlying="SPX")),
    ],
)
def test_the_price_of_the_index_may_stand_in_several_places(
    change: Callable[[dict[str, Any]], object],
) -> None:
    content = document(deepcopy(SHORT_CALL), LOSS)
    change(content["cases"][0])
    assert only(content).outcome is Outcome.PASS


TEN = [round(each * 100, 1) for each in MOVES]


@pytest.mark.parametrize(
    "points",
    [
        "+6/-8 % in 1.2/1.6 % steps",
        "−8 % … +6 % in 5 equidistant steps each side",
        "-8% to 6%, ten equidistant points, zero excluded",
        "8% down, 6% up, 5 points each",
        "down 8% up 6%, ten points",
        "5 steps of 1.6% down and 5 steps of 1.2% up",
        "-8% .. +6% (10 points: -8,-6.4,-4.8,-3.2,-1.6,+1.2,+2.4,+3.6,+4.8,+6)",
        "-8 % to +6 % in steps of 1.6 % (down) and 1.2 % (up)",
        "-8%..+6% step 1.6/1.2",
        "down 8%, up 6%, in steps of 1.6% / 1.2%",
        "-8%..-1.6% in 1.6% steps and +1.2%..+6% in 1.2% steps",
        "-0.08..+0.06 in 0.016/0.012 steps",
        " ".join(f"{each:+g}%" for each in TEN),
        ", ".join(f"{each:+g}" for each in TEN) + " %",
        TEN,
        [0, *reversed(TEN)],
        MOVES,
        [f"{each:+g}%" for each in TEN],
        {"down": 0.08, "up": 0.06},
        {"down_pct": 8, "up_pct": 6},
    ],
)
def test_points_are_understood_in_many_words(points: object) -> None:
    assert only(document(SHORT_CALL, LOSS, points=points)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "points", ["±10% in 2% steps", "+-10 % in 2 %-steps", "+/-10%", "-10%..+10% without 0"]
)
def test_a_range_may_be_the_same_both_ways(points: str) -> None:
    moves = [n / 50 for n in (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)]
    expected = largest_loss(moves=moves, call1500=-10)
    assert only(document(SHORT_CALL, expected, points=points)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "points",
    [
        None,
        "",
        "as in the rule",
        "-8% only",
        "-8%..+6% in 1.6% steps",
        "±15% in 5% steps",
        [-8, -6, -4, -2, -1, 1, 2, 3, 4, 6],
        TEN[:-1],
        ["a"],
        {"down": 0.08},
        "-100%..+100%",
        5,
    ],
)
def test_points_that_are_not_understood_are_skipped_with_a_reason(points: object) -> None:
    found = only(document(SHORT_CALL, LOSS, points=points))
    assert found.outcome is Outcome.SKIP
    assert "points" in found.reason


FAR_CALL = option(10, "call", 1700, price=0.05)


@pytest.mark.parametrize(
    ("minimum", "expected"),
    [
        ("0.375*100 per option contract", 375),
        (".375 x multiplier, long or short", 375),
        ("$37.50 per contract", 375),
        ("100*0.375 per contract", 375),
        (0.375, 375),
        (Decimal("37.5"), 375),
        ("$.25 × 100 a contract", 250),
    ],
)
def test_a_short_at_the_minimum_is_compared_to_the_cent(minimum: object, expected: int) -> None:
    legs = [{**FAR_CALL, "qty": -10, "price": 0.01, "strike": 1900}]
    assert only(document(legs, expected, minimum=minimum)).outcome is Outcome.PASS
    assert only(document(legs, expected + 0.01, minimum=minimum)).outcome is Outcome.FAIL


def test_a_longs_minimum_is_not_above_its_value() -> None:
    legs = [FAR_CALL, {**FAR_CALL, "right": "put", "strike": 1000, "price": 1.0}]
    found = only(document(legs, 10 * 5 + 375))
    assert found.outcome is Outcome.PASS, found.line


def test_a_minimum_with_cents_may_be_printed_without() -> None:
    legs = [{**FAR_CALL, "qty": -1, "price": 0.01, "strike": 1900}]
    for expected, outcome in ((37, Outcome.PASS), (38, Outcome.PASS), (39, Outcome.FAIL)):
        assert only(document(legs, expected)).outcome is outcome


@pytest.mark.parametrize(
    "model",
    [
        "Black-Scholes",
        "BSM with continuous yield",
        "European, Black-76 on the forward",
        "European CRR 800 steps",
        "European for SPX, American for SPY",
    ],
)
def test_models_of_european_exercise(model: str) -> None:
    assert only(document(SHORT_CALL, LOSS, model=model)).outcome is Outcome.PASS


@pytest.mark.parametrize("model", ["", "Heston", "European or American", "American CRR 9999 steps"])
def test_models_that_are_not_understood_are_skipped(model: str) -> None:
    found = only(document(SHORT_CALL, LOSS, model=model))
    assert found.outcome is Outcome.SKIP
    assert "model" in found.reason


def test_a_forward_stands_for_the_yield() -> None:
    content = document(SHORT_CALL, LOSS, forward=SPOT * math.exp((RATE - YIELD) * DAYS / 365))
    del content["conventions"]["SPX"]["q"]
    assert only(content).outcome is Outcome.PASS


def test_a_vol_that_is_told_is_not_implied() -> None:
    legs = [{**SHORT_CALL[0], "price": 99.0}]
    assert only(document(legs, LOSS, sigma=VOL)).outcome is Outcome.PASS


def test_days_are_the_legs_own_or_those_between_two_dates() -> None:
    plain = {**SHORT_CALL[0], "expiry": "2007-04-21"}
    content = document([plain], LOSS)
    del content["conventions"]["SPX"]["days"]
    assert "days" in only(content).reason
    assert only({**content, "valuation_date": "2007-02-23"}).outcome is Outcome.PASS
    assert only(document(SHORT_CALL, LOSS, days=500)).outcome is Outcome.PASS


def test_a_vol_of_a_leg_that_is_implied_from_its_price_describes_it() -> None:
    legs = [{**SHORT_CALL[0], "iv": 0.5}]
    assert only(document(legs, LOSS)).outcome is Outcome.PASS
    told = document([{**legs[0], "iv": VOL, "price": 99.0}], LOSS, model="European BS")
    assert only(told).outcome is Outcome.PASS
    assert only(document(SHORT_CALL, LOSS, sigma="implied from the price")).outcome is Outcome.PASS


def test_a_side_is_the_sign_of_its_quantity() -> None:
    for qty in (10, -10, "10"):
        legs = [{**SHORT_CALL[0], "qty": qty, "side": "Short"}]
        assert only(document(legs, LOSS)).outcome is Outcome.PASS
    for side in ("long", "flat"):
        legs = [{**SHORT_CALL[0], "side": side}]
        assert "a side of" in only(document(legs, LOSS)).reason


def test_shares_move_with_their_underlying_whatever_they_cost() -> None:
    bought = {"kind": "stock", "symbol": "SPX", "shares": 1000, "price": 1400}
    expected = 1000 * SPOT * 0.08
    assert only(document([bought, option(0, "call", 1500)], expected)).outcome is Outcome.PASS
    unpriced = {**bought, "price": None}
    assert only(document([unpriced, option(0, "call", 1500)], expected)).outcome is Outcome.PASS


def test_a_case_may_tell_its_forward_or_its_yield_itself() -> None:
    content = document(SHORT_CALL, LOSS, q=None)
    content["cases"][0]["forward"] = SPOT * math.exp((RATE - YIELD) * DAYS / 365)
    assert only(content).outcome is Outcome.PASS
    percent = document(SHORT_CALL, LOSS, r="5.2%")
    assert only(percent).outcome is Outcome.PASS


def test_options_on_two_indices_are_of_one_class_group_only_where_that_is_told() -> None:
    other = option(1, "call", 1500, symbol="NDX", underlying_price=1800.0)
    content = document([*SHORT_CALL, other], 1)
    content["cases"][0]["underlying"] = {"SPX": SPOT}
    content["conventions"]["NDX"] = {**CONVENTION, "r": 0.051}
    assert "class group" in only(content).reason
    tenth = option(1, "call", 150, symbol="XSP", underlying_price=145.1, price=2.0)
    content["cases"][0]["legs"][1] = tenth
    content["conventions"]["XSP"] = content["conventions"].pop("NDX")
    assert only(content).outcome is Outcome.FAIL


def test_contracts_of_both_sides_have_a_minimum_and_futures_unless_options_alone_have() -> None:
    near = {"kind": "future", "symbol": "SPX", "qty": 10, "price": 1460, "multiplier": 250}
    legs = [near, {**near, "qty": -10}]
    for words, expected in (("0.375 x multiplier per contract", 1875), ("37.5 per option", 0)):
        assert only(document(legs, expected, minimum=words)).outcome is Outcome.PASS


def test_a_future_moves_with_its_own_price() -> None:
    future = {"kind": "future", "symbol": "SPX", "qty": 2, "price": 1460, "multiplier": 250}
    expected = 2 * 250 * 1460 * 0.08
    assert only(document([future], expected)).outcome is Outcome.PASS


def break_case(**changes: object) -> dict[str, Any]:
    content = document(SHORT_CALL, LOSS)
    content["cases"][0].update(changes)
    return content


def break_leg(**changes: object) -> dict[str, Any]:
    return document([{**SHORT_CALL[0], **changes}], LOSS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (break_leg(kind="swap"), "kind"),
        (break_leg(right="straddle"), "call nor put"),
        (break_leg(qty=0.5), "whole"),
        (break_leg(qty="many"), "qty"),
        (break_leg(qty=None), "qty"),
        (break_leg(multiplier=0), "multiplier"),
        (break_leg(price=-1), "price"),
        (break_leg(price=2000), "price"),
        (break_leg(price=0.0, strike=1000), "price"),
        (break_leg(strike=0), "strike"),
        (break_leg(strike=float("nan")), "strike"),
        (break_leg(expiry="2007-04 (0 days)"), "tau"),
        (break_case(legs=[]), "legs"),
        (break_case(legs=5), "legs"),
        (break_case(legs=[5]), "legs"),
        (break_case(underlying=None), "price of"),
        (break_case(underlying=-5), "price of"),
        (break_case(expected={"portfolio_margin_cpm": "much"}), "portfolio_margin_cpm"),
        (break_case(expected={"portfolio_margin_cpm": "1e-400"}), "out of range"),
        (break_case(legs=[*SHORT_CALL, option(1, "put", 1400, symbol="SPY")]), "price of"),
        (document(SHORT_CALL, LOSS, dividends=[1]), "dividends"),
        (document(SHORT_CALL, LOSS, r=None), "r is missing"),
        (document(SHORT_CALL, LOSS, q=None), "neither q"),
        (document(SHORT_CALL, LOSS, minimum="none"), "minimum"),
        (document(SHORT_CALL, LOSS, minimum="2.5% of the premium"), "minimum"),
        (document(SHORT_CALL, LOSS, minimum="0,375*100"), "minimum"),
        ({**document(SHORT_CALL, LOSS), "conventions": None}, "conventions"),
        (
            {**document(SHORT_CALL, LOSS), "conventions": {"A": CONVENTION, "B": CONVENTION}},
            "no convention of SPX",
        ),
    ],
)
def test_what_cannot_be_represented_is_skipped_with_the_reason(
    content: dict[str, Any], reason: str
) -> None:
    found = only(content)
    assert (found.outcome, found.id) == (Outcome.SKIP, "one")
    assert reason in found.reason


def test_the_strategy_margin_is_a_line_of_its_own() -> None:
    """Naked call on a broad index: 15 % of the index less what it is out of the money."""
    price = float(round(value(SPOT, 1500, call=True), 2))
    content = document([option(-10, "call", 1500, price=price)], LOSS)
    content["cases"][0]["expected"]["strategy_based_net_of_premium"] = 167_500
    _, strategy = tims_cpm.results(content)
    assert (strategy.outcome, strategy.id) == (Outcome.PASS, "one:strategy")
    content["cases"][0]["exact_strategy_by_formula"] = 167_501
    _, strategy = tims_cpm.results(content)
    assert strategy.outcome is Outcome.FAIL
    assert "prints 167500" in strategy.reason


def test_a_strategy_over_options_on_two_indices_is_skipped() -> None:
    other = option(1, "call", 150, symbol="XSP", underlying_price=145.1, price=2.0)
    content = document([*SHORT_CALL, other], 1)
    content["cases"][0] |= {"exact_strategy_by_formula": 1, "underlying": {"SPX": SPOT}}
    _, strategy = tims_cpm.results(content)
    assert strategy.outcome is Outcome.SKIP
    assert "more than one price" in strategy.reason


def test_the_strategy_margin_of_a_fund_beside_its_index_is_that_of_a_covered_call() -> None:
    legs = [option(-1, "call", 1500, price=20), etf(1000)]
    content = document(legs, 1)
    content["cases"][0]["expected"]["strategy_based_net_of_premium"] = 72_500 - 2_000
    _, strategy = tims_cpm.results(content)
    assert strategy.outcome is Outcome.PASS


@pytest.mark.parametrize(
    "content", [None, [], {}, {"cases": 5}, {"cases": [5]}, {"cases": [{"expected": 5}]}]
)
def test_other_documents_are_not_recognised(content: object) -> None:
    assert not tims_cpm.recognises(content)


def test_a_case_without_the_figure_is_told_of() -> None:
    content = document(SHORT_CALL, LOSS)
    content["cases"].append({"expected": {}})
    assert tims_cpm.recognises(content)
    _, second = tims_cpm.results(content)
    assert (second.outcome, second.id) == (Outcome.SKIP, "case_2")
