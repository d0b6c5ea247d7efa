"""The channels that a listing needs."""

from margingate_server.feeds.deribit.channels import KINDS, channels_of, kind_of
from margingate_server.observe.feed_metrics import MESSAGES
from tests.deribit_venue.contracts import expiry_in, future, option, spot
from tests.unit.feeds.deribit.listings import listing_of

FAR = expiry_in(30, 1_769_160_000_000)


def test_futures_tick_often_options_seldom_and_spot_not_at_all() -> None:
    listing = listing_of(option("BTC", FAR, 90_000, "C"), future("BTC", None), spot("BTC"))
    assert channels_of(listing) == (
        *("instrument.state.any.any", "platform_state"),
        *("deribit_price_index.btc_usd", "deribit_volatility_index.btc_usd"),
        "ticker.BTC-PERPETUAL.100ms",
        "ticker.BTC-22FEB26-90000-C.agg2",
        "markprice.options.btc_usd",
    )


def test_what_the_venue_lists_no_longer_has_no_channel_though_it_is_kept() -> None:
    former = listing_of(future("BTC", None), future("ETH", None))
    after = listing_of(future("ETH", None)).after(former, 0)
    assert set(after.instruments) == {"BTC-PERPETUAL", "ETH-PERPETUAL"}
    assert not any("BTC" in channel for channel in channels_of(after))
    again = listing_of(future("BTC", None), future("ETH", None)).after(after, 0)
    assert "ticker.BTC-PERPETUAL.100ms" in channels_of(again)
    assert not any(each.is_halted for each in again.instruments.values())


def test_a_venue_that_lists_nothing_is_still_asked_for_news() -> None:
    assert channels_of(listing_of()) == ("instrument.state.any.any", "platform_state")


def test_kinds_are_those_that_are_counted() -> None:
    assert set(KINDS) | {"answer", "heartbeat"} == set(MESSAGES)
    assert kind_of("book.BTC-PERPETUAL.100ms") == ""
    assert kind_of("") == ""
