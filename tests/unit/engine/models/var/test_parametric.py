"""Sensitivities by revaluation, and the requirement that they make."""

from decimal import Decimal

import numpy as np
import pytest
from scipy import stats

from margingate_engine.core.errors import ModelFailure
from margingate_engine.core.instruments import OptionRight
from margingate_engine.models.var.parametric import (
    account_sensitivities,
    lot_sensitivities,
    required,
)
from margingate_engine.statistics.delta_gamma import Sensitivities
from tests.unit.engine.models.var.chain import INDEX, VOL, future, option, priced
from tests.unit.engine.models.var.tables import settings

COVARIANCE = np.diag([0.04, 0.05, 0.08, 0.09]) ** 2
COVARIANCE[0, 1] = COVARIANCE[1, 0] = 0.8 * 0.04 * 0.05
PARAMETRIC = settings(method="parametric")
Z99 = stats.norm.ppf(0.99)


def account(
    delta: tuple[float, float] = (0.0, 0.0),
    gamma: tuple[float, float] = (0.0, 0.0),
    vega: tuple[float, float] = (0.0, 0.0),
) -> Sensitivities:
    return account_sensitivities(np.array(delta), np.array(gamma), np.array(vega))


def test_sensitivities_of_an_option_are_those_of_black_76() -> None:
    """[VAR-12] delta F, gamma F^2, vega sigma of one coin"""
    table, snapshot = priced([option("BTC", 105_000, OptionRight.CALL, days=73)])
    delta, gamma, vega = lot_sensitivities(table, snapshot, np.array([True]))
    forward, deviation = INDEX["BTC"] * 1.01, VOL["BTC"] * np.sqrt(0.2)
    d1 = np.log(forward / 105_000) / deviation + deviation / 2
    assert delta[0] == pytest.approx(1e6 * stats.norm.cdf(d1) * forward, rel=1e-3)
    assert gamma[0] == pytest.approx(1e6 * stats.norm.pdf(d1) * forward / deviation, rel=1e-3)
    assert vega[0] == pytest.approx(1e6 * forward * stats.norm.pdf(d1) * deviation, rel=1e-3)


def test_a_future_has_delta_alone() -> None:
    """[VAR-12]"""
    futures = [future("BTC", days=None), future("ETH", days=30, is_inverse=True)]
    table, snapshot = priced(futures)
    delta, gamma, vega = lot_sensitivities(table, snapshot, np.array([True, True]))
    assert delta == pytest.approx([1e11, 1e7 / (1 + 0.05 * 30 / 365)])
    assert not gamma.any()
    assert not vega.any()


def test_without_gamma_it_is_the_normal_quantile_of_all_factors_together() -> None:
    """[VAR-12] rounded up to a millionth"""
    book = account(delta=(5e9, -3e9), vega=(1e9, 0.0))
    deviation = np.sqrt(book.delta_f @ COVARIANCE @ book.delta_f)
    found = required(book, [], COVARIANCE, PARAMETRIC)
    assert 0 <= found - Z99 * deviation <= 1
    es = required(book, [], COVARIANCE, settings(method="parametric", estimator="es"))
    assert es == pytest.approx(stats.norm.pdf(Z99) / 0.01 * deviation)


def test_short_gamma_requires_more_than_long_gamma() -> None:
    """[VAR-12]"""
    flat, short, long = (
        required(account(delta=(5e9, 0), gamma=(gamma, 0)), [], COVARIANCE, PARAMETRIC)
        for gamma in (0.0, -1e11, 1e11)
    )
    assert short > flat > long


def test_the_buffer_is_added_here_as_well() -> None:
    """[VAR-10, VAR-12]"""
    book = account(delta=(5e9, 0))
    with_buffer = settings(method="parametric", buffer="0.25")
    plain = required(book, [], COVARIANCE, PARAMETRIC)
    assert required(book, [], COVARIANCE, with_buffer) == pytest.approx(1.25 * plain)


def test_orders_without_gamma_count_at_the_worst_of_what_they_may_make_of_the_deltas() -> None:
    """[VAR-13] a hedge that may fill or not adds nothing; what is more than one turns the book"""
    book = account(delta=(5e9, 0))
    for delta, worst in ((-2e9, 5e9), (-11e9, 6e9), (2e9, 7e9)):
        found = required(book, [account(delta=(delta, 0))], COVARIANCE, PARAMETRIC)
        assert found == pytest.approx(Z99 * 0.04 * worst, rel=1e-9)


def test_many_underlyings_on_order_add_their_deviations() -> None:
    """[VAR-13] beyond CORNERS_MAX corners"""
    count = 9
    covariance_ff = np.diag([0.04] * count + [0.05] * count) ** 2
    orders = [
        account_sensitivities(np.eye(count)[n] * 1e9, *np.zeros((2, count))) for n in range(count)
    ]
    flat = account_sensitivities(*np.zeros((3, count)))
    found = required(flat, orders, covariance_ff, PARAMETRIC)
    assert found == pytest.approx(Z99 * 0.04 * 1e9 * count, abs=1.1)
    found = required(flat, orders[:8], covariance_ff, PARAMETRIC)
    assert found == pytest.approx(Z99 * 0.04 * 1e9 * np.sqrt(8), abs=1.1)


def test_a_bound_covers_every_fill_of_orders_with_gamma() -> None:
    """[VAR-13]"""
    book = account(delta=(2e9, -1e9), gamma=(-4e10, 1e10), vega=(-1e9, 2e8))
    orders = [
        account(delta=(-3e9, 0), gamma=(2e10, 0), vega=(5e8, 0)),
        account(delta=(0, 2e9), gamma=(0, -6e10), vega=(0, -1e9)),
    ]
    for estimator in ("var", "es"):
        chosen = settings(method="parametric", estimator=estimator, confidence=Decimal("0.99"))
        bound = required(book, orders, COVARIANCE, chosen)
        for first in np.linspace(0, 1, 5):
            for second in np.linspace(0, 1, 5):
                filled = Sensitivities(
                    delta_f=book.delta_f + first * orders[0].delta_f + second * orders[1].delta_f,
                    gamma_ff=book.gamma_ff
                    + first * orders[0].gamma_ff
                    + second * orders[1].gamma_ff,
                )
                assert required(filled, [], COVARIANCE, chosen) <= bound


def test_a_requirement_beyond_the_range_is_our_failure() -> None:
    with pytest.raises(ModelFailure):
        required(account(delta=(1e30, 0)), [], COVARIANCE, PARAMETRIC)
