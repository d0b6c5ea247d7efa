"""`move-margin`, and positions with wallets in `margin show`."""

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import types_pb2 as types
from margingate_server.cli.exit_codes import OK
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer

POSITION = accounts.PositionRisk(
    instrument="BTC-PERPETUAL",
    wallet="1234.5",
    risk=types.Risk(
        equity="900", initial_margin="2000", maintenance_margin="1000", headroom="-1100"
    ),
    liquidatable=True,
)


def test_margin_is_moved_as_typed_and_the_position_shown(run: Run, server: FakeServer) -> None:
    server.answers(
        "MoveMargin",
        accounts.MoveMarginResponse(wallet="1234.5", position=POSITION, risk=answers.AFTER),
    )
    for amount in ("500", "-500.25"):
        ran = run("move-margin", "desk-1", "BTC-PERPETUAL", amount, "--request-id", "r-1")
        assert ran.code == OK
        assert server.asked("MoveMargin")[-1] == accounts.MoveMarginRequest(
            request_id="r-1", account="desk-1", instrument="BTC-PERPETUAL", amount=amount
        )
        assert "wallet, USD" in ran.out
        assert ran.row("BTC-PERPETUAL")[1:5] == ["1,234.50", "900.00", "2,000.00", "1,000.00"]
        assert "to be liquidated" in ran.out
        assert ran.row("initial margin")[-1] == "120,000.50"


def test_margin_shows_positions_where_they_have_wallets(run: Run, server: FakeServer) -> None:
    server.answers("GetMargin", accounts.GetMarginResponse(positions=[POSITION]))
    assert "to be liquidated" in run("margin", "show", "desk-1").out
    server.answers("GetMargin", accounts.GetMarginResponse())
    assert "wallet" not in run("margin", "show", "desk-1").out
