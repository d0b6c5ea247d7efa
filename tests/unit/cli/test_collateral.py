"""Equity by asset in `account show` and `margin show`. [COL-07]"""

import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as market
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer

USD = accounts.CollateralValue(
    currency="USD", balance="-1200.5", index_price=1.0, value="-1200.5", haircut="0",
    beyond_cap="0", counted="-1200.5",
)  # fmt: skip
DOLLARS = accounts.CollateralValue(
    currency="USDC", balance="20000", index_price=0.93, value="18600", haircut="1860",
    beyond_cap="40.25", counted="16699.75", depegged=True,
)  # fmt: skip


@pytest.mark.parametrize("command", [("account", "show"), ("margin", "show")])
def test_every_asset_is_shown_with_what_it_counts(
    run: Run, server: FakeServer, command: tuple[str, str]
) -> None:
    server.answers("GetAccount", accounts.GetAccountResponse(collateral=[USD, DOLLARS]))
    server.answers("GetMargin", accounts.GetMarginResponse(collateral=[USD, DOLLARS]))
    ran = run(*command, "desk-1")
    figures = ["20000", "0.93", "18,600.00", "1,860.00", "40.25", "16,699.75"]
    assert ran.row("USDC") == ["USDC", *figures, "off", "its", "peg"]
    assert ran.row("USD and marks") == ["USD", "and", "marks", "-1,200.50", "-1,200.50"]


def test_terms_are_shown_beside_the_models(run: Run, server: FakeServer) -> None:
    coin = market.CollateralTerms(currency="SOL", haircut="0.05", debt_haircut="0", cap="10000000")
    dollar = market.CollateralTerms(
        currency="USDC", haircut="0", debt_haircut="0", peg_threshold="0.985", depeg_haircut="0.1"
    )
    models = [market.MarginModel(model="span")]
    server.answers(
        "ListModels", market.ListModelsResponse(models=models, collateral=[coin, dollar])
    )
    ran = run("models")
    assert ran.row("SOL") == ["SOL", "0.05", "0", "10,000,000.00"]
    assert ran.row("USDC") == ["USDC", "0", "0", "0.985", "0.1"]
    assert "collateral" not in run("models", "span").out


def test_who_has_dollars_alone_is_spared_the_table(run: Run, server: FakeServer) -> None:
    server.answers("GetAccount", accounts.GetAccountResponse(collateral=[USD]))
    assert "equity by asset" not in run("account", "show", "desk-1").out
