"""What entering a portfolio takes, of a real server and by its command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.cli.app import app
from margingate_server.cli.exit_codes import OK
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected

SPOT_INITIAL = 0.2
"""Of BTC, as the parameters of the model strategy have it that come with the program."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = start_server(["--seed", "3", "--freeze"], tmp_path / "ledger")
    try:
        yield started
    finally:
        started.end()


def a_call(wire: Wire) -> market.InstrumentState:
    """A call that is settled in coins."""
    request = market.GetMarketRequest(underlying="BTC", page_size=1_000)
    return next(
        each
        for each in wire.market.GetMarket(request, timeout=CALL_SECONDS_MAX).instruments
        if each.instrument.right == types.OPTION_RIGHT_CALL
        and each.instrument.settlement == types.SETTLEMENT_INVERSE
    )


def strategy(regimes: accounts.CompareRegimesResponse) -> accounts.RegimeMargin:
    (found,) = [each for each in regimes.regimes if each.basis.model == "strategy"]
    return found


def test_a_covered_call_takes_part_of_its_coin_or_all_of_it(server: Server) -> None:
    """[STR-11, STR-20] and the premium, which comes in coins, counts as coins and is applied"""
    with connected(server.target) as wire:
        call = a_call(wire)
        shown = wire.market.GetMarket(market.GetMarketRequest(), timeout=CALL_SECONDS_MAX)
        (index,) = [each.index_price for each in shown.underlyings if each.underlying == "BTC"]
        premium = index * call.mark_price
        stated = accounts.StatedPortfolio(
            positions=[types.Position(instrument=call.instrument.instrument, quantity="-1")],
            collateral=[types.Balance(currency="BTC", amount="1")],
        )
        compared = strategy(
            wire.accounts.CompareRegimes(
                accounts.CompareRegimesRequest(portfolio=stated), timeout=CALL_SECONDS_MAX
            )
        )
        margin, cash = compared.margin_account_deposit, compared.cash_account_deposit
        gross = SPOT_INITIAL * (index + premium)
        assert float(margin.gross_requirement) == pytest.approx(gross, abs=0.01)
        assert float(margin.applied_proceeds) == pytest.approx(premium, abs=0.01)
        assert float(margin.deposit) == pytest.approx(gross - premium, abs=0.01)
        assert float(cash.deposit) == pytest.approx(index, abs=0.01)
        simulated = wire.accounts.SimulatePortfolio(
            accounts.SimulatePortfolioRequest(portfolio=stated, model="strategy"),
            timeout=CALL_SECONDS_MAX,
        )
        assert simulated.margin_account_deposit == margin
        assert simulated.cash_account_deposit == cash


def test_an_account_with_a_perpetual_would_be_no_cash_account(server: Server) -> None:
    """[STR-20]"""
    with connected(server.target) as wire:
        wire.open("a", USD="100000")
        held = [types.Position(instrument="BTC-PERPETUAL", quantity="-1000")]
        request = accounts.SetPositionsRequest(request_id="p", account="a", positions=held)
        wire.accounts.SetPositions(request, timeout=CALL_SECONDS_MAX)
    words = ["compare", "--account", "a", "--target", server.target]
    printed = CliRunner().invoke(app, [*words, "--json"])
    assert printed.exit_code == OK, printed.output
    regimes = {each["basis"]["model"]: each for each in json.loads(printed.stdout)["regimes"]}
    rules = regimes.pop("strategy")
    cash = {name: text for name, text in rules["cash_account_deposit"].items() if text}
    assert cash == {"not_offered": "BTC-PERPETUAL", "exactness": "EXACTNESS_UNSPECIFIED"}
    deposit, held = rules["margin_account_deposit"]["deposit"], rules["risk"]["initial_margin"]
    assert float(deposit) == pytest.approx(float(held), abs=0.001), "but for 1e-9 coins owed"
    assert not any(each.get("margin_account_deposit") for each in regimes.values())
    shown = CliRunner().invoke(app, words)
    assert "not offered with BTC-PERPETUAL" in shown.stdout
