"""A server on a live venue that goes wrong: no order is accepted on it, and the service goes on."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as market_service
from margingate.v1 import types_pb2 as types
from tests.deribit_venue.contracts import option
from tests.deribit_venue.market import SmallMarket
from tests.deribit_venue.server import Venue, notice, wall_ms
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.pages import counts, readiness, wait_until
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, order

UNDERLYING_AGE_SECONDS = 1.5
PERPETUAL = "BTC-PERPETUAL"
CHANNEL = f"ticker.{PERPETUAL}.100ms"
ACCEPTED = types.REJECT_REASON_UNSPECIFIED
STALE = types.REJECT_REASON_MARKET_DATA_STALE
MISSING = types.REJECT_REASON_MARKET_DATA_MISSING
SUSPECT = types.REJECT_REASON_MARKET_DATA_SUSPECT
SENTINEL = 54_321.0
"""A price that only injected messages have."""

SLACK_SECONDS = 1.0
"""Prices that were under way, and the server's own interval."""


@dataclass
class Live:
    """A server, its venue, and orders to it."""

    venue: Venue
    market: SmallMarket
    server: Server
    wire: Wire
    order_count: int = 0

    def reason(self, name: str = PERPETUAL) -> int:
        """Why a small order sent now is refused; ACCEPTED when it is not."""
        self.order_count += 1
        number = f"{self.server.process.pid}-{self.order_count}"
        quantity = "0.1" if name.endswith(("-C", "-P")) else "10"
        price = "0.0005" if name.endswith(("-C", "-P")) else "89000"
        answer = self.wire.check(number, order(number, leg(name, quantity, price)))
        return int(answer.decision.reject_reason)

    def page(self) -> market_service.GetMarketResponse:
        """The market as the server has it."""
        request = market_service.GetMarketRequest(page_size=1000)
        return self.wire.market.GetMarket(request, timeout=CALL_SECONDS_MAX)

    def marks(self) -> dict[str, float]:
        """Everything that the server has as a price: marks, and indices by underlying."""
        answer = self.page()
        prices = {each.instrument.instrument: each.mark_price for each in answer.instruments}
        return prices | {each.underlying: each.index_price for each in answer.underlyings}

    def counted(self) -> Counter[tuple[str, ...]]:
        """What the server counts of its feed, by name and labels."""
        return Counter(counts(self.server.http_port, "margingate_feed_"))  # type: ignore[arg-type]

    def dropped(self, reason: str) -> float:
        """How many messages the server did not take for this reason."""
        return self.counted()["margingate_feed_dropped_total", reason]


def opened(server: Server, wire: Wire) -> None:
    wait_until(lambda: readiness(server.http_port)[0] == 200, "the server is ready")
    wire.open("a", USD="100000000", BTC="1000")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    market = SmallMarket(wall_ms())
    with Venue(market) as venue:
        server = served(venue, tmp_path_factory.mktemp("ledger"))
        try:
            with connected(server.target) as wire:
                opened(server, wire)
                yield Live(venue, market, server, wire)
            assert server.stop() == 0
        finally:
            server.end()


@pytest.fixture(autouse=True)
def the_venue_as_it_was(live: Live) -> Iterator[None]:
    """Undo what a test told the venue to do wrong, whether it passed or not."""
    yield
    live.venue.is_speaking = live.venue.accepts = True


def served(venue: Venue, folder: Path) -> Server:
    ages = ["--underlying-age-max", str(UNDERLYING_AGE_SECONDS), "--instrument-age-max", "5"]
    return start_server(["--feed", f"deribit:{venue.url}", *ages], folder)


def test_the_market_of_the_venue_is_listed_priced_and_decided_on(live: Live) -> None:
    wait_until(lambda: all(each.priced for each in live.page().instruments), "all have prices")
    assert len(live.page().instruments) == 52
    assert live.reason() == ACCEPTED
    assert live.reason(option("BTC", live.market.far, 108_000, "C")["instrument_name"]) == ACCEPTED
    assert live.reason("BTC_USDC-PERPETUAL") != MISSING
    wait_until(lambda: live.counted()["margingate_feed_connected",] == 1, "it says so")
    page = live.counted()
    assert page["margingate_feed_volatility_index", "BTC"] == 0.5
    assert page["margingate_feed_left_out", "combo"] == 1


def told_twice(data: dict[str, Any]) -> tuple[str, str]:
    """A ticker, and the index price with it."""
    at_ms = data["timestamp"]
    index = {"index_name": "btc_usd", "price": data["mark_price"], "timestamp": at_ms}
    return notice(CHANNEL, data), notice("deribit_price_index.btc_usd", index)


def injected(market: SmallMarket, **changes: Any) -> tuple[str, str]:
    return told_twice(market.ticker(PERPETUAL, wall_ms(), mark_price=SENTINEL) | changes)


INJECTIONS: dict[str, tuple[str, Callable[[SmallMarket], tuple[str | bytes, ...]]]] = {
    "malformed": ("malformed", lambda _market: ("{", b"\xff\x00", '{"jsonrpc":')),
    "wrong_types": ("invalid", lambda market: injected(market, mark_price=str(SENTINEL))),
    "not_a_number": ("malformed", lambda market: injected(market, mark_price=float("nan"))),
    "crossed": (
        "crossed",
        lambda market: injected(market, best_bid_price=2.0, best_ask_price=1.0)[:1],
    ),
    "missing": ("missing", lambda market: injected(market, mark_price=None)),
    "absurd": ("absurd", lambda market: injected(market, mark_price=-SENTINEL)),
    "out_of_order": (
        "out_of_order",
        lambda market: injected(market, timestamp=wall_ms() - 2000),
    ),
    "late": ("late", lambda market: injected(market, timestamp=wall_ms() - 20_000)),
    "ahead": ("ahead", lambda market: injected(market, timestamp=wall_ms() + 3_600_000)),
    "unknown_instrument": (
        "unknown_instrument",
        lambda market: (
            notice(
                "ticker.BTC-1JAN99.100ms",
                market.ticker(PERPETUAL, wall_ms()) | {"instrument_name": "BTC-1JAN99"},
            ),
        ),
    ),
}


@pytest.mark.parametrize("fault", INJECTIONS)
def test_injected_messages_reach_no_decision(live: Live, fault: str) -> None:
    reason, messages = INJECTIONS[fault]
    before = live.dropped(reason)
    for _ in range(20):
        for raw in messages(live.market):
            live.venue.send(raw)
        assert SENTINEL not in {abs(price) for price in live.marks().values()}
    wait_until(lambda: live.dropped(reason) > before, "it is counted")
    wait_until(lambda: live.reason() == ACCEPTED, "the service goes on")
    assert abs(live.marks()[PERPETUAL] / 90_000 - 1) < 0.01


def test_a_tenfold_price_reaches_no_decision_and_the_service_goes_on(live: Live) -> None:
    """What the feed passes on, the filter of market data refuses: the former price stands."""
    market, venue = live.market, live.venue
    name = option("BTC", market.far, 90_000, "C")["instrument_name"]
    wait_until(lambda: live.reason() == live.reason(name) == ACCEPTED, "both are decided on")
    before = live.marks()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        for raw in spikes(market, name):
            venue.send(raw)
        for _ in range(5):
            assert live.reason() in {ACCEPTED, SUSPECT}
            assert live.reason(name) in {ACCEPTED, SUSPECT}
            now = live.marks()
            assert {each for each in before if now[each] > 2 * before[each] + 0.01} == set()
        time.sleep(0.3)
    wait_until(lambda: live.reason() == live.reason(name) == ACCEPTED, "the service goes on")
    assert live.marks()[PERPETUAL] == pytest.approx(90_000, rel=0.01)


def spikes(market: SmallMarket, name: str) -> tuple[str, ...]:
    """Index, perpetual, and mark and forward of an option, ten times too high."""
    at_ms = wall_ms() + 50
    ticker = market.ticker(name, at_ms)
    tenfold = {key: 10 * ticker[key] for key in ("mark_price", "underlying_price")}
    return (
        *injected(market, mark_price=10 * market.mark(PERPETUAL, at_ms), timestamp=at_ms),
        notice(f"ticker.{name}.agg2", ticker | tenfold | {"best_ask_price": None}),
    )


def assert_refuses_from_the_age_limit_on(live: Live, silent_since: float) -> None:
    """Orders may be accepted until prices are too old, and not once after it."""
    deadline = silent_since + UNDERLYING_AGE_SECONDS + SLACK_SECONDS
    while time.monotonic() < deadline:
        assert live.reason() in {ACCEPTED, STALE}
    assert [live.reason() for _ in range(20)] == [STALE] * 20
    assert readiness(live.server.http_port)[0] == 503


def test_while_the_venue_is_silent_nothing_is_accepted_on_old_prices(live: Live) -> None:
    live.venue.is_speaking = False
    assert_refuses_from_the_age_limit_on(live, time.monotonic())
    live.venue.is_speaking = True
    wait_until(lambda: live.reason() == ACCEPTED, "the service goes on")
    wait_until(lambda: readiness(live.server.http_port)[0] == 200, "it says so")


@pytest.mark.parametrize("how", ["clean", "abrupt", "mid_message"])
def test_after_a_disconnect_the_service_goes_on(live: Live, how: str) -> None:
    connections = live.venue.connection_count
    live.venue.hang_up(how)
    wait_until(lambda: live.venue.connection_count > connections, "it is connected again")
    wait_until(lambda: live.reason() == ACCEPTED, "the service goes on")


def test_while_the_venue_turns_everybody_away_nothing_is_accepted_on_old_prices(
    live: Live,
) -> None:
    live.venue.accepts = False
    live.venue.hang_up("abrupt")
    assert_refuses_from_the_age_limit_on(live, time.monotonic())
    live.venue.accepts = True
    wait_until(lambda: live.reason() == ACCEPTED, "the service goes on")
    assert live.counted()["margingate_feed_disconnects_total", "lost"] >= 1


def test_one_instrument_without_prices_is_refused_and_the_others_are_not(live: Live) -> None:
    name = option("BTC", live.market.far, 99_000, "C")["instrument_name"]
    wait_until(lambda: live.reason(name) == ACCEPTED, "it is decided on")
    live.market.listed[name] |= {"state": "locked"}
    not_tradable = types.REJECT_REASON_INSTRUMENT_NOT_TRADABLE
    wait_until(lambda: live.reason(name) == not_tradable, "it is halted")
    assert live.reason() == ACCEPTED
    live.market.listed[name] |= {"state": "open"}
    wait_until(lambda: live.reason(name) == ACCEPTED, "it is open again")


def test_a_new_listing_can_be_traded_without_a_restart(live: Live) -> None:
    new = option("BTC", live.market.far, 117_000, "C")
    name = new["instrument_name"]
    refusal = live.wire.refusal(lambda: live.reason(name))
    assert refusal.code is grpc.StatusCode.NOT_FOUND
    live.market.add(new)
    said = {"timestamp": wall_ms(), "state": "created", "instrument_name": name}
    live.venue.say("instrument.state.any.any", said)
    wait_until(lambda: name in live.marks(), "it is listed")
    wait_until(lambda: live.reason(name) == ACCEPTED, "it can be traded")


def test_after_a_restart_amid_a_live_feed_it_waits_for_prices_and_answers_the_same(
    tmp_path: Path,
) -> None:
    market = SmallMarket(wall_ms())
    market.tick = lambda: None  # type: ignore[method-assign]  # so that margins can be compared
    with Venue(market) as venue:
        first = served(venue, tmp_path)
        try:
            with connected(first.target) as wire:
                opened(first, wire)
                wanted = order("o", leg(PERPETUAL, "1000", "89000"))
                told = wire.check("r", wanted).decision
                assert told.reject_reason == ACCEPTED
                held = margin_of(wire)
            assert first.stop() == 0
        finally:
            first.end()
        venue.is_speaking = False
        second = served(venue, tmp_path)
        try:
            assert readiness(second.http_port)[0] == 503
            with connected(second.target) as wire:
                assert not wire.is_healthy()
                again = wire.check("r", wanted)
                assert (again.decision, again.replayed) == (told, True)
                refused = wire.check("r2", order("o2", leg(PERPETUAL, "10", "89000"))).decision
                assert refused.reject_reason == MISSING
                venue.is_speaking = True
                wait_until(lambda: readiness(second.http_port)[0] == 200, "it is ready")
                wait_until(lambda: margin_of(wire) == held, "margins are the same")
                after = wire.check("r3", order("o3", leg(PERPETUAL, "10", "89000"))).decision
                assert after.reject_reason == ACCEPTED
                assert (after.before.initial_margin, after.before.equity) == held
            assert second.stop() == 0
        finally:
            second.end()


def margin_of(wire: Wire) -> tuple[str, str]:
    """Initial margin and equity of the account, as the server says them; empty before prices."""
    request = accounts.GetMarginRequest(account="a")
    risk = wire.accounts.GetMargin(request, timeout=CALL_SECONDS_MAX).risk
    return risk.initial_margin, risk.equity
