"""Margins of what was known, losses of what came."""

import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from margingate_engine.core.errors import InvalidInput
from margingate_engine.statistics.traffic_light import Zone
from margingate_server.backtesting.findings import exceptions_of, findings
from margingate_server.backtesting.panel import panel
from margingate_server.backtesting.portfolios import Leg, SamplePortfolio, read_portfolios
from margingate_server.backtesting.running import backtest_of, settings_of
from margingate_server.backtesting.valuing import delta
from margingate_server.backtesting.walk import Track, walk
from margingate_server.files.price_history import read_closes
from tests.reference.black76 import time_value
from tests.unit.backtesting.series import FIRST, closes, vols

LONG = SamplePortfolio(name="long", legs=(Leg(underlying="BTC", notional=1000.0),))
STRADDLE = tuple(
    Leg(underlying="BTC", notional=-1000.0, is_call=is_call, moneyness=1.1, tenor_days=30.0)
    for is_call in (True, False)
)
SHORT = SamplePortfolio(name="short straddle", legs=STRADDLE)
HEDGED = replace(SHORT, name="hedged", is_delta_hedged=True)
PRICES = {"BTC": closes(1, 400), "ETH": closes(2, 400)}
VOLS = {"BTC": vols(3, 400)}
END = date(2020, 12, 31)
HISTORICAL = settings_of({"method": "historical", "lookback_days": 200})


def tracks_of(*portfolios: SamplePortfolio, **changes: object) -> list[Track]:
    return walk(
        panel(("BTC",), ("BTC",), PRICES, VOLS),
        portfolios,
        settings_of({"method": "historical", "lookback_days": 200, **changes}),
    )


def price(day: int) -> float:
    return PRICES["BTC"][FIRST + timedelta(days=day)]


def vol(day: int) -> float:
    return VOLS["BTC"][FIRST + timedelta(days=day)] / 100.0


def test_a_margin_is_the_tail_of_the_days_before_and_a_loss_that_of_the_day_after() -> None:
    """[VAR-21] day 200 is the first with 200 changes behind it"""
    (track,) = tracks_of(LONG)
    assert (track.dates[0], len(track.dates)) == (FIRST + timedelta(days=200), 199)
    for step, day in ((0, 200), (100, 300), (198, 398)):
        moves = [price(t + 1) / price(t) - 1.0 for t in range(day - 200, day)]
        third_worst = sorted(moves)[2]  # floor(200 * 0.01) + 1
        assert track.margin_t[step] == pytest.approx(-1000.0 * third_worst, abs=2e-6)
        assert track.pnl_t[step] == pytest.approx(
            1000.0 * (price(day + 1) / price(day) - 1.0), abs=2e-6
        )


@pytest.mark.parametrize("method", ["historical", "filtered", "gaussian", "parametric"])
def test_no_margin_knows_what_came_after(method: str) -> None:
    """[VAR-21] other prices from day 300 on change no margin until day 300, and those after"""
    changed = {
        day: close * (0.5 if day >= FIRST + timedelta(days=301) else 1.0)
        for day, close in PRICES["BTC"].items()
    }
    chosen = settings_of({"method": method, "lookback_days": 200, "stressed_weight": 0})
    before, after = (
        walk(panel(("BTC",), (), {"BTC": series}, {}), [LONG], chosen)[0]
        for series in (PRICES["BTC"], changed)
    )
    last = before.dates.index(FIRST + timedelta(days=300))
    assert np.array_equal(before.margin_t[: last + 1], after.margin_t[: last + 1])
    assert before.margin_t[last + 1] != after.margin_t[last + 1]
    assert before.pnl_t[last] != after.pnl_t[last]


@pytest.mark.parametrize("horizon", [1, 3])
def test_options_are_revalued_at_the_price_the_vol_and_the_time_left(horizon: int) -> None:
    """[VAR-21] and a hedge of their delta gains the opposite of what the delta says"""
    short, hedged = tracks_of(SHORT, HEDGED, horizon_days=horizon)
    day = (short.dates[10] - FIRST).days
    move = price(day + horizon) / price(day) - 1.0

    def straddle(forward: float, at: int, days_left: float) -> float:
        worth = time_value(forward, 1.1, vol(at) * np.sqrt(days_left / 365))
        return 1000.0 * (2.0 * worth + abs(forward - 1.1))

    lost = straddle(1.0 + move, day + horizon, 30.0 - horizon) - straddle(1.0, day, 30.0)
    assert short.pnl_t[10] == pytest.approx(-lost, abs=1e-5)
    bought = -sum(delta(leg, vol(day)) for leg in STRADDLE)
    assert hedged.pnl_t[10] == pytest.approx(-lost + bought * move, abs=1e-5)


def test_steps_are_a_horizon_apart() -> None:
    """[VAR-21]"""
    (track,) = tracks_of(LONG, horizon_days=5)
    assert {b - a for a, b in zip(track.dates, track.dates[1:], strict=False)} == {
        timedelta(days=5)
    }
    assert track.dates[-1] + timedelta(days=5) <= FIRST + timedelta(days=399)


def test_the_stressed_days_are_the_wildest_known_by_then() -> None:
    """[VAR-21] a wild year before the look-back keeps the margin up"""
    calm, wild = closes(7, 520, 0.02), closes(7, 520, 0.02)
    wild |= closes(8, 300, 0.08)
    chosen = {"method": "historical", "lookback_days": 200}
    margins = {}
    for name, series in (("calm", calm), ("wild", wild)):
        for weight in ("0", "0.25"):
            made = settings_of({**chosen, "stressed_weight": weight})
            track = walk(panel(("BTC",), (), {"BTC": series}, {}), [LONG], made)[0]
            margins[name, weight] = track.margin_t[-1]
    assert margins["wild", "0"] == margins["calm", "0"]
    assert margins["wild", "0.25"] > 1.4 * margins["calm", "0.25"]


def test_dates_are_those_that_all_series_have() -> None:
    later = closes(5, 300, first=FIRST + timedelta(days=50))
    del later[FIRST + timedelta(days=60)]
    found = panel(("BTC", "ETH"), (), {"BTC": PRICES["BTC"], "ETH": later}, {})
    assert (found.dates[0], len(found.dates), len(found.history)) == (
        FIRST + timedelta(days=50), 299, 298,
    )  # fmt: skip
    for prices in ({"BTC": PRICES["BTC"]}, {"BTC": PRICES["BTC"], "ETH": {date(1999, 1, 1): 1.0}}):
        with pytest.raises(InvalidInput) as wrong:
            panel(("BTC", "ETH"), (), prices, {})
        assert wrong.value.field == "prices"


def test_a_panel_without_a_single_step_is_refused() -> None:
    with pytest.raises(InvalidInput) as wrong:
        tracks_of(LONG, lookback_days=399)
    assert wrong.value.field == "prices"
    assert len(tracks_of(LONG, lookback_days=398)[0].dates) == 1


def test_portfolios_without_their_series_are_left_out_and_named() -> None:
    spread = SamplePortfolio(name="spread", legs=(*LONG.legs, Leg(underlying="SOL", notional=1.0)))
    ether = replace(SHORT, name="ether", legs=(replace(STRADDLE[0], underlying="ETH"),))
    run = backtest_of([spread, HEDGED, ether, LONG], [HISTORICAL], PRICES, VOLS, lambda *_: None)
    assert [track.portfolio.name for track, _ in run.tracks] == ["hedged", "long"]
    assert run.left_out == {"spread": "prices of SOL", "ether": "vols of ETH"}
    with pytest.raises(InvalidInput):
        backtest_of([spread], [HISTORICAL], PRICES, VOLS, lambda *_: None)


def test_a_walk_of_independent_days_keeps_its_promise() -> None:
    """[VAR-16 to VAR-18, VAR-21] normal days of one volatility: every method is right"""
    series = {"BTC": closes(11, 900)}
    every = [
        settings_of({"method": method, "lookback_days": 300, "confidence": "0.9", "decay": "0.99"})
        for method in ("historical", "filtered", "parametric")
    ]
    for track, found in backtest_of([LONG], every, series, {}, lambda *_: None).tracks:
        assert found.zone is Zone.GREEN, track.settings.method
        assert found.frequency.p_value > 0.02
        assert found.z2 == pytest.approx(0.0, abs=0.3)
        assert track.margin_t.mean() == pytest.approx(1000 * 0.03 * stats.norm.ppf(0.9), rel=0.1)


def test_findings_are_counted_from_the_track() -> None:
    """[VAR-16, VAR-20]"""
    track = Track(
        portfolio=LONG,
        settings=HISTORICAL,
        dates=tuple(FIRST + timedelta(days=day) for day in range(300)),
        margin_t=np.linspace(10.0, 20.0, 300),
        shortfall_t=np.full(300, 20.0),
        pnl_t=np.where(np.isin(np.arange(300), [0, 120, 260, 299]), -30.0, -10.0),
    )
    assert np.flatnonzero(exceptions_of(track)).tolist() == [0, 120, 260, 299]
    found = findings(track)
    assert (found.steps, found.exceptions, found.expected, found.most_in_window) == (
        300, 4, pytest.approx(3.0), 3,
    )  # fmt: skip
    assert found.z1 == pytest.approx(1 - 30 / 20)
    assert found.z2 == pytest.approx(1 - 4 * 30 / 20 / 3)
    assert found.cyclicality is not None
    assert found.cyclicality.peak_to_trough == 2.0
    nothing = findings(replace(track, margin_t=np.zeros(300), shortfall_t=np.zeros(300)))
    assert (nothing.cyclicality, nothing.z1, nothing.z2) == (None, None, None)


@pytest.mark.skipif("MARGINGATE_DATA" not in os.environ, reason="needs MARGINGATE_DATA")
def test_filtered_history_is_green_on_real_bitcoin_at_99_percent() -> None:
    """[VAR-18, VAR-21] two years around the crash of March 2020, which itself is an exception"""
    path = Path(os.environ["MARGINGATE_DATA"]) / "prices" / "ykasra_binance_BTCUSDT_1d.csv.gz"
    every = read_closes(path)
    prices = {day: close for day, close in every.items() if date(2018, 1, 1) <= day <= END}
    sides = [each for each in read_portfolios(None) if each.name in {"long_btc", "short_btc"}]
    run = backtest_of(sides, [settings_of({})], {"BTC": prices}, {}, lambda *_: None)
    for track, found in run.tracks:
        assert (found.zone, found.steps) == (Zone.GREEN, 565), track.portfolio.name
        assert found.frequency.p_value > 0.05
        assert found.independence.p_value > 0.05
    crash = run.tracks[0][0].dates.index(date(2020, 3, 11))
    assert exceptions_of(run.tracks[0][0])[crash]
