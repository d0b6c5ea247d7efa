"""Estimators of tails against their definitions, and what every requirement of them keeps."""

from decimal import Decimal
from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.arrays import IntArray
from margingate_engine.models.var.requirement import figures, portfolio_figures
from margingate_engine.models.var.settings import VarSettings
from margingate_engine.models.var.worlds import Worlds
from margingate_engine.scenarios.joint import JointScenarios
from margingate_engine.statistics import tail
from tests.property.effort import examples
from tests.reference import var as by_definition
from tests.unit.engine.models.var.tables import settings

CONFIDENCES = [Decimal(text) for text in ("0.9", "0.925", "0.95", "0.975", "0.99")]
SCENARIOS = 40
"""A third each of the base, the stressed and the floor's scenarios."""


def pnl(count: int = SCENARIOS, bound: int = 10**15) -> st.SearchStrategy[list[int]]:
    """Vectors with ties among them."""
    entry = st.integers(-bound, bound) | st.integers(-3, 3)
    return st.lists(entry, min_size=count, max_size=count)


def array(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


def rows(values: list[int] | IntArray, null: int = 0) -> IntArray:
    """P&L in every world, and the null row."""
    return np.append(np.asarray(values, dtype=np.int64), null)


@st.composite
def chosen_settings(draw: st.DrawFn) -> VarSettings:
    return settings(
        confidence=draw(st.sampled_from(["0.9", "0.95"])),
        estimator=draw(st.sampled_from(["var", "es"])),
        quantile_rule=draw(st.sampled_from(["ranked", "interpolated"])),
        stressed_weight=draw(st.sampled_from(["0", "0.25", "1"])),
        buffer=draw(st.sampled_from(["0", "0.25"])),
        offset_cap=draw(st.sampled_from(["0", "0.5", "0.8"])),
    )


WORLDS = Worlds(
    scenarios=JointScenarios.from_log_changes(("BTC",), np.zeros((SCENARIOS, 2))),
    base=slice(0, 20),
    stressed=slice(20, 30),
    floor=slice(30, 40),
)


@given(
    st.lists(st.integers(-(10**15), 10**15), min_size=1, max_size=60), st.sampled_from(CONFIDENCES)
)
@examples(200)
def test_estimates_are_those_of_their_definitions(values: list[int], confidence: Decimal) -> None:
    """[VAR-08, VAR-09]"""
    beyond = 1 - Fraction(confidence)
    found = tail.value_at_risk(array(values), confidence)
    assert found == by_definition.value_at_risk(values, beyond)
    shortfall = tail.expected_shortfall(array(values), confidence)
    assert shortfall == by_definition.expected_shortfall(values, beyond)
    assert shortfall >= found


@given(pnl(), pnl(), st.sampled_from(CONFIDENCES))
@examples(100)
def test_shortfall_is_subadditive(first: list[int], second: list[int], confidence: Decimal) -> None:
    """[VAR-09]"""
    both = tail.expected_shortfall(array(first) + array(second), confidence)
    apart = [tail.expected_shortfall(array(each), confidence) for each in (first, second)]
    assert both <= sum(apart)


@given(pnl(), st.lists(st.integers(0, 10**15), min_size=40, max_size=40), chosen_settings())
@examples(100)
def test_more_loss_anywhere_never_lowers_a_requirement(
    values: list[int], less: list[int], chosen: VarSettings
) -> None:
    """[VAR-10, VAR-13]"""
    better = figures(rows(values), WORLDS, chosen).required
    assert figures(rows(array(values) - array(less)), WORLDS, chosen).required >= better


@given(pnl(), st.integers(1, 50), chosen_settings())
@examples(100)
def test_a_larger_book_never_requires_less(
    values: list[int], times: int, chosen: VarSettings
) -> None:
    """[VAR-10] as many times as much, up to the rounding of one unit"""
    once = figures(rows(values), WORLDS, chosen).required
    more = figures(rows(array(values) * times), WORLDS, chosen).required
    assert times * (once - 1) <= more <= times * once
    assert more >= once or not once


@given(pnl(), pnl(), st.randoms(use_true_random=False), chosen_settings())
@examples(100)
def test_no_order_of_groups_or_of_days_changes_anything(
    first: list[int], second: list[int], random: Random, chosen: VarSettings
) -> None:
    """[VAR-10, VAR-11]"""
    order = list(range(20))
    random.shuffle(order)
    order += range(20, 40)
    book = {"BTC": rows(first), "ETH": rows(second)}
    shuffled = {"ETH": rows(array(second)[order]), "BTC": rows(array(first)[order])}
    before = portfolio_figures(book, WORLDS, chosen)
    after = portfolio_figures(shuffled, WORLDS, chosen)
    assert (before.required, before.alone) == (after.required, after.alone)


@given(pnl(), pnl(), chosen_settings())
@examples(100)
def test_offsets_stay_within_their_cap(
    first: list[int], second: list[int], chosen: VarSettings
) -> None:
    """[VAR-11]"""
    found = portfolio_figures({"BTC": rows(first), "ETH": rows(second)}, WORLDS, chosen)
    total, joint = sum(found.alone.values()), found.joint.required
    assert found.required >= joint
    assert total - found.required <= chosen.offset_cap * max(total - joint, 0)


@st.composite
def shifted(draw: st.DrawFn) -> list[int]:
    """P&L that may be all gains in one set of worlds and all losses in another."""
    shifts = draw(st.lists(st.sampled_from([-(10**10), 0, 10**10]), min_size=3, max_size=3))
    return [
        value + shifts[0 if world < 20 else 1 if world < 30 else 2]
        for world, value in enumerate(draw(pnl(bound=10**9)))
    ]


@st.composite
def order(draw: st.DrawFn) -> tuple[int, list[int]]:
    """Entry loss, not above 0, and effect per world of an order filled whole; even numbers."""
    loss = -2 * draw(st.integers(0, 10**9))
    return loss, [2 * (each // 2) for each in draw(pnl(bound=10**9))]


@given(
    shifted(),
    shifted(),
    st.lists(order(), min_size=1, max_size=3),
    chosen_settings(),
)
@examples(100)
def test_worst_fills_require_at_least_what_any_fills_lose_and_require(
    bitcoin: list[int],
    ether: list[int],
    orders: list[tuple[int, list[int]]],
    chosen: VarSettings,
) -> None:
    """[VAR-13] orders in one group, each filled by halves; what their entries lose is equity"""
    holds = [np.minimum(rows(array(effect) + loss, loss), 0) for loss, effect in orders]
    book = {"BTC": rows(bitcoin) + sum(holds), "ETH": rows(ether)}
    bound = portfolio_figures(book, WORLDS, chosen).required
    for added in by_definition.fills([[*effect, loss] for loss, effect in orders]):
        filled = {"BTC": rows(array(bitcoin) + array(added[:-1])), "ETH": rows(ether)}
        assert portfolio_figures(filled, WORLDS, chosen).required - added[-1] <= bound
