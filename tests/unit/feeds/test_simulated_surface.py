"""The fitted surface: arbitrage, bounds, and how near it is to the chain it was fitted to."""

import os
from pathlib import Path

import numpy as np
import pytest

from margingate_server.feeds.simulated.fitted import FITTED
from margingate_server.feeds.simulated.surface import forward_ratio, smiles
from tools.fit_surface import fit, surface_vols
from tools.recorded_chain import RecordedChain
from tools.surface_arbitrage import butterfly_density, calendar_growth

COINS = ("BTC", "ETH")
VOL_FACTORS = (np.exp(-0.5), 1.0, np.exp(0.5))
CALM_CSV = "chains/nolic_znmahbub_btc_eth_20260123T092319Z.csv.gz"


def chain(coin: str) -> RecordedChain:
    folder = os.environ.get("MARGINGATE_DATA")
    if not folder:
        pytest.skip("MARGINGATE_DATA does not say where recorded markets are")
    return RecordedChain.read(Path(folder, CALM_CSV), coin)


@pytest.mark.parametrize("vol_factor", VOL_FACTORS)
@pytest.mark.parametrize("coin", COINS)
def test_no_butterfly_has_a_negative_price(coin: str, vol_factor: float) -> None:
    assert butterfly_density(FITTED[coin], vol_factor).min() > 0


@pytest.mark.parametrize("vol_factor", VOL_FACTORS)
@pytest.mark.parametrize("coin", COINS)
def test_total_variance_grows_with_tenor(coin: str, vol_factor: float) -> None:
    assert calendar_growth(FITTED[coin], vol_factor).min() > 0


@pytest.mark.parametrize("coin", COINS)
def test_at_the_money_the_vol_is_the_knots(coin: str) -> None:
    parameters = FITTED[coin]
    days_e = np.array(parameters.days)
    variance_e = smiles(parameters, days_e, 1.0).total_variance(
        np.arange(len(days_e)), np.zeros(len(days_e))
    )
    assert np.sqrt(variance_e * 365 / days_e) == pytest.approx(parameters.at_money)


@pytest.mark.parametrize("coin", COINS)
def test_a_vol_factor_scales_every_smile_in_its_own_moneyness(coin: str) -> None:
    days_e, places = np.array([30.0]), np.zeros(3, dtype=np.intp)
    log_moneyness = np.array([-0.2, 0.0, 0.3])
    plain = smiles(FITTED[coin], days_e, 1.0).total_variance(places, log_moneyness)
    doubled = smiles(FITTED[coin], days_e, 2.0).total_variance(places, 2 * log_moneyness)
    assert doubled == pytest.approx(4 * plain)


@pytest.mark.parametrize("coin", COINS)
def test_forwards_meet_the_index_at_expiry_and_rise_a_few_percent_a_year(coin: str) -> None:
    ratio = forward_ratio(FITTED[coin], np.array([0.0, 0.25, 1.0]))
    assert ratio[0] == 1.0
    assert 1.0 < ratio[1] < ratio[2] < 1.08


@pytest.mark.parametrize("coin", COINS)
def test_the_surface_is_within_two_thirds_of_a_vol_point_of_its_chain(coin: str) -> None:
    recorded = chain(coin)
    points_i = 100 * (surface_vols(FITTED[coin], recorded) - recorded.vol_i)
    assert np.sqrt(np.average(points_i**2, weights=recorded.relative_vega_i)) < 0.66
    assert np.abs(points_i).max() < 20


def test_fitting_the_chain_again_gives_the_committed_parameters() -> None:
    recorded = chain("ETH")
    again = surface_vols(fit(recorded), recorded)
    assert np.abs(again - surface_vols(FITTED["ETH"], recorded)).max() < 1e-3
