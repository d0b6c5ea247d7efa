"""A server on a recorded market: expiry, settlement and an order flow without anybody calling."""

import time
from pathlib import Path

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.app import Application
from margingate_server.config import ServerConfig
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected
from tests.unit.feeds.replay_files import CALL, PUT, at, fair_row, write_chains

MANIFEST = """
market = { chains = ["chains.csv.gz"] }
alongside = { accounts = "accounts.json", orders = "orders.csv" }
"""
ACCOUNTS = f"""[{{"account": "a", "collateral": {{"BTC": "2"}},
"positions": [{{"instrument": "{PUT}", "quantity": "-1"}}]}}]"""
ORDERS = f"""time,account,instrument,side,quantity,price,outcome
{at(0.5)},a,{CALL},sell,1,0.02,fill
{at(7)},a,{CALL},sell,500,0.01,fill
"""
WAIT_SECONDS = 30


def recorded_market(folder: Path) -> Path:
    write_chains(
        folder / "chains.csv.gz",
        *(fair_row(0, CALL, 40, 90_000, 89_000), fair_row(0, PUT, 55, 89_100, 89_000)),
        fair_row(6, CALL, 48, 86_000, 85_000),
        fair_row(12, CALL, 55, 81_000, 80_000),
    )
    for name, text in (("replay.toml", MANIFEST), ("accounts.json", ACCOUNTS)):
        (folder / name).write_text(text, "utf-8")
    (folder / "orders.csv").write_text(ORDERS, "utf-8")
    return folder


def index(wire: Wire) -> float:
    answer = wire.market.GetMarket(market.GetMarketRequest(), timeout=CALL_SECONDS_MAX)
    return float(answer.underlyings[0].index_price)


def test_a_replay_plays_to_its_end_settles_and_sends_its_orders(tmp_path: Path) -> None:
    folder = recorded_market(tmp_path)
    config = ServerConfig(
        feed=f"replay:{folder}",
        speed=float("inf"),
        port=0,
        http_port=0,
        data_dir=tmp_path / "ledger",
        has_seed_accounts=False,
    )
    application = Application(config)
    application.start()
    try:
        with connected(f"127.0.0.1:{application.grpc_port}") as wire:
            deadline = time.monotonic() + WAIT_SECONDS
            while index(wire) != 80_000:
                assert time.monotonic() < deadline, "the replay does not end"
                time.sleep(0.05)
            shown = wire.account()
            assert {each.instrument: each.quantity for each in shown.positions} == {CALL: "-1"}
            (coins,) = shown.balances
            received = 2 + 0.02 - 0.0003
            assert abs(float(coins.amount) - (received - 5_000 / 85_000)) < 1e-9
            refused = wire.margin.GetDecision(
                margin.GetDecisionRequest(account="a", request_id="replay-3"),
                timeout=CALL_SECONDS_MAX,
            )
            assert refused.decision.reject_reason == (
                types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
            )
    finally:
        application.stop()
