"""An account changes to another regime at a real server, and everything later goes by it."""

from decimal import Decimal
from pathlib import Path

import grpc
import pytest
from typer import Typer
from typer.testing import CliRunner

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.cli.exit_codes import OK
from margingate_server.cli.replay import replay
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, order

FROZEN = ("--seed", "3", "--freeze")
PERPETUAL = "BTC-PERPETUAL"
replay_app = Typer(add_completion=False)
replay_app.command()(replay)


def change(
    wire: Wire, model: str, request_id: str, **more: object
) -> accounts.SetMarginRegimeResponse:
    request = accounts.SetMarginRegimeRequest(
        request_id=request_id, account="a", model=model, **more
    )
    return wire.accounts.SetMarginRegime(request, timeout=CALL_SECONDS_MAX)


def preview(wire: Wire) -> types.Decision:
    asked = order("o", leg(PERPETUAL, "1000000"))
    request = margin.PreviewOrderRequest(account="a", order=asked)
    return wire.margin.PreviewOrder(request, timeout=CALL_SECONDS_MAX).decision


def opened(wire: Wire, usd: str) -> None:
    """Account a; market orders are priced at a collar."""
    limits = admin.SetLimitsRequest(request_id="l", limits=admin.Limits(price_collar="0.05"))
    wire.admin.SetLimits(limits, timeout=CALL_SECONDS_MAX)
    wire.open("a", USD=usd)


def reload(wire: Wire) -> admin.ReloadParametersResponse:
    return wire.admin.ReloadParameters(admin.ReloadParametersRequest(), timeout=CALL_SECONDS_MAX)


def models(wire: Wire) -> dict[str, market.MarginModel]:
    answer = wire.market.ListModels(market.ListModelsRequest(), timeout=CALL_SECONDS_MAX)
    return {each.model: each for each in answer.models}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "ledger"


def started(folder: Path, *options: str) -> Server:
    return start_server([*FROZEN, *options], folder)


def test_an_account_in_cross_is_decided_so_after_a_restart_and_in_a_replay(folder: Path) -> None:
    server = started(folder)
    try:
        with connected(server.target) as wire:
            opened(wire, "250000")
            assert wire.account().account.model == "span"
            by_span = preview(wire)
            assert wire.check("r-1", order("o-1", leg(PERPETUAL, "200000"))).held
            told = change(wire, "cross", "c-0", validate_only=True)
            assert (told.allowed, wire.account().account.model) == (True, "span")
            made = change(wire, "cross", "c-1")
            assert (made.allowed, made.after, made.before) == (True, told.after, told.before)
            assert made.after.initial_margin < made.before.initial_margin
            assert made.account.regime == types.MARGIN_REGIME_CROSS
            by_cross = preview(wire)
            assert wire.check("r-2", order("o-2", leg(PERPETUAL, "100000"))).held
        assert (by_span.basis.model, by_cross.basis.model) == ("span", "cross")
        assert by_span.margin_impact != by_cross.margin_impact
        assert server.stop() == 0
        server = started(folder)
        with connected(server.target) as wire:
            summary = wire.account().account
            assert (summary.model, summary.regime) == ("cross", types.MARGIN_REGIME_CROSS)
            assert preview(wire).basis.model == "cross"
            assert wire.check("r-3", order("o-3", leg(PERPETUAL, "100000"))).held
            assert change(wire, "cross", "c-1").account.version == wire.account().account.version
        assert server.stop() == 0
    finally:
        server.end()
    result = CliRunner().invoke(replay_app, ["--data-dir", str(folder), "--strict"])
    assert result.exit_code == OK, result.output
    (line,) = [each for each in result.stdout.splitlines() if "regime_set" in each]
    assert [int(word) for word in line.split() if word.isdigit()] == [1, 0, 0]


def test_a_change_that_the_account_does_not_qualify_for_is_refused_until_it_is_forced(
    folder: Path,
) -> None:
    server = started(folder)
    try:
        with connected(server.target) as wire:
            opened(wire, "99999.99")
            told = change(wire, "span", "c", validate_only=True)
            assert (told.allowed, told.reject_reason) == (False, types.REJECT_REASON_NOT_QUALIFIED)
            assert "100000" in told.detail
            refusal = wire.refusal(lambda: change(wire, "span", "c"))
            assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
            assert refusal.reason == "NOT_QUALIFIED"
            bare = wire.refusal(lambda: change(wire, "span", "f", force=True))
            assert (bare.code, bare.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ("reason",))
            unknown = wire.refusal(lambda: change(wire, "spam", "c"))
            assert unknown.fields == ("model",)
            assert change(wire, "span", "f", force=True, reason="ticket 5").allowed
            summary = wire.account().account
            assert (summary.model, summary.version) == ("span", 3)
    finally:
        server.end()


def test_terms_are_read_again_as_a_whole_or_not_at_all(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "cross.toml"
    built_in = Path(__file__).parents[2] / "server/margingate_server/files/defaults/cross.toml"
    text = built_in.read_text()
    file.write_text(text)
    server = started(folder, "--model-parameters", f"cross={file}")
    try:
        with connected(server.target) as wire:
            opened(wire, "250000")
            change(wire, "cross", "c")
            before, digest = preview(wire), models(wire)["cross"].parameters_digest
            assert not reload(wire).changed
            file.write_text(text.replace("future_initial = 0.02", "future_initial = 7", 1))
            refusal = wire.refusal(lambda: reload(wire))
            assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
            assert refusal.fields == ("cross.BTC.future_initial",)
            assert preview(wire).after == before.after
            file.write_text(text.replace("future_initial = 0.02", "future_initial = 0.04", 1))
            answer = reload(wire)
            loaded = {each.model: each.parameters_digest for each in answer.models}
            assert answer.changed
            assert loaded["cross"] == models(wire)["cross"].parameters_digest != digest
            after = preview(wire)
            # Twice the ratio of 0.02, on a notional of 1,000,000 USD.
            assert Decimal(after.margin_impact) - Decimal(before.margin_impact) == 20_000
            assert after.basis.parameters_digest == loaded["cross"]
            assert wire.check("r", order("o", leg(PERPETUAL, "1000"))).held
            shown = server.fetch("/metrics")
            assert f'digest="{loaded["cross"]}",model="cross"' in shown
            assert f'digest="{digest}",model="cross"' not in shown
    finally:
        server.end()
    result = CliRunner().invoke(replay_app, ["--data-dir", str(folder), "--strict"])
    assert result.exit_code == OK, result.output


def test_a_server_does_not_start_with_parameters_that_are_wrong(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "cross.toml"
    file.write_text("[BTC]\nshort_initial = 2\n")
    with pytest.raises(AssertionError, match=r"cross\.BTC\.collateral_haircut: is missing"):
        started(folder, "--model-parameters", f"cross={file}")
