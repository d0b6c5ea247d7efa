"""The simulated market behind the Feed protocol."""

import time
from collections import Counter
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_engine.pricing import black76
from margingate_server.feeds.feed import Feed, MarketUpdate
from margingate_server.feeds.simulated.feed import SimulatedFeed
from margingate_server.feeds.simulated.fitted import FITTED
from tests.reference.symbols import print_symbol

SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
YEAR_NS = 365 * DAY_NS
START_NS = 1_769_160_199_721_198_000
"""2026-01-23 09:23:19 UTC, a Friday."""


def prices(update: MarketUpdate) -> tuple[object, ...]:
    return (
        update.market_time_ns,
        dict(update.index_by_underlying),
        update.names,
        update.mark_price_i.tolist(),
        update.mark_vol_i.tolist(),
        update.forward_price_i.tolist(),
    )


def option_table(feed: SimulatedFeed, update: MarketUpdate) -> dict[tuple[object, ...], np.ndarray]:
    """By underlying, settlement, expiry and right: strike, mark, vol, forward and years (5, K)."""
    rows: dict[tuple[object, ...], list[tuple[float, ...]]] = {}
    quotes = zip(
        feed.instruments(),
        update.mark_price_i,
        update.mark_vol_i,
        update.forward_price_i,
        strict=True,
    )
    for terms, mark, vol, forward in quotes:
        if terms.strike_nano is not None and terms.expiry_ns is not None:
            key = (terms.underlying, terms.settlement, terms.expiry_ns, terms.right)
            years = (terms.expiry_ns - update.market_time_ns) / YEAR_NS
            rows.setdefault(key, []).append((terms.strike_nano / 1e9, mark, vol, forward, years))
    return {key: np.array(sorted(each)).T for key, each in rows.items()}


def test_a_feed_begins_at_the_fitted_prices() -> None:
    update = SimulatedFeed(1, START_NS).update(START_NS)
    dollars = {"USDC": 1.0, "USDT": 0.9996}
    fitted = {coin: FITTED[coin].index for coin in ("BTC", "ETH")}
    assert update.index_by_underlying == {**fitted, **dollars}
    assert update.market_time_ns == START_NS


def test_the_listing_is_as_large_and_as_mixed_as_the_venues() -> None:
    listed = SimulatedFeed(1, START_NS).instruments()
    counted = Counter((each.underlying, each.kind, each.settlement) for each in listed)
    options = sum(each.kind is InstrumentKind.OPTION for each in listed)
    assert 1150 <= options <= 1500
    for coin in ("BTC", "ETH"):
        assert counted[coin, InstrumentKind.SPOT, Settlement.LINEAR] == 1
        assert counted[coin, InstrumentKind.PERPETUAL, Settlement.LINEAR] == 1
        assert counted[coin, InstrumentKind.PERPETUAL, Settlement.INVERSE] == 1
        assert counted[coin, InstrumentKind.FUTURE, Settlement.INVERSE] == 8
        assert counted[coin, InstrumentKind.OPTION, Settlement.INVERSE] >= 450
        assert counted[coin, InstrumentKind.OPTION, Settlement.LINEAR] >= 40
    for coin in ("USDC", "USDT"):
        assert [each.kind for each in listed if each.underlying == coin] == [InstrumentKind.SPOT]
    linear_expiries = {
        each.expiry_ns
        for each in listed
        if each.kind is InstrumentKind.OPTION and each.settlement is Settlement.LINEAR
    }
    assert len(linear_expiries) == 1


def test_every_name_is_the_venues_symbol_of_its_terms() -> None:
    listed = SimulatedFeed(1, START_NS).instruments()
    assert [each.name for each in listed] == [print_symbol(each) for each in listed]
    assert len({each.name for each in listed}) == len(listed)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 40 * 86_400), st.lists(st.integers(-86_400, 40 * 86_400), max_size=3))
def test_an_update_depends_on_seed_start_and_now_alone(second: int, visited: list[int]) -> None:
    travelled, fresh = SimulatedFeed(9, START_NS), SimulatedFeed(9, START_NS)
    for each in visited:
        travelled.update(START_NS + each * SECOND_NS)
    now_ns = START_NS + second * SECOND_NS
    assert prices(travelled.update(now_ns)) == prices(fresh.update(now_ns))
    assert travelled.instruments() == fresh.instruments()


def test_seeds_make_different_markets() -> None:
    now_ns = START_NS + DAY_NS
    first, second = (SimulatedFeed(seed, START_NS).update(now_ns) for seed in (1, 2))
    assert first.index_by_underlying != second.index_by_underlying


def test_index_and_vols_move_from_second_to_second() -> None:
    feed = SimulatedFeed(1, START_NS)
    updates = [feed.update(START_NS + each * SECOND_NS) for each in range(1, 12)]
    assert len({each.index_by_underlying["BTC"] for each in updates}) >= 10
    place = updates[0].names.index("BTC-27MAR26-90000-C")
    assert len({float(each.mark_vol_i[place]) for each in updates}) >= 10
    moves = [abs(each.index_by_underlying["BTC"] / FITTED["BTC"].index - 1) for each in updates]
    assert max(moves) < 0.002


def test_a_frozen_market_stays_at_its_start() -> None:
    feed = SimulatedFeed(1, START_NS, is_frozen=True)
    assert prices(feed.update(START_NS + 90 * DAY_NS)) == prices(
        SimulatedFeed(2, START_NS).update(START_NS)
    )


def test_a_clock_before_the_start_reads_the_start() -> None:
    feed = SimulatedFeed(1, START_NS)
    assert prices(feed.update(START_NS - DAY_NS)) == prices(feed.update(START_NS))


@pytest.mark.parametrize("days", [0.0, 0.9, 3.3, 17.5, 61.0, 200.2])
def test_marks_are_black_76_of_the_vols_and_forwards(days: float) -> None:
    feed = SimulatedFeed(3, START_NS)
    update = feed.update(START_NS + int(days * DAY_NS))
    for (_, settlement, _, right), table in option_table(feed, update).items():
        strike, mark, vol, forward, years = table
        is_call = np.full(len(strike), right is OptionRight.CALL)
        value = black76.value(forward, strike, vol, years, is_call)
        if settlement is Settlement.INVERSE:
            assert np.abs(value / forward - mark).max() <= 0.51e-8
        else:
            assert np.abs(value - mark).max() <= 0.51e-4


@pytest.mark.parametrize("days", [0.0, 0.9, 3.3, 17.5, 61.0, 200.2])
@pytest.mark.parametrize("seed", [3, 4])
def test_calls_fall_and_are_convex_in_the_strike(seed: int, days: float) -> None:
    feed = SimulatedFeed(seed, START_NS)
    update = feed.update(START_NS + int(days * DAY_NS))
    for (_, settlement, _, right), table in option_table(feed, update).items():
        if right is OptionRight.CALL:
            strike, mark, _, forward, _ = table
            is_inverse = settlement is Settlement.INVERSE
            value = mark * forward if is_inverse else mark
            rounding = 0.5e-8 * forward.max() if is_inverse else 0.5e-4
            slope = np.diff(value) / np.diff(strike)
            allowed = 2 * rounding / np.diff(strike).min()
            assert (slope <= allowed).all()
            assert (slope >= -1 - allowed).all()
            assert (np.diff(slope) >= -2 * allowed).all()


@pytest.mark.parametrize("days", [0.0, 0.94, 1.5, 30.0, 365.0])
def test_vols_stay_in_sensible_bounds(days: float) -> None:
    for seed in range(5):
        update = SimulatedFeed(seed, START_NS).update(START_NS + int(days * DAY_NS))
        vol_i = update.mark_vol_i[update.mark_vol_i > 0]
        assert len(vol_i) > 1000
        assert vol_i.min() > 0.05
        assert vol_i.max() < 5.0


def test_until_a_minute_before_expiry_every_price_is_finite() -> None:
    update = SimulatedFeed(1, START_NS).update(
        START_NS - START_NS % DAY_NS + DAY_NS + 8 * 3600 * SECOND_NS - 1
    )
    expiring = [place for place, name in enumerate(update.names) if name.startswith("BTC-24JAN26-")]
    assert len(expiring) > 20
    for column in (update.mark_price_i, update.mark_vol_i, update.forward_price_i):
        assert np.isfinite(column).all()
    assert update.mark_vol_i[expiring].max() < 5.0


def names_of(instruments: tuple[Instrument, ...]) -> set[str]:
    return {each.name for each in instruments}


def test_over_a_month_series_expire_and_come_and_none_else_vanishes() -> None:
    feed = SimulatedFeed(21, START_NS)
    before = {each.name: each for each in feed.instruments()}
    came: set[str] = set()
    for hour in range(0, 31 * 24, 6):
        now_ns = START_NS + hour * 3600 * SECOND_NS
        update = feed.update(now_ns)
        listed = {each.name: each for each in feed.instruments()}
        assert tuple(listed) == update.names
        assert all(each.expiry_ns is None or each.expiry_ns > now_ns for each in listed.values())
        for name in before.keys() - listed.keys():
            assert (before[name].expiry_ns or 0) <= now_ns
        came |= listed.keys() - before.keys()
        assert 1100 <= len(listed) <= 2200
        before = listed
    assert {"BTC-20FEB26", "ETH-24APR26"} <= came
    assert any(name.startswith("ETH-24FEB26-") for name in came)
    assert not any("JAN26" in name for name in before)


def test_the_listing_is_the_same_tuple_until_eight_o_clock() -> None:
    feed = SimulatedFeed(1, START_NS)
    listed = feed.instruments()
    eight_ns = START_NS - START_NS % DAY_NS + DAY_NS + 8 * 3600 * SECOND_NS
    feed.update(eight_ns - 1)
    assert feed.instruments() is listed
    feed.update(eight_ns)
    assert feed.instruments() is not listed


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_wherever_a_forward_went_strikes_are_listed_around_it(seed: int) -> None:
    feed = SimulatedFeed(seed, START_NS)
    moved = 0.0
    for day in range(1, 121, 7):
        update = feed.update(START_NS + day * DAY_NS - 3600 * SECOND_NS)
        index = update.index_by_underlying["BTC"]
        moved = max(moved, abs(index / FITTED["BTC"].index - 1))
        for table in option_table(feed, update).values():
            strike, _, _, forward, _ = table
            assert strike.min() < 0.97 * forward[0] < 1.03 * forward[0] < strike.max()
            assert np.abs(strike / forward[0] - 1).min() < 0.05
    assert moved > 0.12


def test_a_future_is_marked_at_the_forward_of_its_expiry() -> None:
    feed = SimulatedFeed(8, START_NS)
    update = feed.update(START_NS + 5 * DAY_NS)
    forwards = {
        (underlying, expiry_ns): table[3]
        for (underlying, _, expiry_ns, _), table in option_table(feed, update).items()
    }
    futures = [
        (each, mark)
        for each, mark in zip(feed.instruments(), update.mark_price_i, strict=True)
        if each.kind is InstrumentKind.FUTURE
    ]
    assert len(futures) >= 16
    for future, mark in futures:
        assert (forwards[future.underlying, future.expiry_ns] == mark).all()


def test_the_level_of_vols_is_bounded_however_far_it_wanders() -> None:
    feed = SimulatedFeed(1, START_NS)
    plain = feed.update(START_NS)
    place = plain.names.index("BTC-27MAR26-90000-C")
    for log_level, factor in ((-9.0, np.exp(-0.5)), (9.0, np.exp(0.5))):
        with mock.patch.object(feed._path, "at", return_value=np.array([0.0, 0.0, log_level])):
            vol = feed.update(START_NS).mark_vol_i[place]
        assert vol == pytest.approx(factor * plain.mark_vol_i[place], rel=0.02)


def test_spot_perpetuals_and_futures_are_near_the_index() -> None:
    update = SimulatedFeed(8, START_NS).update(START_NS + 5 * DAY_NS)
    marks = dict(zip(update.names, update.mark_price_i.tolist(), strict=True))
    index = update.index_by_underlying["ETH"]
    assert marks["ETH"] == index
    assert marks["ETH-PERPETUAL"] == marks["ETH_USDC-PERPETUAL"]
    assert marks["ETH-PERPETUAL"] == pytest.approx(index, rel=1e-4)
    assert index < marks["ETH-27MAR26"] < marks["ETH-25DEC26"] < 1.06 * index


def test_an_update_of_the_whole_market_takes_under_five_milliseconds() -> None:
    feed = SimulatedFeed(1, START_NS)
    taken = []
    for second in range(20):
        started = time.perf_counter()
        feed.update(START_NS + second * SECOND_NS)
        taken.append(time.perf_counter() - started)
    assert min(taken) < 0.005


def test_a_gap_of_sixty_years_is_crossed_at_once_and_leaves_a_whole_listing() -> None:
    feed = SimulatedFeed(1, START_NS)
    started = time.perf_counter()
    update = feed.update(START_NS + 60 * YEAR_NS)
    assert time.perf_counter() - started < 10
    assert 1100 <= len(update.names) <= 2600


def test_a_simulated_feed_is_a_feed() -> None:
    feed: Feed = SimulatedFeed(1, START_NS)
    assert feed.interval_seconds == 1.0
    assert names_of(feed.instruments()) == set(feed.update(START_NS).names)
