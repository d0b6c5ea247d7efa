"""What is taken of each channel's messages, and what the server is then given."""

from typing import Any

import msgspec
import numpy as np
import pytest

from margingate_server.feeds.deribit.forwards import FORWARD_LAG_NS_MAX
from margingate_server.feeds.deribit.intake import Intake
from margingate_server.feeds.deribit.prices import Taken
from tests.deribit_venue.contracts import option
from tests.deribit_venue.market import SmallMarket
from tests.deribit_venue.recorder import Recorder
from tests.unit.feeds.deribit.listings import listing_of, raw

NOW_MS = 1_769_160_000_000
NOW_NS = NOW_MS * 10**6
MARKET = SmallMarket(NOW_MS)
OPTION, SECOND = "BTC-22FEB26-90000-C", "BTC-22FEB26-90000-P"
NEARER = "BTC-26JAN26-90000-C"
PERPETUAL = "BTC-PERPETUAL"
MARKS, INDEX = "markprice.options.btc_usd", "deribit_price_index.btc_usd"


class Told:
    """An intake of the small market, and who is told what it drops."""

    def __init__(self) -> None:
        self.recorder = Recorder()
        self.intake = Intake(self.recorder)
        self.intake.relist(listing_of(*MARKET.listed.values()))

    def ticker(self, name: str, at_ms: int = NOW_MS, **changes: Any) -> bool:
        interval = "100ms" if name == PERPETUAL else "agg2"
        said = MARKET.ticker(name, at_ms, **changes)
        return self.intake.take(f"ticker.{name}.{interval}", raw(said), at_ms * 10**6)

    def mark(self, name: str, price: float | None, iv: float | None, at_ms: int) -> bool:
        said = {"instrument_name": name, "timestamp": at_ms, "mark_price": price, "iv": iv}
        return self.intake.take(MARKS, raw([said]), at_ms * 10**6)

    def index(self, price: Any = 90_000.0, at_ms: int = NOW_MS, now_ms: int = NOW_MS) -> bool:
        said = {"index_name": "btc_usd", "price": price, "timestamp": at_ms}
        return self.intake.take(INDEX, raw(said), now_ms * 10**6)

    def drained(self) -> Taken:
        taken = self.intake.drain()
        assert taken is not None
        return taken

    def prices(self) -> dict[str, tuple[float, float, float]]:
        """(mark, vol, forward) of what is new, by name."""
        update = self.drained().update
        columns = (update.mark_price_i, update.mark_vol_i, update.forward_price_i)
        return {
            name: (float(mark), float(vol), float(forward))
            for name, mark, vol, forward in zip(update.names, *columns, strict=True)
        }

    @property
    def dropped(self) -> dict[str, int]:
        return dict(self.recorder.dropped_by_reason)


@pytest.fixture
def told() -> Told:
    return Told()


def halted(taken: Taken) -> set[str]:
    return {each.name for each in taken.instruments if each.is_halted}


def test_before_the_first_price_there_is_nothing(told: Told) -> None:
    assert told.intake.drain() is None


def test_tickers_and_indices_are_given_out_once(told: Told) -> None:
    told.index()
    told.ticker(OPTION)
    told.ticker(PERPETUAL, mark_price=90_001.5)
    update = told.drained().update
    assert update.index_by_underlying == {"BTC": 90_000.0}
    assert update.names == ("BTC", OPTION, PERPETUAL)
    assert update.market_time_ns == NOW_NS
    forward = MARKET.ticker(OPTION, NOW_MS)["underlying_price"]
    assert update.mark_price_i.tolist() == [90_000.0, MARKET.mark(OPTION, NOW_MS), 90_001.5]
    assert update.mark_vol_i.tolist() == [0.0, 0.5, 0.0]
    assert update.forward_price_i.tolist() == [0.0, forward, 0.0]
    again = told.drained().update
    assert (again.names, again.index_by_underlying) == ((), {})
    assert again.market_time_ns == NOW_NS


def test_arrays_are_whole_and_cannot_be_written(told: Told) -> None:
    told.ticker(OPTION)
    update = told.drained().update
    for array in (update.mark_price_i, update.mark_vol_i, update.forward_price_i):
        assert array.flags.c_contiguous
        assert not array.flags.writeable
        assert array.dtype == np.float64


def test_of_many_messages_between_two_updates_the_newest_counts(told: Told) -> None:
    for step in range(1000):
        told.ticker(PERPETUAL, NOW_MS + step, mark_price=90_000.0 + step)
    assert told.prices() == {PERPETUAL: (90_999.0, 0.0, 0.0)}
    assert told.dropped == {}


def test_marks_between_tickers_take_the_newest_forward_of_their_expiry(told: Told) -> None:
    """The option's own is up to two seconds old: in a market that moves, mark and forward would
    not follow from each other."""
    told.ticker(OPTION, underlying_price=91_000.0)
    told.prices()
    told.mark(OPTION, 0.05, 0.45, NOW_MS + 1000)
    assert told.prices() == {OPTION: (0.05, 0.45, 91_000.0)}
    told.ticker(SECOND, NOW_MS + 1500, underlying_price=90_500.0)
    told.prices()
    told.mark(OPTION, 0.05, 0.45, NOW_MS + 1600)
    assert told.prices() == {OPTION: (0.05, 0.45, 90_500.0)}


def test_a_mark_older_than_the_last_ticker_changes_nothing(told: Told) -> None:
    told.ticker(OPTION, NOW_MS + 1000, mark_price=0.06)
    told.mark(OPTION, 0.05, 0.45, NOW_MS)
    assert told.prices()[OPTION][0] == 0.06


def test_an_option_whose_forward_is_missing_or_too_old_is_left_out(told: Told) -> None:
    lag_ms = FORWARD_LAG_NS_MAX // 10**6
    told.ticker(OPTION)
    told.mark(OPTION, 0.05, 0.45, NOW_MS + lag_ms)
    told.mark(NEARER, 0.05, 0.45, NOW_MS)
    assert list(told.prices()) == [OPTION]
    assert told.dropped == {"old_forward": 1}
    told.mark(OPTION, 0.05, 0.45, NOW_MS + lag_ms + 1)
    assert told.prices() == {}
    assert told.dropped == {"old_forward": 2}


def test_market_time_is_the_newest_timestamp_and_never_goes_back(told: Told) -> None:
    told.index(at_ms=NOW_MS + 5)
    told.ticker(OPTION, NOW_MS - 500)
    assert told.drained().update.market_time_ns == NOW_NS + 5 * 10**6


def test_messages_out_of_order_and_duplicates_are_dropped_by_channel(told: Told) -> None:
    told.ticker(PERPETUAL, NOW_MS, mark_price=90_000.0)
    told.prices()
    told.ticker(PERPETUAL, NOW_MS, mark_price=1.0)
    told.ticker(PERPETUAL, NOW_MS - 1, mark_price=2.0)
    assert told.prices() == {}
    told.ticker(OPTION, NOW_MS - 1)
    assert list(told.prices()) == [OPTION]
    assert told.dropped == {"duplicate": 1, "out_of_order": 1}


def test_a_message_from_before_a_new_listing_is_still_out_of_order(told: Told) -> None:
    told.ticker(PERPETUAL, NOW_MS)
    told.prices()
    told.intake.reconnected()
    told.intake.relist(listing_of(*MARKET.listed.values()))
    told.ticker(PERPETUAL, NOW_MS)
    assert told.prices() == {}
    assert told.dropped == {"duplicate": 1}


def test_what_is_late_or_ahead_of_the_clock_is_no_price_of_now(told: Told) -> None:
    told.index(at_ms=NOW_MS, now_ms=NOW_MS + 10_001)
    told.index(at_ms=NOW_MS + 5_001)
    assert told.intake.drain() is None
    assert told.dropped == {"late": 1, "ahead": 1}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"best_bid_price": 0.2, "best_ask_price": 0.1}, "crossed"),
        ({"mark_price": None}, "missing"),
        ({"mark_iv": -5.0}, "absurd"),
        ({"underlying_price": 0.0}, "missing"),
        ({"mark_price": -0.1}, "absurd"),
        ({"underlying_price": 1e10}, "absurd"),
    ],
)
def test_after_an_unsound_ticker_marks_wait_for_a_sound_one(
    told: Told, changes: dict[str, Any], reason: str
) -> None:
    told.index()
    told.ticker(OPTION, **changes)
    told.mark(OPTION, 0.05, 0.45, NOW_MS + 10)
    assert OPTION not in told.prices()
    assert told.dropped == {reason: 1, "withheld": 1}
    told.ticker(OPTION, NOW_MS + 20)
    told.mark(OPTION, 0.05, 0.45, NOW_MS + 30)
    assert told.prices()[OPTION][0] == 0.05


@pytest.mark.parametrize("iv", [None, 0.0])
def test_an_option_without_a_vol_is_given_without_one_and_counted(
    told: Told, iv: float | None
) -> None:
    """Where the smile is known, a vol is put in its place."""
    told.ticker(OPTION, mark_iv=iv, mark_price=0.05, underlying_price=91_000.0)
    assert told.prices() == {OPTION: (0.05, 0.0, 91_000.0)}
    assert told.dropped == {"missing": 1}
    told.mark(OPTION, 0.05, 0.45, NOW_MS + 10)
    assert told.prices() == {OPTION: (0.05, 0.45, 91_000.0)}


def dollar(told: Told, index_name: str, price: float, at_ms: int) -> None:
    said = {"index_name": index_name, "price": price, "timestamp": at_ms}
    told.intake.take(f"deribit_price_index.{index_name}", raw(said), at_ms * 10**6)


def test_a_dollar_coin_is_worth_the_ratio_of_two_indices_of_about_the_same_time(
    told: Told,
) -> None:
    told.intake.relist(listing_of(*MARKET.listed.values(), dollar_coins=("USDC", "USDT")))
    told.index(90_000.0)
    dollar(told, "btc_usdc", 90_900.0, NOW_MS + 600)
    update = told.drained().update
    assert update.index_by_underlying == {"BTC": 90_000.0, "USDC": 90_000 / 90_900}
    assert set(update.names) == {"BTC", "USDC"}
    dollar(told, "btc_usdc", 91_000.0, NOW_MS + 1601)
    assert told.drained().update.index_by_underlying == {}
    told.index(90_100.0, at_ms=NOW_MS + 2000)
    fresh = told.drained().update.index_by_underlying
    assert fresh == {"BTC": 90_100.0, "USDC": 90_100 / 91_000}
    assert told.dropped == {}


@pytest.mark.parametrize("phase_ms", [0, 100, 400, 500, 600, 999])
def test_of_indices_once_a_second_a_dollar_coin_has_a_price_every_second(
    told: Told, phase_ms: int
) -> None:
    """While bitcoin falls by 0.8 % a second, the ratio errs by what it fell between the two."""
    told.intake.relist(listing_of(*MARKET.listed.values(), dollar_coins=("USDC",)))
    for second in range(1, 5):
        at_ms = NOW_MS + 1000 * second
        told.index(90_000 * (1 - 0.008 * second), at_ms=at_ms, now_ms=at_ms)
        first = told.drained().update.index_by_underlying.get("USDC")
        fallen = 1 - 0.008 * (second + phase_ms / 1000)
        dollar(told, "btc_usdc", 90_000 * fallen, at_ms + phase_ms)
        ratios = (first, told.drained().update.index_by_underlying.get("USDC"))
        if second > 1:
            assert any(ratios)
        assert all(abs(ratio - 1) < 0.005 for ratio in ratios if ratio)


def test_a_tenfold_price_is_passed_on_for_the_filter_to_judge(told: Told) -> None:
    told.index(900_000.0)
    told.ticker(PERPETUAL, mark_price=900_000.0)
    assert told.drained().update.index_by_underlying == {"BTC": 900_000.0}
    assert told.dropped == {}


@pytest.mark.parametrize("price", [None, 0.0, -1.0, 1e10])
def test_an_index_without_a_usable_price_is_dropped(told: Told, price: float | None) -> None:
    told.index(price)
    assert told.intake.drain() is None
    assert sum(told.dropped.values()) == 1


@pytest.mark.parametrize(
    ("channel", "data"),
    [
        (INDEX, {"index_name": "btc_usd", "price": "90000", "timestamp": NOW_MS}),
        (INDEX, {"index_name": "btc_usd", "price": 90_000.0, "timestamp": 1.5}),
        (INDEX, {"price": 90_000.0, "timestamp": NOW_MS}),
        (INDEX, []),
        (f"ticker.{OPTION}.agg2", {"instrument_name": 5, "timestamp": NOW_MS}),
        (f"ticker.{OPTION}.agg2", None),
        (MARKS, {"instrument_name": OPTION}),
        ("platform_state", {"locked": "yes"}),
        ("instrument.state.any.any", {"state": "created"}),
    ],
)
def test_data_of_wrong_types_is_said_to_be_unreadable(told: Told, channel: str, data: Any) -> None:
    with pytest.raises(msgspec.DecodeError):
        told.intake.take(channel, raw(data), NOW_NS)
    assert told.intake.drain() is None


def test_of_a_list_of_marks_the_readable_ones_are_taken(told: Told) -> None:
    told.ticker(OPTION)
    sound = {"instrument_name": OPTION, "timestamp": NOW_MS + 1, "mark_price": 0.05, "iv": 0.4}
    told.intake.take(MARKS, raw([{"iv": "high"}, 7, sound, {}]), NOW_NS)
    assert told.prices()[OPTION][0] == 0.05
    assert told.dropped == {"invalid": 3}


@pytest.mark.parametrize("channel", ["ticker.ETH-PERPETUAL.100ms", "ticker", "ticker.."])
def test_a_ticker_on_another_instruments_channel_is_dropped(told: Told, channel: str) -> None:
    told.intake.take(channel, raw(MARKET.ticker(PERPETUAL, NOW_MS)), NOW_NS)
    assert told.intake.drain() is None
    assert told.dropped == {"invalid": 1}


def test_an_index_on_another_channel_is_dropped(told: Told) -> None:
    said = {"index_name": "btc_usd", "price": 3000.0, "timestamp": NOW_MS}
    told.intake.take("deribit_price_index.eth_usd", raw(said), NOW_NS)
    assert told.intake.drain() is None
    assert told.dropped == {"invalid": 1}


@pytest.mark.parametrize("channel", ["", "book.BTC-PERPETUAL.100ms", "user.orders", "Ticker.x.y"])
def test_an_unknown_channel_is_dropped(told: Told, channel: str) -> None:
    assert not told.intake.take(channel, raw({}), NOW_NS)
    assert told.dropped == {"unknown_channel": 1}


def test_an_unknown_instrument_of_ours_asks_for_the_listing_and_others_do_not(told: Told) -> None:
    new = SmallMarket(NOW_MS)
    new.add(option("BTC", new.far, 95_000, "C"))
    name = "BTC-22FEB26-95000-C"
    said = raw(new.ticker(name, NOW_MS))
    assert told.intake.take(f"ticker.{name}.agg2", said, NOW_NS)
    assert told.mark(name, 0.05, 0.4, NOW_MS)
    sol = raw(new.ticker("SOL_USDC-PERPETUAL", NOW_MS))
    assert not told.intake.take("ticker.SOL_USDC-PERPETUAL.100ms", sol, NOW_NS)
    assert told.dropped == {"unknown_instrument": 3}
    assert told.intake.drain() is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("BTC-1MAR26-95000-C", True), ("ETH_USDC-1MAR26", True), ("BTC-PERPETUAL", True)),
        *(("BTC-CS-27MAR26-70000_75000", False), ("SOL_USDC-PERPETUAL", False), ("", False)),
    ],
)
def test_news_of_an_instrument_ask_for_the_listing_when_it_may_be_ours(
    told: Told, name: str, expected: bool
) -> None:
    said = {"timestamp": NOW_MS, "state": "created", "instrument_name": name}
    assert told.intake.take("instrument.state.any.any", raw(said), NOW_NS) is expected


def test_an_instrument_is_halted_while_its_ticker_calls_it_anything_but_open(told: Told) -> None:
    told.index()
    assert told.ticker(OPTION, state="settlement")
    assert halted(told.drained()) == {OPTION}
    assert not told.ticker(OPTION, NOW_MS + 1, state="settlement")
    assert told.ticker(OPTION, NOW_MS + 2, state="open")
    assert halted(told.drained()) == set()


def test_what_the_listing_calls_halted_stays_so_whatever_its_ticker_says(told: Told) -> None:
    entries = {**MARKET.listed, OPTION: MARKET.listed[OPTION] | {"state": "locked"}}
    told.intake.relist(listing_of(*entries.values()))
    told.ticker(OPTION, state="open")
    assert halted(told.drained()) == {OPTION}


def test_a_locked_index_halts_all_that_follows_it_until_it_is_unlocked(told: Told) -> None:
    told.index()
    locked = {"price_index": "eth_usd", "locked": True}
    assert told.intake.take("platform_state", raw(locked), NOW_NS)
    names = halted(told.drained())
    assert "ETH-PERPETUAL" in names
    assert {name.partition("-")[0] for name in names} == {"ETH"}
    told.intake.take("platform_state", raw(locked | {"locked": False}), NOW_NS)
    assert halted(told.drained()) == set()


def test_a_new_connection_forgets_locks_of_the_former(told: Told) -> None:
    told.index()
    locked = {"price_index": "eth_usd", "locked": True}
    told.intake.take("platform_state", raw(locked), NOW_NS)
    told.ticker(OPTION, state="closed")
    told.intake.reconnected()
    told.intake.relist(listing_of(*MARKET.listed.values()))
    assert halted(told.drained()) == set()


def test_maintenance_of_the_platform_asks_for_the_listing(told: Told) -> None:
    assert told.intake.take("platform_state", raw({"maintenance": True}), NOW_NS)


def test_the_volatility_index_is_told_as_a_fraction(told: Told) -> None:
    channel = "deribit_volatility_index.eth_usd"
    said = {"index_name": "eth_usd", "volatility": 61.5, "timestamp": NOW_MS}
    told.intake.take(channel, raw(said), NOW_NS)
    told.intake.take(channel, raw(said | {"volatility": None, "timestamp": NOW_MS + 1}), NOW_NS)
    assert told.recorder.vols == {"ETH": 0.615}
    assert told.dropped == {"missing": 1}
    assert told.intake.drain() is None


def test_the_lag_is_from_the_venues_timestamp_to_the_servers_clock(told: Told) -> None:
    told.index(at_ms=NOW_MS - 250)
    assert told.recorder.lag_seconds == 0.25


def test_prices_of_what_left_the_listing_are_not_given_out(told: Told) -> None:
    told.index()
    told.ticker(OPTION)
    expired = {**MARKET.listed}
    del expired[OPTION]
    far_ms = NOW_MS + 31 * 86_400_000
    told.index(at_ms=far_ms, now_ms=far_ms)
    told.intake.relist(listing_of(*expired.values()))
    taken = told.drained()
    assert OPTION not in taken.update.names
    assert OPTION not in {each.name for each in taken.instruments}


def test_it_has_started_when_every_underlying_has_index_and_ticker(told: Told) -> None:
    told.index()
    told.ticker(PERPETUAL)
    assert not told.intake.has_started()
    said = {"index_name": "eth_usd", "price": 3000.0, "timestamp": NOW_MS}
    told.intake.take("deribit_price_index.eth_usd", raw(said), NOW_NS)
    assert not told.intake.has_started()
    told.ticker("ETH-PERPETUAL")
    assert told.intake.has_started()


def test_a_venue_without_listing_never_starts() -> None:
    assert not Intake(Recorder()).has_started()
