"""The Deribit feed while the venue goes wrong. docs/feeds.md has a row for each test here."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from margingate_engine.core.errors import MissingData
from margingate_server.feeds.deribit import intake
from margingate_server.feeds.deribit.session import Session
from tests.deribit_venue.feeding import Fed, fed_by
from tests.deribit_venue.market import SmallMarket
from tests.deribit_venue.server import Venue, notice, wall_ms
from tests.integration.support.pages import wait_until

PERPETUAL = "BTC-PERPETUAL"
CHANNEL = f"ticker.{PERPETUAL}.100ms"
SENTINEL = 12_345.0
"""A price that only injected messages have."""

FLOOD = 5000


@pytest.fixture
def market() -> SmallMarket:
    return SmallMarket(wall_ms())


@pytest.fixture
def venue(market: SmallMarket) -> Iterator[Venue]:
    with Venue(market) as running:
        yield running


@pytest.fixture
def fed(venue: Venue) -> Iterator[Fed]:
    """A feed with everything subscribed and priced."""
    with fed_by(venue) as begun:
        wait_until(lambda: begun.gives() and begun.recorder.is_connected, "it is connected")
        yield begun


def hush(venue: Venue, fed: Fed) -> None:
    """The venue says nothing more; what it said before has arrived, and is asked for."""
    venue.is_speaking = False
    before = fed.dropped("unknown_channel")
    venue.say("the end", {})
    wait_until(lambda: fed.dropped("unknown_channel") > before, "the last message has arrived")
    fed.update()
    fed.mark.clear()


def goes_on(fed: Fed, *, connections: int = 1) -> None:
    """The feed has prices of everything once more, over so many connections since the start."""
    fed.update()
    fed.mark.clear()
    count = len(fed.listed())
    wait_until(lambda: fed.gives() and len(fed.mark) == count, "all have new prices")
    assert fed.recorder.connected_count == connections


@pytest.mark.parametrize(
    ("how", "reason"), [("clean", "closed"), ("abrupt", "lost"), ("mid_message", "lost")]
)
def test_after_a_disconnect_it_comes_back_with_every_channel(
    venue: Venue, fed: Fed, how: str, reason: str
) -> None:
    channels = venue.channels()
    venue.hang_up(how)
    wait_until(lambda: fed.recorder.connected_count == 2, "it is connected again")
    assert venue.channels() == channels
    assert fed.recorder.endings == [reason]
    goes_on(fed, connections=2)


def test_it_comes_back_however_often_it_is_disconnected(venue: Venue, fed: Fed) -> None:
    for count in range(2, 7):
        venue.hang_up("abrupt")
        wait_until(lambda: fed.recorder.connected_count == count, "it is back")  # noqa: B023
    goes_on(fed, connections=6)


@pytest.mark.parametrize("has_heartbeats", [False, True])
def test_when_the_venue_falls_silent_nothing_is_given_and_it_connects_anew(
    venue: Venue, has_heartbeats: bool
) -> None:
    patience = {"data_silence_seconds": 0.5} if has_heartbeats else {"silence_seconds": 0.5}
    with fed_by(venue, **patience) as fed:
        wait_until(lambda: fed.gives() and fed.recorder.is_connected, "it is connected")
        venue.sends_heartbeats = has_heartbeats
        hush(venue, fed)
        for _ in range(3):
            update = fed.update()
            assert (update.names, update.index_by_underlying) == ((), {})
        wait_until(lambda: "silent" in fed.recorder.endings, "it gives up")
        venue.is_speaking = venue.sends_heartbeats = True
        wait_until(fed.gives, "prices come again")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("{", "malformed"),
        ("", "malformed"),
        ("not json", "malformed"),
        (b"\x00\xff\x80", "malformed"),
        (notice(CHANNEL, {"mark_price": float("nan")}), "malformed"),
        ('{"jsonrpc":"2.0","method":"subscription","params":{"channel":"a","data":', "malformed"),
        ("[" * 100_000 + "]" * 100_000, "invalid"),
        ('{"id":1,"result":' + "[" * 100_000 + "]" * 100_000 + "}", "malformed"),
        ("[]", "invalid"),
        ("null", "invalid"),
        ("{}", "invalid"),
        ('{"id":"one","result":1}', "invalid"),
        ('{"method":"subscription","params":[]}', "invalid"),
        (notice(CHANNEL, [1, 2, 3]), "invalid"),
        (notice(CHANNEL, {"instrument_name": PERPETUAL, "timestamp": "now"}), "invalid"),
        (notice("deribit_price_index.btc_usd", "90000"), "invalid"),
        (notice("markprice.options.btc_usd", {"iv": []}), "invalid"),
        (notice("order.book", {}), "unknown_channel"),
    ],
)
def test_what_nobody_can_read_is_counted_and_the_connection_goes_on(
    venue: Venue, fed: Fed, raw: str | bytes, reason: str
) -> None:
    venue.send(raw)
    wait_until(lambda: fed.dropped(reason) > 0, "it is counted")
    goes_on(fed)


def test_answers_that_nobody_asked_for_change_nothing(venue: Venue, fed: Fed) -> None:
    for number in (0, -1, 10**6, 1):
        venue.send(json.dumps({"jsonrpc": "2.0", "id": number, "result": "ok"}))
        venue.send(json.dumps({"id": number, "error": {"code": 1, "message": "no"}}))
    goes_on(fed)


def test_messages_out_of_order_and_duplicates_are_dropped(
    venue: Venue, market: SmallMarket, fed: Fed
) -> None:
    hush(venue, fed)
    at_ms = wall_ms() + 1000
    sound = market.ticker(PERPETUAL, at_ms)
    venue.say_several(
        (CHANNEL, sound),
        (CHANNEL, sound | {"mark_price": SENTINEL}),
        (CHANNEL, sound | {"mark_price": SENTINEL, "timestamp": at_ms - 1}),
        ("deribit_price_index.btc_usd", index(SENTINEL, at_ms - 60_000)),
    )
    wait_until(lambda: fed.dropped("late") > 0, "all have arrived")
    wait_until(lambda: bool(fed.gives() or fed.mark), "they are drained")
    assert fed.mark[PERPETUAL] == sound["mark_price"]
    assert fed.index["BTC"] != SENTINEL
    assert fed.dropped("duplicate") == 1
    assert fed.dropped("out_of_order") == 1
    venue.is_speaking = True
    goes_on(fed)  # a second later: the injected ticker was ahead of the clock


def test_a_clock_of_the_venue_gone_mad_keeps_nothing_out(
    venue: Venue, market: SmallMarket, fed: Fed
) -> None:
    for ahead_ms in (60_000, 10**12, 2**60):
        said = market.ticker(PERPETUAL, wall_ms(), mark_price=SENTINEL)
        venue.say(CHANNEL, said | {"timestamp": wall_ms() + ahead_ms})
    wait_until(lambda: fed.dropped("ahead") + fed.dropped("absurd") == 3, "they are counted")
    goes_on(fed)
    assert fed.mark[PERPETUAL] != SENTINEL


def test_prices_that_lay_somewhere_for_half_a_minute_are_no_market(market: SmallMarket) -> None:
    with (
        Venue(market, now_ms=lambda: wall_ms() - 30_000) as venue,
        fed_by(venue, start_seconds=0.3) as fed,
    ):
        with pytest.raises(MissingData):
            fed.update()
        wait_until(lambda: fed.dropped("late") > 100, "they are counted")
        assert not fed.gives()
        venue.now_ms = wall_ms
        wait_until(fed.gives, "fresh prices are a market")


def test_an_unknown_instrument_is_dropped_and_the_listing_asked_for(
    venue: Venue, market: SmallMarket, fed: Fed
) -> None:
    listed = fed.recorder.listed_count
    said = market.ticker(PERPETUAL, wall_ms(), mark_price=SENTINEL)
    name = "BTC-1JAN99-1000-C"
    venue.say(f"ticker.{name}.agg2", said | {"instrument_name": name})
    wait_until(lambda: fed.recorder.listed_count > listed, "it lists again")
    assert fed.dropped("unknown_instrument") == 1
    goes_on(fed)
    assert name not in fed.mark


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"best_bid_price": 2.0, "best_ask_price": 1.0}, "crossed"),
        ({"mark_price": None}, "missing"),
        ({"mark_price": 0.0}, "missing"),
        ({"mark_price": -SENTINEL}, "absurd"),
        ({"mark_price": 1e300}, "absurd"),
    ],
)
def test_crossed_missing_and_absurd_quotes_are_no_price(
    venue: Venue, market: SmallMarket, fed: Fed, changes: dict[str, Any], reason: str
) -> None:
    hush(venue, fed)
    ticker = market.ticker(PERPETUAL, wall_ms(), mark_price=SENTINEL)
    venue.say(CHANNEL, ticker | changes)
    wait_until(lambda: fed.dropped(reason) == 1, "it is counted")
    assert not fed.gives(PERPETUAL)
    assert PERPETUAL not in fed.mark
    venue.is_speaking = True
    goes_on(fed)


def test_a_missing_side_of_the_book_leaves_the_mark_as_it_is(
    venue: Venue, market: SmallMarket, fed: Fed
) -> None:
    at_ms = wall_ms() + 500
    venue.say(CHANNEL, market.ticker(PERPETUAL, at_ms, best_bid_price=None, best_ask_price=None))
    wait_until(lambda: fed.gives(PERPETUAL), "it is a price")
    assert fed.dropped("missing") == 0


def test_a_tenfold_price_is_passed_on_and_the_next_one_replaces_it(
    venue: Venue, market: SmallMarket, fed: Fed
) -> None:
    spike = 10 * market.mark(PERPETUAL, wall_ms())
    venue.say(CHANNEL, market.ticker(PERPETUAL, wall_ms() + 100, mark_price=spike))
    wait_until(lambda: fed.gives() and fed.mark[PERPETUAL] == spike, "the spike is given")
    wait_until(lambda: fed.gives() and fed.mark[PERPETUAL] < spike / 5, "it is over")
    goes_on(fed)


@pytest.mark.parametrize("method", ["public/subscribe", "public/get_instruments"])
def test_too_many_requests_make_it_wait_and_come_back(venue: Venue, method: str) -> None:
    venue.fail_next(method, 10028, "too_many_requests", times=2)
    with fed_by(venue) as fed:
        wait_until(lambda: fed.gives() and fed.recorder.is_connected, "it is connected")
        assert fed.recorder.endings == ["rate_limited"] * 2
        assert all(wait >= 0.3 for wait in fed.recorder.waits)
        goes_on(fed)


@pytest.mark.parametrize(
    "method", ["public/set_heartbeat", "public/get_instruments", "public/subscribe"]
)
def test_a_refused_request_starts_the_connection_over(venue: Venue, method: str) -> None:
    venue.fail_next(method, 11051, "system_maintenance")
    with fed_by(venue) as fed:
        wait_until(lambda: fed.gives() and fed.recorder.is_connected, "it is connected")
        assert fed.recorder.endings == ["refused"]
        assert "system_maintenance" in fed.recorder.details["refused"]
        goes_on(fed)


def test_an_error_without_an_id_starts_the_connection_over(venue: Venue, fed: Fed) -> None:
    venue.send('{"jsonrpc":"2.0","error":{"code":-32600,"message":"request entity too large"}}')
    wait_until(lambda: fed.recorder.endings == ["refused"], "it gives up")
    goes_on(fed, connections=2)


def test_a_channel_that_is_not_granted_is_counted_and_asked_for_again(venue: Venue) -> None:
    venue.drops_channels.add(CHANNEL)
    with fed_by(venue, relist_seconds=0.1) as fed:
        wait_until(lambda: fed.gives() and fed.dropped("refused_channel") > 1, "it tries again")
        assert fed.recorder.details["refused_channel"] == CHANNEL
        assert PERPETUAL not in fed.mark
        venue.drops_channels.clear()
        wait_until(lambda: fed.gives(PERPETUAL), "it is granted")
        assert fed.recorder.connected_count == 1


@pytest.mark.parametrize("channel", [CHANNEL, "deribit_price_index.btc_usd"])
def test_a_subscription_lost_without_a_word_is_made_anew(venue: Venue, channel: str) -> None:
    with fed_by(venue, relist_seconds=0.2, quiet_seconds=0.5) as fed:
        wait_until(lambda: fed.gives() and fed.recorder.is_connected, "it is connected")
        venue.lose(channel)
        assert channel not in venue.channels()
        wait_until(lambda: channel in venue.channels(), "it is subscribed again")
        goes_on(fed)


def test_a_listing_that_is_none_starts_the_connection_over(
    venue: Venue, market: SmallMarket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(market, "entries", lambda _currency: {"instruments": "later"})
    with fed_by(venue, start_seconds=0.2) as fed:
        with pytest.raises(MissingData):
            fed.update()
        wait_until(lambda: "unlisted" in fed.recorder.endings, "it gives up")
        monkeypatch.undo()
        wait_until(fed.gives, "there is a market")


def test_a_message_of_megabytes_is_read_and_one_beyond_the_limit_ends_the_connection(
    venue: Venue, market: SmallMarket
) -> None:
    with fed_by(venue, message_bytes_max=4 * 2**20) as fed:
        wait_until(lambda: fed.gives() and fed.recorder.is_connected, "it is connected")
        at_ms = wall_ms() + 1000
        ticker = market.ticker(PERPETUAL, at_ms, mark_price=90_123.25)
        venue.say(CHANNEL, ticker | {"padding": "x" * 3 * 2**20})
        wait_until(lambda: fed.gives() and fed.mark[PERPETUAL] == 90_123.25, "it is read")
        venue.say(CHANNEL, ticker | {"padding": "x" * 5 * 2**20})
        wait_until(lambda: fed.recorder.endings == ["too_large"], "it gives up")
        wait_until(lambda: fed.recorder.connected_count == 2, "it is back")
        goes_on(fed, connections=2)


def test_a_venue_slow_to_answer_is_waited_for_and_one_too_slow_is_tried_again(
    venue: Venue,
) -> None:
    venue.answer_delay_seconds = 0.1
    with fed_by(venue, answer_seconds=0.5) as fed:
        wait_until(lambda: fed.gives() and fed.recorder.is_connected, "it is connected")
        assert fed.recorder.endings == []
    venue.answer_delay_seconds = 1.0
    with fed_by(venue, answer_seconds=0.2, start_seconds=0.2) as fed:
        with pytest.raises(MissingData):
            fed.update()
        wait_until(lambda: "unanswered" in fed.recorder.endings, "it gives up")
        venue.answer_delay_seconds = 0.0
        wait_until(fed.gives, "there is a market")


def test_of_a_flood_the_newest_price_is_given_and_nothing_piles_up(
    venue: Venue, market: SmallMarket, fed: Fed
) -> None:
    hush(venue, fed)
    start_ms = wall_ms() - FLOOD
    flood = (
        market.ticker(PERPETUAL, start_ms + step, mark_price=50_000.0 + step)
        for step in range(FLOOD)
    )
    venue.say_several(*((CHANNEL, ticker) for ticker in flood))
    last = 50_000.0 + FLOOD - 1
    wait_until(lambda: fed.gives() and fed.mark[PERPETUAL] == last, "the last is given")
    assert len(fed.update().names) == 0
    venue.is_speaking = True
    goes_on(fed)


def test_a_venue_that_is_not_there_is_tried_ever_more_seldom(venue: Venue) -> None:
    with fed_by(venue, url="ws://127.0.0.1:9", start_seconds=0.5) as fed:
        with pytest.raises(MissingData):
            fed.update()
        wait_until(lambda: len(fed.recorder.endings) > 4, "it is tried again")
        assert set(fed.recorder.endings) == {"unreachable"}
        assert fed.recorder.waits[3] > fed.recorder.waits[0]


def index(price: float, at_ms: int) -> dict[str, Any]:
    return {"index_name": "btc_usd", "price": price, "timestamp": at_ms}


def test_what_nobody_foresaw_in_a_message_is_told_and_the_next_one_is_taken(
    fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_ticker: object, _instrument: object) -> str:
        raise KeyError("bug")

    with monkeypatch.context() as patched:
        patched.setattr(intake, "ticker_problem", broken)
        wait_until(lambda: len(fed.recorder.failures) > 5, "it is told")
    goes_on(fed)
    assert {where.partition(".")[0] for _, where in fed.recorder.failures} == {"ticker"}
    fed.recorder.failures.clear()


def test_what_nobody_foresaw_in_a_connection_is_told_and_the_next_one_is_made(
    venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_session: Session, _connection: object) -> None:
        raise ZeroDivisionError("bug")

    with fed_by(venue, start_seconds=0.2) as fed:
        with monkeypatch.context() as patched:
            patched.setattr(Session, "run", broken)
            with pytest.raises(MissingData):
                fed.update()
            wait_until(lambda: len(fed.recorder.endings) > 2, "it is tried again")
        wait_until(fed.gives, "there is a market")
        assert set(fed.recorder.endings) == {"unforeseen"}
        assert {where for _, where in fed.recorder.failures} == {"connection"}
        fed.recorder.failures.clear()
