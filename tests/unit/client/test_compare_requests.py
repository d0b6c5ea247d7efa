"""What the methods about models that an account need not have put on the wire."""

from decimal import Decimal

import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import types_pb2 as types
from margingate_server.client import MarginGate
from tests.unit.client.fake_server import FakeServer

STATED = accounts.StatedPortfolio(
    positions=[
        types.Position(instrument="BTC-PERPETUAL", quantity="-1000"),
        types.Position(instrument="ETH", quantity="0.5"),
    ],
    collateral=[types.Balance(currency="USD", amount="70000")],
)
POSITIONS = {"BTC-PERPETUAL": -1_000, "ETH": Decimal("0.5")}


def test_an_account_is_compared_by_its_name(server: FakeServer, gate: MarginGate) -> None:
    answer = accounts.CompareRegimesResponse(regimes=[accounts.RegimeMargin(missing="X")])
    server.answers("CompareRegimes", answer)
    assert gate.accounts.compare_regimes("a") == answer
    assert server.asked("CompareRegimes") == [accounts.CompareRegimesRequest(account="a")]
    assert server.headers[0]["x-account-id"] == "a"


def test_a_portfolio_is_compared_by_what_it_has(server: FakeServer, gate: MarginGate) -> None:
    server.answers("CompareRegimes", accounts.CompareRegimesResponse())
    gate.accounts.compare_portfolio(POSITIONS, {"USD": "70000"})
    assert server.asked("CompareRegimes") == [accounts.CompareRegimesRequest(portfolio=STATED)]
    assert "x-account-id" not in server.headers[0]


def test_a_simulation_names_its_model(server: FakeServer, gate: MarginGate) -> None:
    server.answers("SimulatePortfolio", accounts.SimulatePortfolioResponse(capital_used="5"))
    assert gate.accounts.simulate(POSITIONS, {"USD": 70_000}, model="cross").capital_used == "5"
    assert server.asked("SimulatePortfolio") == [
        accounts.SimulatePortfolioRequest(portfolio=STATED, model="cross")
    ]


def test_a_float_is_no_amount(gate: MarginGate) -> None:
    with pytest.raises(TypeError):
        gate.accounts.simulate({"ETH": 0.5}, {})  # type: ignore[dict-item]
