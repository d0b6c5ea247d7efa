"""`margingate ledger replay` on what a real server wrote, while it runs and after it ended."""

import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_server.cli.exit_codes import CANNOT_SERVE, CORRUPT, OK
from margingate_server.cli.replay import replay
from tests.integration.main_job.server import start_server
from tests.integration.support.pages import wait_until
from tests.integration.support.wire import CALL_SECONDS_MAX, Wire, connected, leg, now, order

FEEDS = (["--seed", "3"], ["--seed", "3", "--risk-reducing-allowance", "0.002"])
ORDERS = 60
app = Typer(add_completion=False)
app.command()(replay)


def replayed(folder: Path, *options: str) -> Result:
    return CliRunner().invoke(app, ["--data-dir", str(folder), *options])


def counted(result: Result, row: str) -> list[int]:
    """Same, different and without inputs of a row of the table."""
    (line,) = [each for each in result.stdout.splitlines() if each.split()[1:2] == [row]]
    return [int(word) for word in line.split() if word.isdigit()]


def version(wire: Wire) -> int:
    request = market.GetMarketRequest(page_size=1)
    return wire.market.GetMarket(request, timeout=CALL_SECONDS_MAX).market_version


def trade(wire: Wire, random: Random, start: int) -> None:
    """Orders of some shapes near the marks of a moving market, changes, fills and withdrawals."""
    view = wire.market.GetMarket(market.GetMarketRequest(page_size=500), timeout=CALL_SECONDS_MAX)
    listed = [each.instrument.instrument for each in view.instruments if each.mark_price > 0]
    options = [name for name in listed if name.endswith(("-C", "-P"))]
    names = [*random.sample(options, 12), "BTC-PERPETUAL", "ETH-PERPETUAL"]
    for number in range(start, start + ORDERS):
        if number == start + ORDERS // 2:
            wait_until(lambda: version(wire) > view.market_version, "the market has moved")
        sign = random.choice(("", "-"))
        legs = [
            leg(name, sign + ("10000" if "PERP" in name else "1"))
            for name in random.sample(names, random.choice((1, 1, 2)))
        ]
        asked = order(f"o-{number}", *legs)
        if len(legs) > 1 and random.random() < 0.5:
            asked.execution = types.EXECUTION_ATOMIC_COMBO
        answer = wire.check(f"r-{number}", asked)
        if answer.decision.verdict != types.VERDICT_ACCEPTED:
            continue
        if random.random() < 0.4:
            changed = [leg(each.instrument, f"{sign}{int(each.quantity) * 2}") for each in legs]
            wire.margin.AmendOrder(
                margin.AmendOrderRequest(
                    request_id=f"m-{number}",
                    account="a",
                    order_id=f"o-{number}",
                    legs=changed,
                    sent_time=now(),
                ),
                timeout=CALL_SECONDS_MAX,
            )
        if random.random() < 0.3:
            wire.margin.ReleaseOrder(
                margin.ReleaseOrderRequest(
                    request_id=f"e-{number}", account="a", order_id=f"o-{number}"
                ),
                timeout=CALL_SECONDS_MAX,
            )
    wire.accounts.AdjustCollateral(
        accounts.AdjustCollateralRequest(
            request_id=f"w-{start}", account="a", currency="USD", amount="-100"
        ),
        timeout=CALL_SECONDS_MAX,
    )


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two starts with different policies; replayed beside the running server, too."""
    folder = tmp_path_factory.mktemp("replay") / "ledger"
    random = Random(4)
    for number, feed in enumerate(FEEDS):
        server = start_server(feed, folder)
        try:
            with connected(server.target) as wire:
                if not number:
                    wire.open("a", USD="300000", BTC="2", ETH="10")
                    wire.admin.SetLimits(
                        admin.SetLimitsRequest(
                            request_id="l", limits=admin.Limits(price_collar="0.05")
                        ),
                        timeout=CALL_SECONDS_MAX,
                    )
                trade(wire, random, number * ORDERS)
            beside = replayed(folder)
            assert beside.exit_code == OK, beside.output
            assert server.stop() == 0
        finally:
            server.end()
    return folder


def test_every_decision_of_two_servers_comes_out_again(ledger: Path) -> None:
    result = replayed(ledger, "--strict")
    assert result.exit_code == OK, result.output
    assert counted(result, "order_accepted")[0] > ORDERS / 4
    assert counted(result, "amend_accepted")[0] > 5
    assert counted(result, "order_accepted")[1:] == [0, 0]
    assert counted(result, "parameters_loaded") == [2, 0, 0]
    with closing(sqlite3.connect(ledger / "market.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM market").fetchone()[0] >= 4


def test_a_market_that_is_gone_is_told_and_counts_as_a_difference(
    ledger: Path, tmp_path: Path
) -> None:
    for path in ledger.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with closing(sqlite3.connect(tmp_path / "market.sqlite")) as database:
        database.execute("DELETE FROM market WHERE version = (SELECT max(version) FROM market)")
        database.commit()
    result = replayed(tmp_path, "--limit", "3")
    assert result.exit_code == CORRUPT
    assert "is cited and not stored" in result.stdout
    (tmp_path / "market.sqlite").unlink()
    without = replayed(tmp_path)
    assert without.exit_code == CANNOT_SERVE
    assert "no market.sqlite" in without.stderr


def test_a_directory_without_a_ledger_is_named(tmp_path: Path) -> None:
    result = replayed(tmp_path)
    assert result.exit_code == CANNOT_SERVE
    assert f"no ledger in {tmp_path}" in result.stderr
