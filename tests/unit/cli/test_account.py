"""`account ...` and `margin show`."""

import re
from pathlib import Path

import grpc
import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import types_pb2 as types
from tests.unit.cli import answers
from tests.unit.cli.conftest import Run
from tests.unit.client.fake_server import FakeServer, Refusal

SUMMARY = accounts.AccountSummary(
    account="desk-1",
    fee_tier="vip",
    suspended=True,
    create_time=answers.AT,
    version=9,
    position_count=2,
    open_order_count=1,
)
PRICED = accounts.AdjustCollateralResponse(
    balance=types.Balance(currency="USD", amount="100000.000000"), risk=answers.BEFORE
)


def test_an_account_is_opened_in_its_fee_tier(run: Run, server: FakeServer) -> None:
    server.answers("CreateAccount", accounts.CreateAccountResponse(account=SUMMARY))
    ran = run("account", "create", "desk-1", "--fee-tier", "vip")
    assert ran.row("fee tier") == ["fee", "tier", "vip"]
    assert server.asked("CreateAccount")[0].fee_tier == "vip"


def test_an_account_shows_cash_positions_and_margin(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetAccount",
        accounts.GetAccountResponse(
            account=SUMMARY,
            balances=[
                types.Balance(currency="USD", amount="-1234.567891"),
                types.Balance(currency="BTC", amount="0.000000000001"),
            ],
            positions=[
                types.Position(
                    instrument="BTC-PERPETUAL",
                    quantity="-1000",
                    entry_price="95000.499999999999",
                    mark_price=94999.5,
                    value="0.010526",
                ),
                types.Position(
                    instrument="BTC-5DEC26-90000-P",
                    quantity="2",
                    value="100",
                    awaiting_settlement=True,
                ),
            ],
            risk=answers.BEFORE,
        ),
    )
    ran = run("account", "show", "desk-1")
    assert ran.row("state") == ["state", "suspended"]
    assert re.search(r"^ USD +-1,234\.57 *$", ran.out, re.MULTILINE)
    assert ran.row("BTC ") == ["BTC", "0.000000000001"]
    assert ran.row("BTC-PERPETUAL") == ["BTC-PERPETUAL", "-1000", "95,000.5", "94,999.5", "0.01"]
    assert ran.row("BTC-5DEC26")[-3:] == ["100.00", "awaits", "settlement"]
    assert ran.row("equity") == ["equity", "100,000.00"]


def test_missing_prices_are_said_where_margin_would_stand(run: Run, server: FakeServer) -> None:
    server.answers("GetAccount", accounts.GetAccountResponse(account=SUMMARY))
    out = run("account", "show", "desk-1").out
    assert "no margin while prices are missing" in out
    assert "no positions" in out


def test_accounts_are_listed_with_their_state(run: Run, server: FakeServer) -> None:
    server.answers("ListAccounts", accounts.ListAccountsResponse(accounts=[SUMMARY]))
    row = run("account", "list").row("desk-1")
    assert row[:6] == ["desk-1", "vip", "suspended", "2", "1", "9"]


@pytest.mark.parametrize(("command", "amount"), [("deposit", "100000"), ("withdraw", "-100000")])
def test_a_withdrawal_is_a_deposit_with_its_sign_turned(
    run: Run, server: FakeServer, command: str, amount: str
) -> None:
    server.answers("AdjustCollateral", PRICED)
    ran = run("account", command, "desk-1", "100_000", "USD", "--request-id", "r-1")
    assert ran.code == 0
    assert server.asked("AdjustCollateral") == [
        accounts.AdjustCollateralRequest(
            request_id="r-1", account="desk-1", currency="USD", amount=amount
        )
    ]
    assert "100,000.00" in ran.out


@pytest.mark.parametrize("amount", ["0", "lots"])
@pytest.mark.parametrize("command", ["deposit", "withdraw"])
def test_only_an_amount_above_zero_is_booked(
    run: Run, server: FakeServer, command: str, amount: str
) -> None:
    assert run("account", command, "desk-1", amount, "USD").code == 2
    assert server.requests == []


def test_an_unknown_account_exits_with_4(run: Run, server: FakeServer) -> None:
    server.answers("GetAccount", Refusal(code=grpc.StatusCode.NOT_FOUND, message="account desk-9"))
    ran = run("account", "show", "desk-9")
    assert (ran.code, ran.err) == (4, "margingate: NOT_FOUND: account desk-9\n")


def test_a_statement_may_be_typed(run: Run, server: FakeServer) -> None:
    server.answers(
        "SetPositions",
        accounts.SetPositionsResponse(
            breaks=[
                accounts.PositionBreak(
                    instrument="ETH", booked_quantity="1", stated_quantity="-2.5"
                )
            ],
            risk=answers.BEFORE,
        ),
    )
    ran = run("account", "set-positions", "desk-1", "ETH=-2.5", "BTC-PERPETUAL=1,000@95000")
    assert list(server.asked("SetPositions")[0].positions) == [
        types.Position(instrument="ETH", quantity="-2.5"),
        types.Position(instrument="BTC-PERPETUAL", quantity="1000", entry_price="95000"),
    ]
    assert ran.row("ETH") == ["ETH", "1", "-2.5"]


def test_a_statement_may_come_from_a_file(run: Run, server: FakeServer, tmp_path: Path) -> None:
    server.answers("SetPositions", accounts.SetPositionsResponse())
    path = tmp_path / "positions.csv"
    path.write_text("instrument,entry_price,quantity\nETH,,-2.5\nBTC-PERPETUAL,95000,10\n")
    ran = run("account", "set-positions", "desk-1", "--file", str(path))
    assert "the books agreed" in ran.out
    assert list(server.asked("SetPositions")[0].positions) == [
        types.Position(instrument="ETH", quantity="-2.5"),
        types.Position(instrument="BTC-PERPETUAL", quantity="10", entry_price="95000"),
    ]


def test_a_statement_may_come_from_a_pipe(run: Run, server: FakeServer) -> None:
    server.answers("SetPositions", accounts.SetPositionsResponse())
    run("account", "set-positions", "desk-1", "--file", "-", stdin="instrument,quantity\nETH,1\n")
    assert server.asked("SetPositions")[0].positions[0].instrument == "ETH"


def test_a_statement_without_positions_is_said_to_be_flat(run: Run, server: FakeServer) -> None:
    server.answers("SetPositions", accounts.SetPositionsResponse())
    assert run("account", "set-positions", "desk-1").code == 2
    assert server.requests == []
    assert run("account", "set-positions", "desk-1", "--flat").code == 0
    assert len(server.asked("SetPositions")[0].positions) == 0


@pytest.mark.parametrize(
    ("words", "stdin", "complaint"),
    [
        (("ETH",), "", "INSTRUMENT=QUANTITY"),
        (("ETH=",), "", "not a number"),
        (("ETH=1@",), "", "not a number"),
        (("=1",), "", "INSTRUMENT=QUANTITY"),
        (("ETH=1", "--flat"), "", "give positions"),
        (("--file", "-"), "", "first line"),
        (("--file", "-"), "symbol,quantity\nETH,1\n", "first line"),
        (("--file", "-"), "instrument,quantity\nETH,1\nBTC,x\n", "line 3"),
        (("--file", "-"), "instrument,quantity\nETH\n", "line 2"),
        (("--file", "-"), "instrument,quantity\n,1\n", "line 2"),
        (("--file", "nowhere.csv"), "", "nowhere.csv"),
    ],
)
def test_a_broken_statement_is_never_sent(
    run: Run, server: FakeServer, words: tuple[str, ...], stdin: str, complaint: str
) -> None:
    ran = run("account", "set-positions", "desk-1", *words, stdin=stdin)
    assert ran.code == 2
    assert complaint in " ".join(ran.err.replace("│", " ").split())
    assert server.requests == []


def test_margin_shows_the_tree_and_marks_the_worst_scenario(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetMargin",
        accounts.GetMarginResponse(
            risk=answers.AFTER,
            positions_only=answers.BEFORE,
            exactness=types.EXACTNESS_BOUND,
            explanation=answers.TREE,
            scenarios=[answers.SCENARIOS],
            worst=[types.WorstScenario(group="BTC", scenario=1, description="price 0, vol up")],
            basis=answers.BASIS,
        ),
    )
    ran = run("margin", "show", "desk-1")
    assert ran.row("initial margin  ")[2:] == ["120,000.50", "20,000.00"]
    assert "└── requirement BTC  20,000.00" in ran.out
    assert "├── scan risk BTC  19,000.00" in ran.out
    assert ran.row("1 ")[-4:] == ["10.00", "-19,000.00", "◀", "worst"]
    assert "worst" not in ran.row("2 ")
    assert ran.row("exactness") == ["exactness", "bound"]


def test_margin_on_prices_that_are_too_old_says_so(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetMargin", accounts.GetMarginResponse(), accounts.GetMarginResponse(stale=True)
    )
    assert "too old" not in run("margin", "show", "desk-1").out
    assert "too old to decide by" in run("margin", "show", "desk-1").out


def test_a_minimum_that_binds_is_said_below_the_scenarios(run: Run, server: FakeServer) -> None:
    server.answers(
        "GetMargin",
        accounts.GetMarginResponse(
            scenarios=[answers.SCENARIOS],
            worst=[types.WorstScenario(group="BTC", scenario=-1, description="a minimum")],
        ),
    )
    out = run("margin", "show", "desk-1").out
    assert "a minimum binds, no scenario" in out
    assert "worst" not in out


def test_of_very_many_scenarios_those_that_lose_most_are_shown(
    run: Run, server: FakeServer
) -> None:
    pnl = [float((37 * number) % 500) - 250 for number in range(500)]
    table = types.ScenarioTable(
        group="BTC",
        descriptions=[f"world {number}" for number in range(1, 501)],
        pnl=[0.0] * 500,
        pnl_with_orders=pnl,
    )
    server.answers("GetMargin", accounts.GetMarginResponse(scenarios=[table]))
    out = run("margin", "show", "desk-1").out
    assert "-250.00" in out
    assert "-241.00" in out
    assert "-240.00" not in out
    assert "the worst 10 of 500" in out


def test_a_model_without_scenarios_has_no_table_of_them(run: Run, server: FakeServer) -> None:
    empty = types.ScenarioTable(group="BTC")
    server.answers("GetMargin", accounts.GetMarginResponse(scenarios=[empty]))
    assert "scenario" not in run("margin", "show", "desk-1").out
