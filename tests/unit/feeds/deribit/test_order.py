"""Messages are taken in order, and only those of now."""

import pytest

from margingate_server.feeds.deribit.order import AHEAD_NS_MAX, LATE_NS_MAX, MessageOrder

NOW_MS = 1_769_160_000_000
NOW_NS = NOW_MS * 10**6
STREAM = ("ticker.BTC-PERPETUAL.100ms", "BTC-PERPETUAL")


def test_a_later_message_is_taken_and_an_earlier_or_equal_one_is_not() -> None:
    order = MessageOrder()
    assert order.problem(STREAM, NOW_MS, NOW_NS) == ""
    assert order.problem(STREAM, NOW_MS, NOW_NS) == "duplicate"
    assert order.problem(STREAM, NOW_MS - 1, NOW_NS) == "out_of_order"
    assert order.problem(STREAM, NOW_MS + 1, NOW_NS) == ""
    assert order.problem(("another", ""), NOW_MS - 1, NOW_NS) == ""


def test_what_is_too_far_ahead_is_refused_and_keeps_nothing_out() -> None:
    order = MessageOrder()
    ahead_ms = AHEAD_NS_MAX // 10**6
    assert order.problem(STREAM, NOW_MS + ahead_ms + 1, NOW_NS) == "ahead"
    assert order.problem(STREAM, NOW_MS, NOW_NS) == ""
    assert order.problem(STREAM, NOW_MS + ahead_ms, NOW_NS) == ""


def test_what_lay_somewhere_for_too_long_is_refused() -> None:
    order = MessageOrder()
    late_ms = LATE_NS_MAX // 10**6
    assert order.problem(STREAM, NOW_MS - late_ms - 1, NOW_NS) == "late"
    assert order.problem(STREAM, NOW_MS - late_ms, NOW_NS) == ""


@pytest.mark.parametrize("timestamp_ms", [0, -1, 2**53, 2**63 - 1])
def test_a_timestamp_that_is_no_time_is_absurd(timestamp_ms: int) -> None:
    assert MessageOrder().problem(STREAM, timestamp_ms, NOW_NS) == "absurd"


def test_channels_without_a_message_since_are_quiet() -> None:
    order = MessageOrder()
    assert order.problem(STREAM, NOW_MS, NOW_NS) == ""
    channels = (STREAM[0], "deribit_price_index.btc_usd")
    assert order.quiet(channels, NOW_NS) == {"deribit_price_index.btc_usd"}
    assert order.quiet(channels, NOW_NS + 1) == set(channels)


def test_streams_of_what_left_the_listing_are_forgotten() -> None:
    order = MessageOrder()
    index = ("deribit_price_index.btc_usd", "")
    for stream in (STREAM, index):
        assert order.problem(stream, NOW_MS, NOW_NS) == ""
    order.forget(frozenset({"ETH-PERPETUAL"}))
    assert order.problem(STREAM, NOW_MS - 1, NOW_NS) == ""
    assert order.problem(index, NOW_MS, NOW_NS) == "duplicate"
