"""Dollar coins at a real server: collateral in every regime, until their peg is lost. [COL-01]"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from typer import Typer
from typer.testing import CliRunner

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.app import Application
from margingate_server.cli.exit_codes import OK
from margingate_server.cli.replay import replay
from margingate_server.config import ServerConfig
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, order

START_SECONDS = 1_700_000_000
COMMON = {"contract_size": "1", "settlement": types.SETTLEMENT_LINEAR}
LISTED = (
    types.Instrument(
        instrument="PERPETUAL", kind=types.INSTRUMENT_KIND_PERPETUAL, underlying="BTC",
        lot_size="0.001", tick_size="0.5", **COMMON,
    ),
    types.Instrument(
        instrument="USDC", kind=types.INSTRUMENT_KIND_SPOT, underlying="USDC",
        lot_size="1", tick_size="0.0001", **COMMON,
    ),
)  # fmt: skip
SLIDE = (1.0, 0.97, 0.95, 0.93, 0.93, 0.93)
"""Each step is a jump for a dollar coin; the last is confirmed."""
TERMS = "[USDC]\nhaircut = {haircut}\ndebt_haircut = 0.02\n"
replay_app = Typer(add_completion=False)
replay_app.command()(replay)


@contextmanager
def served(folder: Path, collateral: Path | None = None) -> Iterator[Wire]:
    config = ServerConfig(
        feed="none", port=0, http_port=0, data_dir=folder, has_seed_accounts=False,
        collateral_path=collateral,
    )  # fmt: skip
    application = Application(config)
    application.start()
    try:
        with connected(f"127.0.0.1:{application.grpc_port}") as wire:
            yield wire
    finally:
        application.stop()


def listed(wire: Wire) -> None:
    request = market.PublishInstrumentsRequest(instruments=LISTED)
    wire.market.PublishInstruments(request, timeout=CALL_SECONDS_MAX)


def quote(wire: Wire, step: int, dollar: float) -> None:
    request = market.PublishQuotesRequest(
        market_time=Timestamp(seconds=START_SECONDS + step),
        indices=[
            market.IndexQuote(underlying="BTC", price=100_000.0),
            market.IndexQuote(underlying="USDC", price=dollar),
        ],
        instruments=["PERPETUAL"],
        mark_prices=[100_000.0],
        mark_vols=[0.0],
        forward_prices=[0.0],
    )
    wire.market.PublishQuotes(request, timeout=CALL_SECONDS_MAX)


def hold(wire: Wire, quantity: str) -> None:
    request = accounts.SetPositionsRequest(
        request_id=f"p{quantity}", account="a",
        positions=[types.Position(instrument="PERPETUAL", quantity=quantity)],
    )  # fmt: skip
    wire.accounts.SetPositions(request, timeout=CALL_SECONDS_MAX)


def shown(wire: Wire) -> accounts.GetMarginResponse:
    request = accounts.GetMarginRequest(account="a")
    return wire.accounts.GetMargin(request, timeout=CALL_SECONDS_MAX)


def assert_replays(folder: Path) -> None:
    result = CliRunner().invoke(replay_app, ["--data-dir", str(folder), "--strict"])
    assert result.exit_code == OK, result.output


@pytest.mark.parametrize("model", ["span", "cross", "isolated", "strategy", "tims", "var"])
def test_dollar_coins_carry_positions_in_every_regime(tmp_path: Path, model: str) -> None:
    with served(tmp_path) as wire:
        listed(wire)
        quote(wire, 0, 1.0)
        wire.open("a", USDC="20000")
        change = accounts.SetMarginRegimeRequest(
            request_id="m", account="a", model=model, force=True, reason="test"
        )
        wire.accounts.SetMarginRegime(change, timeout=CALL_SECONDS_MAX)
        quote(wire, 1, 1.0)
        assert wire.account().risk.equity == "19900"
        assert wire.check("r", order("o", leg("USDC", "-100", "0.9999"))).held
        assert wire.check("s", order("p", leg("PERPETUAL", "0.01", "100000"))).held
    assert_replays(tmp_path)


def test_a_dollar_coin_that_loses_its_peg_takes_equity_orders_and_the_margin_with_it(
    tmp_path: Path,
) -> None:
    """[COL-03, COL-07] 7 % of the price are 15.9 % of what it counts"""
    with served(tmp_path) as wire:
        listed(wire)
        quote(wire, 0, SLIDE[0])
        wire.open("a", USDC="20000")
        hold(wire, "0.1")
        required = Decimal(shown(wire).risk.initial_margin) / 100
        hold(wire, str((Decimal(18_000) / required).to_integral_value() / 1_000))
        before = shown(wire)
        assert before.risk.equity == "19900"
        assert wire.check("r-1", order("o-1", leg("PERPETUAL", "0.001", "100000"))).held
        for step, dollar in enumerate(SLIDE[1:], start=1):
            quote(wire, step, dollar)
        after = shown(wire)
        assert after.risk.equity == "16740"
        assert Decimal(after.risk.equity) < Decimal(before.risk.equity) * Decimal("0.93")
        _, dollars = after.collateral
        assert dollars == accounts.CollateralValue(
            currency="USDC", balance="20000", index_price=0.93, value="18600", haircut="1860",
            beyond_cap="0", counted="16740", depegged=True,
        )  # fmt: skip
        assert wire.account().collateral == after.collateral
        refused = wire.check("r-2", order("o-2", leg("PERPETUAL", "0.001", "100000")))
        assert refused.decision.reject_reason == types.REJECT_REASON_STILL_UNDERMARGINED
        assert wire.check("r-3", order("o-3", leg("USDC", "-1000", "0.93"))).held
        told = accounts.StreamAlertsRequest(kinds=[accounts.ALERT_KIND_MARGIN_STATE_CHANGED])
        for message in wire.accounts.StreamAlerts(told, timeout=CALL_SECONDS_MAX):
            if message.alert.to_state == accounts.MARGIN_STATE_MARGIN_CALL:
                break
        called = message.alert.positions_only
        assert Decimal(called.equity) < Decimal(called.initial_margin) == 18_000
    assert_replays(tmp_path)


def test_terms_of_collateral_are_read_again_and_replayed(tmp_path: Path) -> None:
    file, folder = tmp_path / "collateral.toml", tmp_path / "ledger"
    file.write_text(TERMS.format(haircut="0.02"))
    with served(folder, file) as wire:
        listed(wire)
        quote(wire, 0, 1.0)
        wire.open("a", USDC="20000")
        assert wire.check("r-1", order("o-1", leg("PERPETUAL", "0.01", "100000"))).held
        assert wire.account().risk.equity == "19600"
        file.write_text(TERMS.format(haircut="0.5"))
        asked = admin.ReloadParametersRequest()
        assert wire.admin.ReloadParameters(asked, timeout=CALL_SECONDS_MAX).changed
        (terms,) = wire.market.ListModels(
            market.ListModelsRequest(), timeout=CALL_SECONDS_MAX
        ).collateral
        assert (terms.currency, terms.haircut, terms.debt_haircut) == ("USDC", "0.5", "0.02")
        assert (terms.cap, terms.peg_threshold, terms.depeg_haircut) == ("", "", "")
        assert wire.account().risk.equity == "10000"
        assert not wire.admin.ReloadParameters(asked, timeout=CALL_SECONDS_MAX).changed
        assert wire.check("r-2", order("o-2", leg("PERPETUAL", "0.01", "100000"))).held
        file.write_text(TERMS.format(haircut="1"))
        refusal = wire.refusal(lambda: wire.admin.ReloadParameters(asked))
        assert "collateral.USDC.haircut" in refusal.text
    file.write_text(TERMS.format(haircut="0.5"))
    with served(folder, file) as wire:
        quote(wire, 1, 1.0)
        assert wire.account().risk.equity == "10000"
    assert_replays(folder)


CAPPED = """
[USDC]
haircut = 0.005
debt_haircut = 0.01
cap = 50_000_000
peg_threshold = 0.985
depeg_haircut = 0.1
"""


def test_tens_of_millions_of_a_dollar_coin_are_bought_kept_and_capped(tmp_path: Path) -> None:
    terms, folder = tmp_path / "collateral.toml", tmp_path / "ledger"
    terms.write_text(CAPPED)
    with served(folder, terms) as wire:
        listed(wire)
        quote(wire, 0, 1.0)
        wire.open("a", USD="20000000", USDC="5000000")
        assert wire.check("r", order("o", leg("USDC", "5000000", "1"))).held
        for number in ("1", "2"):
            report = margin.ReportFillRequest(
                fill_id=number, account="a", order_id="o", instrument="USDC",
                side=types.SIDE_BUY, quantity="2500000", price="1", fee="0",
            )  # fmt: skip
            wire.margin.ReportFill(report, timeout=CALL_SECONDS_MAX)
        assert shown(wire).risk.equity == "24950000"
        wire.accounts.AdjustCollateral(
            accounts.AdjustCollateralRequest(
                request_id="d", account="a", currency="USDC", amount="60000000"
            ),
            timeout=CALL_SECONDS_MAX,
        )
        before = shown(wire)
        _, dollars = before.collateral
        assert (dollars.balance, dollars.beyond_cap, dollars.counted) == (
            "70000000", "19650000", "50000000",
        )  # fmt: skip
        assert before.risk.equity == "65000000"
        assert wire.check("s", order("p", leg("PERPETUAL", "0.01", "100000"))).held
        before = shown(wire)
    with served(folder, terms) as wire:
        quote(wire, 0, 1.0)
        again = shown(wire)
        assert (again.risk, list(again.collateral)) == (before.risk, list(before.collateral))
    assert_replays(folder)
