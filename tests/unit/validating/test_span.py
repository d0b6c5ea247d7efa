"""Documents of published SPAN arrays: the given one, and others that say the same differently."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_server.validating import span
from margingate_server.validating.case import CaseResult, Outcome
from margingate_server.validating.runner import document

CONVENTIONS = {
    "valuation_anchor": "2025-08-07 for every snapshot",
    "lookahead": "2 calendar days (t1 = t0 - 2/365)",
    "rate": "r = 0.0609 continuous (shown as 0.06)",
    "psr": "11.3% of spot, 17.7% when residual maturity > 9 months, NOT rounded",
    "vsr": "0.05 ABSOLUTE added to sigma",
    "extremes": "2 x PSR, vol unchanged, 35% of the loss",
    "base_value": "model value at t0; the market premium is NOT the base",
    "rounding": "array to 0.01",
}
OPTIONS: dict[str, Any] = {
    "pricing": "Black-Scholes on spot index (EURO), no dividends",
    "conventions": CONVENTIONS,
    "tolerance_abs": Decimal("0.01"),
    "spot": Decimal("55521.15"),
    "sigma": Decimal("0.1842835"),
    "options": [
        {
            "expiry": expiry,
            "days": days,
            "strike": strike,
            "right": right,
            "published": {"max_gain_long_over_16": Decimal(gain)},
        }
        for expiry, days, strike, right, gain in (
            ("2025-08-28", 21, 50300, "C", "6248.99"),
            ("2025-10-28", 82, 50500, "P", "2341.85"),
            ("2026-03-31", 236, 58500, "C", "4764.19"),
            ("2026-06-30", 327, 33000, "P", "248.05"),
        )
    ],
}
NIFTY = [
    *("8.72", "8.72", "-736.49", "-736.49", "753.93", "753.93", "-1481.70", "-1481.70"),
    *("1499.14", "1499.14", "-2226.91", "-2226.91", "2244.36", "2244.36", "-1561.89", "1568.00"),
]
FUTURE: dict[str, Any] = {
    "id": "NIFTY JUN26",
    "spot": Decimal("24050.35"),
    "days": 6,
    "rate": Decimal("0.06617"),
    "lookahead_days": 2,
    "psr": Decimal("2234.01"),
    "extreme_multiplier": 2,
    "cover": Decimal("0.35"),
    "array16": [Decimal(value) for value in NIFTY],
}


def run(content: object) -> list[CaseResult]:
    assert span.recognises(content)
    return list(span.results(content))


def outcomes(content: object) -> list[str]:
    return [each.outcome.value for each in run(content)]


def options(**changes: object) -> dict[str, Any]:
    """The options with conventions changed, or removed where None."""
    changed = deepcopy(OPTIONS)
    for name, value in changes.items():
        table = changed["conventions"] if name in CONVENTIONS else changed
        table[name] = value
        if value is None:
            del table[name]
    return {"option_array_minimum": changed}


def test_the_published_document_passes_in_every_case() -> None:
    """[SCC-02, SCC-03, SCC-21]"""
    data = os.environ.get("MARGINGATE_DATA")
    if not data:
        pytest.skip("MARGINGATE_DATA does not say where the published numbers are")
    found = run(document(Path(data).parent / "vectors" / "span.json"))
    assert Counter(each.outcome for each in found) == {Outcome.PASS: 99}


def test_largest_gains_of_options_are_reproduced() -> None:
    """[SCC-02, SCC-21]"""
    assert outcomes(options()) == ["PASS"] * 4


@pytest.mark.parametrize(
    "changes",
    [
        {"lookahead": "1 day"},
        {"rate": "r = 5.09 %"},
        {"psr": "11.4% of spot, 17.8% beyond 9 months"},
        {"psr": "11.3%"},
        {"vsr": "0.05 relative, times sigma"},
        {"extremes": "3 x PSR, vol unchanged, 35% of the loss"},
        {"extremes": "2 x PSR, vol unchanged, 45% of the loss"},
        {"sigma": Decimal("0.19")},
        {"spot": Decimal(55521)},
    ],
)
def test_conventions_are_read_and_not_known_beforehand(changes: dict[str, object]) -> None:
    """[SCC-21] Other conventions, other figures."""
    assert "FAIL" in outcomes(options(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"lookahead": 2},
        {"lookahead": "t1 = t0 − 2/365"},
        {"rate": Decimal("0.0609")},
        {"rate": "6.09% continuously compounded"},
        {"psr": "17.7% of spot if longer than 9 months; 11.3% otherwise"},
        {"psr": "11.3%, 17.7% if days > 274 days"},
        {"vsr": "5% absolute"},
        {"extremes": "2× PSR, cover 0.35, vol constant"},
        {"valuation_anchor": None},
        {"rounding": None},
        {"base_value": None},
        {"tolerance_abs": None},
    ],
)
def test_the_same_conventions_in_other_words_pass(changes: dict[str, object]) -> None:
    """[SCC-21]"""
    assert outcomes(options(**changes)) == ["PASS"] * 4


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lookahead": "two days"}, "lookahead"),
        ({"lookahead": None}, "lookahead"),
        ({"rate": "overnight"}, "rate"),
        ({"rate": "r = 6% simple"}, "not continuous"),
        ({"psr": None}, "psr"),
        ({"psr": "11.3%, 17.7%"}, "without a condition"),
        ({"psr": "11.3%, 17.7% at 9 months"}, "limit"),
        ({"vsr": "0.05"}, "neither"),
        ({"vsr": None}, "vsr"),
        ({"extremes": "2 x PSR, vol up, 35%"}, "move the vol"),
        ({"extremes": None}, "extremes"),
        ({"base_value": "the market premium"}, "base"),
        ({"pricing": "Black-76 on the future"}, "Black-Scholes"),
        ({"pricing": "Black-Scholes, American by a tree"}, "American"),
        ({"pricing": "Black-Scholes, dividends as announced"}, "dividend"),
        ({"sigma": None}, "sigma"),
        ({"sigma": "high"}, "sigma"),
        ({"spot": Decimal(-1)}, "spot"),
        ({"psr": "60%"}, "scan_range"),
    ],
)
def test_what_is_not_understood_is_skipped_with_what_it_was(
    changes: dict[str, object], reason: str
) -> None:
    """[SCC-21] Never passed."""
    for each in run(options(**changes)):
        assert each.outcome is Outcome.SKIP
        assert reason in each.reason


def futures(**changes: object) -> dict[str, Any]:
    changed = {**FUTURE, **changes}
    return {"nse_futures": [{name: value for name, value in changed.items() if value is not None}]}


def test_a_future_on_spot_is_reproduced_in_all_its_values() -> None:
    """[SCC-02, SCC-21]"""
    (found,) = run(futures())
    assert found.outcome is Outcome.PASS
    assert found.id.startswith("nse_futures/NIFTY_JUN26/")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"rate": Decimal("0.0609")}, "FAIL"),
        ({"lookahead_days": 1}, "FAIL"),
        ({"psr": Decimal(2234)}, "FAIL"),
        ({"cover": Decimal("0.3")}, "FAIL"),
        ({"spot": None, "forward": Decimal("24076.526")}, "PASS"),
        ({"spot": None, "forward": Decimal("24076.526"), "days": None}, "FAIL"),
        ({"forward": Decimal("24076.526"), "days": None}, "PASS"),
        ({"days": None}, "SKIP"),
        ({"spot": None}, "SKIP"),
        ({"rate": None}, "SKIP"),
        ({"cover": None}, "SKIP"),
        ({"array16": [1, 2]}, "SKIP"),
        ({"array16": ["x"] * 16}, "SKIP"),
        ({"days": 10**9}, "SKIP"),
        ({"spot": -1}, "SKIP"),
    ],
)
def test_a_future_is_what_its_fields_say(changes: dict[str, object], expected: str) -> None:
    """[SCC-21]"""
    assert outcomes(futures(**changes)) == [expected]


def test_fields_of_a_section_and_its_conventions_hold_for_its_futures() -> None:
    """[SCC-21]"""
    common = ("rate", "lookahead_days", "psr")
    entry = {name: value for name, value in FUTURE.items() if name not in common}
    words = {"rate": "r = 0.06617", "lookahead": "2 days", "extremes": CONVENTIONS["extremes"]}
    section = {"conventions": words, "psr": FUTURE["psr"], "futures": [entry]}
    assert outcomes({"anything": section}) == ["PASS"]


def test_futures_that_do_not_grow_are_exact() -> None:
    """[SCC-21]"""
    array = [0, 0, -2000, -2000, 2000, 2000, -4000, -4000, 4000, 4000, -6000, -6000, 6000, 6000]
    entry = {"psr": 6000, "extreme_multiplier": 3, "cover": Decimal("0.33")}
    assert outcomes({"f": [{**entry, "array16": [*array, -5940, 5940]}]}) == ["PASS"]
    assert outcomes({"f": [{**entry, "array16": [*array, -5940, 5941]}]}) == ["FAIL"]


def test_requirements_of_arrays_are_aggregated() -> None:
    """[SCC-03, SCC-21]"""
    gains = [5, -10, *[0] * 13, -7]
    section: dict[str, Any] = {
        "long_call": gains,
        "expected": {},
        "source": "+ = profit of the long",
    }
    section["expected"] = {"long_call_requirement": 10, "long_call_worst_scenario": 2}
    assert outcomes({"aggregation": section}) == ["PASS", "PASS"]
    section["source"] = "values are the LOSS of one long"
    assert outcomes({"aggregation": section}) == ["FAIL", "FAIL"]
    section["source"] = "somebody"
    assert outcomes({"aggregation": section}) == ["SKIP", "SKIP"]
    section["expected"] = {"short_put_requirement": 1, "long_call_delta": 2}
    assert outcomes({"aggregation": section}) == ["SKIP", "SKIP"]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"sign": "+ = profit of the long"}, "PASS"),
        ({"sign": "gains positive"}, "PASS"),
        ({"conventions": {"note": "positive values are gains of the long"}}, "PASS"),
        ({"note": "values are losses of one short unit"}, "PASS"),
        ({"sign": "loss of the long"}, "FAIL"),
    ],
)
def test_the_sign_of_arrays_is_what_stands_nearest_to_them(
    said: dict[str, object], outcome: str
) -> None:
    """[SCC-21]"""
    meta = {"what": "Array values are the LOSS of one LONG unit."}
    section = {"long_call": [5, -10, *[0] * 14], "expected": {"long_call_requirement": 10}}
    assert outcomes({"aggregation": {**section, **said}, "meta": meta}) == [outcome]
    losses = [0, 0, -2000, -2000, 2000, 2000, -4000, -4000, 4000, 4000, -6000, -6000, 6000, 6000]
    entry = {"psr": 6000, "extreme_multiplier": 3, "cover": "33%", "tolerance": "none", **said}
    gains = [-each for each in (*losses, -5940, 5940)]
    assert outcomes({"f": [{**entry, "array16": gains}], "meta": meta}) == [outcome]


def test_gains_may_be_told_by_the_document_alone() -> None:
    """[SCC-21]"""
    (grown,) = futures()["nse_futures"]
    gains = [-each for each in grown["array16"]]
    content = {"nse_futures": [{**grown, "array16": gains}]}
    meta = {"what": "Array values are the GAIN of one long unit"}
    assert outcomes({**content, "meta": meta}) == ["PASS"]
    assert outcomes(content) == ["FAIL"]


def test_a_look_ahead_of_nothing_needs_no_rate() -> None:
    """[SCC-21]"""
    flat = {"psr": 6000, "extreme_multiplier": 3, "cover": Decimal("0.33"), "lookahead": 0}
    losses = [0, 0, -2000, -2000, 2000, 2000, -4000, -4000, 4000, 4000, -6000, -6000, 6000, 6000]
    entry = {**flat, "array16": [*losses, -5940, 5940]}
    assert outcomes({"f": [entry]}) == ["PASS"]
    assert outcomes({"f": [{**entry, "lookahead": 2}]}) == ["SKIP"]


def test_a_section_of_another_kind_is_left_to_others() -> None:
    """[SCC-21]"""
    found = run({"meta": {}, **futures(), "volatility smile": {"x": 1}})
    assert [each.outcome.value for each in found] == ["PASS"]


@pytest.mark.parametrize("content", [None, [], {}, {"pairing": [{"legs": []}]}, [1], "text"])
def test_other_documents_are_left_to_others(content: object) -> None:
    assert not span.recognises(content)


def paths(value: object, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)  # type: ignore[arg-type]
    for key, entry in entries:
        yield (*way, key)
        if isinstance(entry, dict | list):
            yield from paths(entry, (*way, key))


WHOLE = {**options(), **futures(), "agg": {"a_call": [1] * 16, "expected": {"call_requirement": 1}}}
JUNK: tuple[object, ...] = (
    None,
    True,
    "",
    "text",
    -1,
    0,
    10**30,
    Decimal("NaN"),
    Decimal("1e-30"),
    Decimal("1e-400"),
    [],
    {},
    [[]],
    [1] * 16,
)


@given(st.sampled_from(list(paths(WHOLE))), st.sampled_from(JUNK))
def test_no_document_makes_it_stumble(way: tuple[Any, ...], junk: object) -> None:
    """[SCC-21]"""
    changed = json.loads(json.dumps(WHOLE, default=str), parse_float=Decimal)
    part = changed
    for key in way[:-1]:
        part = part[key]
    part[way[-1]] = junk
    if span.recognises(changed):
        assert all(each.line for each in span.results(changed))
