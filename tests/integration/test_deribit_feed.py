"""The Deribit feed against a venue on loopback: how it starts, follows the listing, and stops."""

import threading

import pytest

from margingate_engine.core.errors import MissingData
from tests.deribit_venue.contracts import option
from tests.deribit_venue.feeding import Fed, fed_by
from tests.deribit_venue.market import SmallMarket
from tests.deribit_venue.server import Venue, wall_ms
from tests.integration.support.pages import wait_until

SKIPPED = {"combo": 1, "underlying": 1, "dollar_coin": 1}


def strike(market: SmallMarket, usd: int) -> str:
    """Name of a call of the later expiry."""
    return str(option("BTC", market.far, usd, "C")["instrument_name"])


def test_the_first_update_has_a_market_and_soon_every_instrument_has_a_price() -> None:
    market = SmallMarket(wall_ms())
    with Venue(market) as venue, fed_by(venue) as fed:
        update = fed.update()
        assert {"BTC", "ETH"} <= set(update.index_by_underlying)
        names = {each.name for each in fed.feed.instruments()}
        assert {"BTC", "ETH", "BTC-PERPETUAL", "BTC_USDC-PERPETUAL"} <= names
        wait_until(lambda: bool(fed.gives()) and set(fed.mark) == names, "all have prices")
        assert fed.recorder.left_out == SKIPPED
        assert fed.recorder.instrument_count == len(names) == 52
        assert abs(fed.mark["BTC-PERPETUAL"] / 90_000 - 1) < 1e-3
        assert fed.index["USDC"] == pytest.approx(0.9998, abs=1e-4)
        assert fed.index["USDT"] == pytest.approx(0.9990, abs=1e-4)
        assert -1 < fed.recorder.lag_seconds < 5
        assert fed.recorder.vols == {"BTC": 0.5, "ETH": 0.5}
        assert not fed.recorder.dropped_by_reason


def test_channels_are_subscribed_in_chunks_and_all_of_them() -> None:
    market = SmallMarket(wall_ms())
    with Venue(market) as venue, fed_by(venue, chunk_size=10) as fed:
        wait_until(lambda: fed.gives() and fed.recorder.is_connected, "everything is subscribed")
        chunks = [params["channels"] for name, params in venue.asked if name == "public/subscribe"]
        assert [len(chunk) for chunk in chunks] == [10] * (len(chunks) - 1) + [len(chunks[-1])]
        assert len({channel for chunk in chunks for channel in chunk}) == sum(map(len, chunks)) > 50
        assert set(chunks[0]) >= {"instrument.state.any.any", "deribit_price_index.btc_usd"}
        assert venue.asked[0] == ("public/set_heartbeat", {"interval": 10})
        wanted = {"currency": "USDC", "expired": False}
        assert ("public/get_instruments", wanted) in venue.asked


def test_test_requests_are_answered_for_as_long_as_they_come() -> None:
    with Venue(SmallMarket(wall_ms()), heartbeat_seconds=0.05) as venue, fed_by(venue) as fed:
        wait_until(lambda: fed.gives() and venue.requests["public/test"] > 5, "it answers")
        assert venue.unanswered_heartbeats == 0
        assert venue.connection_count == 1
        assert fed.recorder.received_by_kind["heartbeat"] > 5


def test_a_listing_that_is_announced_is_priced_and_what_is_delisted_is_halted() -> None:
    market = SmallMarket(wall_ms())
    with Venue(market) as venue, fed_by(venue) as fed:
        wait_until(fed.gives, "there are prices")
        assert_follows_news(venue, market, fed)


def assert_follows_news(venue: Venue, market: SmallMarket, fed: Fed) -> None:
    """One instrument comes and one goes, announced."""
    new = option("BTC", market.far, 95_000, "C")
    market.add(new)
    said = {"timestamp": wall_ms(), "state": "created", "instrument_name": new["instrument_name"]}
    venue.say("instrument.state.any.any", said)
    wait_until(lambda: fed.gives(new["instrument_name"]), "the new one has a price")
    assert new["instrument_name"] in fed.listed()

    gone = strike(market, 72_000)
    market.remove(gone)
    venue.say("instrument.state.any.any", said | {"state": "closed", "instrument_name": gone})
    wait_until(lambda: f"ticker.{gone}.agg2" not in venue.channels(), "its channel is left")
    wait_until(lambda: fed.gives() and gone not in fed.listed(), "it is halted")


def test_a_listing_that_nobody_announced_is_found_by_its_marks_or_in_time() -> None:
    market = SmallMarket(wall_ms())
    with Venue(market) as venue, fed_by(venue, relist_seconds=0.2) as fed:
        wait_until(fed.gives, "there are prices")
        by_mark = option("BTC", market.far, 95_000, "C")
        market.add(by_mark)
        wait_until(lambda: fed.gives(by_mark["instrument_name"]), "an option is found")
        assert fed.dropped("unknown_instrument") > 0
        market.add(market.listed["BTC-PERPETUAL"] | {"instrument_name": "ETH_USDC-PERPETUAL"})
        market.listed["ETH_USDC-PERPETUAL"] |= {
            "instrument_type": "linear",
            "settlement_currency": "USDC",
            "base_currency": "ETH",
            "price_index": "eth_usdc",
        }
        wait_until(lambda: fed.gives("ETH_USDC-PERPETUAL"), "a perpetual is found")


def test_before_the_venue_answers_there_is_no_market_and_then_there_is() -> None:
    with Venue(SmallMarket(wall_ms())) as venue, fed_by(venue, start_seconds=0.2) as fed:
        venue.accepts = False
        with pytest.raises(MissingData):
            fed.update()
        assert fed.feed.interval_seconds == 1.0
        venue.accepts = True
        wait_until(fed.gives, "the venue is there")
        assert fed.feed.interval_seconds < 1.0


def test_a_feed_that_stops_leaves_the_venue_and_its_thread_ends() -> None:
    with Venue(SmallMarket(wall_ms())) as venue:
        with fed_by(venue) as fed:
            fed.update()
            assert "deribit" in {thread.name for thread in threading.enumerate()}
        wait_until(lambda: not venue.channels(), "it has left")
        assert "deribit" not in {thread.name for thread in threading.enumerate()}
