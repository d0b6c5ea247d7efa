"""Expiry at a real server that is restarted before its price comes. [SPAN-18]"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.app import Application
from margingate_server.config import ServerConfig
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, order

EXPIRY = Timestamp(seconds=1_700_000_000)
BEFORE, AFTER = Timestamp(seconds=1_699_999_000), Timestamp(seconds=1_700_000_060)
COMMON = {
    "underlying": "BTC",
    "contract_size": "1",
    "lot_size": "0.1",
    "settlement": types.SETTLEMENT_LINEAR,
}
CALL = types.Instrument(
    instrument="CALL", kind=types.INSTRUMENT_KIND_OPTION, tick_size="0.5", strike="100000",
    right=types.OPTION_RIGHT_CALL, expiry_time=EXPIRY, **COMMON,
)  # fmt: skip
PERPETUAL = types.Instrument(
    instrument="PERPETUAL", kind=types.INSTRUMENT_KIND_PERPETUAL, tick_size="0.5", **COMMON
)


@contextmanager
def served(folder: Path) -> Iterator[Wire]:
    config = ServerConfig(
        feed="none", port=0, http_port=0, data_dir=folder, has_seed_accounts=False
    )
    application = Application(config)
    application.start()
    try:
        with connected(f"127.0.0.1:{application.grpc_port}") as wire:
            yield wire
    finally:
        application.stop()


def quote(wire: Wire, time: Timestamp, **marks: float) -> None:
    options = [0.5 if name == "CALL" else 0.0 for name in marks]
    request = market.PublishQuotesRequest(
        market_time=time,
        indices=[market.IndexQuote(underlying="BTC", price=101_000.0)],
        instruments=list(marks),
        mark_prices=list(marks.values()),
        mark_vols=options,
        forward_prices=[101_000.0 if vol else 0.0 for vol in options],
    )
    wire.market.PublishQuotes(request, timeout=CALL_SECONDS_MAX)


def settle(wire: Wire, price: str) -> market.PublishSettlementPricesResponse:
    prices = [market.SettlementPrice(underlying="BTC", expiry_time=EXPIRY, price=price)]
    return wire.market.PublishSettlementPrices(
        market.PublishSettlementPricesRequest(prices=prices), timeout=CALL_SECONDS_MAX
    )


def test_an_expired_position_keeps_its_value_over_a_restart_until_it_is_cash(
    tmp_path: Path,
) -> None:
    with served(tmp_path) as wire:
        listed = market.PublishInstrumentsRequest(instruments=[CALL, PERPETUAL])
        wire.market.PublishInstruments(listed, timeout=CALL_SECONDS_MAX)
        quote(wire, BEFORE, CALL=1_000.0, PERPETUAL=101_000.0)
        wire.open("a", USD="100000")
        stated = accounts.SetPositionsRequest(
            request_id="p", account="a", positions=[types.Position(instrument="CALL", quantity="2")]
        )
        wire.accounts.SetPositions(stated, timeout=CALL_SECONDS_MAX)
        accepted = wire.check("r", order("o", leg("PERPETUAL", "0.1", "101000")))
        assert accepted.decision.verdict == types.VERDICT_ACCEPTED
    with served(tmp_path) as wire:
        assert not wire.account().HasField("risk")
        quote(wire, AFTER, PERPETUAL=101_000.0)
        shown = wire.account()
        (call,) = shown.positions
        assert (call.value, call.awaiting_settlement) == ("2000", True)
        assert shown.risk.equity == "102000"
        more = wire.check("s", order("p", leg("PERPETUAL", "0.1", "101000")))
        assert more.decision.verdict == types.VERDICT_ACCEPTED
        assert settle(wire, "101234.5").position_count == 1
        settled = wire.account()
        assert [(each.currency, each.amount) for each in settled.balances] == [("USD", "102469")]
        assert not settled.positions
    with served(tmp_path) as wire:
        quote(wire, AFTER, PERPETUAL=101_000.0)
        assert wire.account() == settled
        assert settle(wire, "101234.5") == market.PublishSettlementPricesResponse()
