"""The worst of fills lot by lot, against each of them by itself."""

from dataclasses import replace
from decimal import Decimal
from itertools import product

import numpy as np
import pytest

from margingate_engine.models.var.fills import FILLS_MAX, INSTRUMENTS_MAX, Fills, LotsOnOrder
from margingate_engine.models.var.many_forms import LossMultiple
from margingate_engine.models.var.parametric import account_sensitivities
from margingate_engine.statistics.delta_gamma import expected_shortfall
from tests.unit.engine.models.var.test_many_forms import A99, COVARIANCE, drawn

SHORTFALL = LossMultiple.of(A99, is_shortfall=True)


def on_order(random: np.random.Generator, low: int, high: int) -> LotsOnOrder:
    (delta_f,), (gamma_u,) = drawn(random, 1)
    moments = account_sensitivities(delta_f[:2], gamma_u, delta_f[2:]).moments(COVARIANCE)
    return LotsOnOrder(low, high, delta_f, gamma_u, moments.deviation, moments.mean)


def fills(random: np.random.Generator, *ends: tuple[int, int]) -> Fills:
    (delta_f,), (gamma_u,) = drawn(random, 1)
    orders = [on_order(random, *each) for each in ends]
    return Fills(delta_f=10 * delta_f, gamma_u=10 * gamma_u, on_order=orders, coins_u=np.zeros(2))


def worst(of: Fills) -> float:
    """The largest shortfall after any fills, each worked out by itself."""
    losses = []
    for lots in product(*(range(each.low, each.high + 1) for each in of.on_order)):
        delta_f, gamma_u = of.delta_f.copy(), of.gamma_u.copy()
        for count, each in zip(lots, of.on_order, strict=True):
            delta_f, gamma_u = delta_f + count * each.delta_f, gamma_u + count * each.gamma_u
        moments = account_sensitivities(delta_f[:2], gamma_u, delta_f[2:]).moments(COVARIANCE)
        losses.append(expected_shortfall(moments, A99))
    return max(losses)


def bound(of: Fills) -> float:
    return of.loss_at_most(COVARIANCE, SHORTFALL)


@pytest.mark.parametrize("ends", [[(0, 9)], [(-4, 3)], [(-2, 0), (0, 5)], [(-1, 1)] * 3])
def test_of_few_fills_the_bound_is_the_worst(ends: list[tuple[int, int]]) -> None:
    """[VAR-13]"""
    for seed in range(10):
        of = fills(np.random.default_rng(seed), *ends)
        assert bound(of) == pytest.approx(worst(of), rel=1e-9)


def test_of_more_fills_each_instrument_is_looked_at_beside_what_the_others_may_add() -> None:
    """[VAR-13]"""
    above = []
    for seed in range(6):
        of = fills(np.random.default_rng(seed), (0, 15), (-15, 0), (-4, 4))
        assert np.prod([each.ends for each in of.on_order]) > FILLS_MAX
        above.append(bound(of) / worst(of) - 1)
    assert min(above) >= -1e-9
    assert max(above) > 0.1


def test_coins_that_fills_may_pay_besides_are_covered_both_ways() -> None:
    """[VAR-13]"""
    for seed in range(10):
        of = fills(np.random.default_rng(seed), (0, 6))
        with_coins = replace(of, coins_u=np.array([2.0, 1.0]))
        for first, second in product((-2.0, 0.0, 2.0), (-1.0, 0.0, 1.0)):
            delta_f = of.delta_f + np.array([first, second, 0.0, 0.0])
            assert worst(replace(of, delta_f=delta_f)) <= bound(with_coins)
        assert bound(with_coins) < 1.5 * bound(of)


def test_an_order_that_closes_what_is_held_adds_nothing() -> None:
    """[VAR-13]"""
    random = np.random.default_rng(2)
    lot = on_order(random, 0, 20)
    held = Fills(
        delta_f=-20 * lot.delta_f, gamma_u=-20 * lot.gamma_u, on_order=[lot], coins_u=np.zeros(2)
    )
    own = account_sensitivities(held.delta_f[:2], held.gamma_u, held.delta_f[2:])
    expected = expected_shortfall(own.moments(COVARIANCE), A99)
    assert bound(held) == pytest.approx(max(0.0, expected), rel=1e-9)


def test_more_on_order_is_never_less_of_a_bound() -> None:
    """[VAR-13] lot by lot up to where fills are too many, and beside another instrument"""
    of = fills(np.random.default_rng(8), (-3, 10))
    (first,) = of.on_order
    other = on_order(np.random.default_rng(9), -2, 0)
    bounds = []
    for high in (10, 20, 200, 320, 340, FILLS_MAX - 4):
        more = first._replace(high=high)
        bounds.append(bound(replace(of, on_order=[more])))
        assert bound(replace(of, on_order=[more, other])) >= bounds[-1]
    assert bounds == sorted(bounds)
    assert np.isfinite(bounds[-1])
    assert bound(replace(of, on_order=[first._replace(high=FILLS_MAX)])) == np.inf


def test_of_many_instruments_none_is_looked_at_by_itself() -> None:
    """[VAR-13]"""
    of = fills(np.random.default_rng(8), *[(0, 1)] * INSTRUMENTS_MAX)
    more = fills(np.random.default_rng(8), *[(0, 2)] * (INSTRUMENTS_MAX + 1))
    assert np.isfinite(bound(of))
    assert bound(more) == np.inf


def test_the_normal_multiple_is_that_of_forms_without_gamma() -> None:
    """[VAR-13]"""
    assert LossMultiple.of(Decimal("0.975"), is_shortfall=True).at_zero == pytest.approx(
        2.338, 1e-3
    )
