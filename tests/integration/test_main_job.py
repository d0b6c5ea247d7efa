"""The main job: many accounts, eight routers at once, every decision against the oracle."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest

from tests.integration.main_job.chains import ACCOUNTS, Chain, real_chain, simulated_chain
from tests.integration.main_job.counters import decisions_by_reason
from tests.integration.main_job.memory import (
    Answers,
    ask_about,
    first_difference,
    forgotten,
)
from tests.integration.main_job.report import Report, together
from tests.integration.main_job.router import Task, run_router, set_default_limits
from tests.integration.main_job.server import ROOT, Server, start_server
from tests.integration.main_job.snapshot import learn_market
from tests.reference.book import Book
from tests.reference.contracts import Limits, read_fees, read_parameters

ROUTERS = 8
DEFAULTS = ROOT / "server" / "margingate_server" / "files" / "defaults"
DEFAULT_LIMITS = Limits(
    max_order_quantity=Fraction(200), max_order_quantity_usd=Fraction(1_000_000)
)
EXPECTED_REASONS = {
    "",
    "REQUEST_EXPIRED",
    "KILL_SWITCH",
    "ACCOUNT_SUSPENDED",
    "OFF_TICK",
    "OFF_LOT",
    "DUPLICATE_ORDER_ID",
    "MAX_ORDER_QUANTITY",
    "MAX_ORDER_NOTIONAL",
    "PRICE_COLLAR",
    "INSUFFICIENT_COLLATERAL_CURRENCY",
    "INSUFFICIENT_INITIAL_MARGIN",
    "STILL_UNDERMARGINED",
}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("chain_of", [simulated_chain, real_chain])
def test_every_decision_is_the_oracles_and_survives_a_restart(
    chain_of: Callable[[], Chain], tmp_path: Path
) -> None:
    chain = chain_of()
    names = [f"desk-{number:04}" for number in range(ACCOUNTS)]
    server = start_server(chain.feed, tmp_path)
    try:
        report = run_routers(server, chain, names)
        print(report.summary())  # noqa: T201  what was covered belongs into the test's log
        expect_agreement(report)
        assert decisions_by_reason(server.fetch("/metrics")) == report.fresh
        before = ask_about(server.target, names)
        assert server.stop() == 0
        server = start_server(chain.feed, tmp_path)
        assert not forgotten(server.target, report.last_decisions)
        after = ask_about(server.target, names)
        expect_same_answers(before, after)
        assert server.stop() == 0
    finally:
        server.end()


def run_routers(server: Server, chain: Chain, names: list[str]) -> Report:
    """What all routers saw, each a process with its own accounts."""
    snapshot = learn_market(server.target)
    parameters, fees = read_parameters(DEFAULTS / "span.toml"), read_fees(DEFAULTS / "fees.toml")
    book = Book(snapshot.instruments, snapshot.market, parameters, fees)
    weights = chain.weights(book)
    lots = {symbol: book.lot(symbol) for symbol in weights}
    set_default_limits(server.target, DEFAULT_LIMITS)
    tasks = [
        Task(
            target=server.target,
            snapshot=snapshot,
            parameters=parameters,
            fees=fees,
            weights=weights,
            lots=lots,
            default_limits=DEFAULT_LIMITS,
            names=tuple(names[router::ROUTERS]),
            order_count=chain.order_count // ROUTERS,
            seed=f"{chain.feed[1]}-{router}",
        )
        for router in range(ROUTERS)
    ]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(ROUTERS, mp_context=context) as pool:
        return together(pool.map(run_router, tasks))


def expect_agreement(report: Report) -> None:
    """No decision differs, and both answers and every reason were seen in numbers."""
    assert not report.mismatch_count, "\n".join(report.mismatches)
    assert report.verdicts_in_tolerance == 0
    assert set(report.fresh) >= EXPECTED_REASONS
    assert 0.35 <= report.accepted_share <= 0.65
    assert report.exact_decisions > 100
    assert report.bound_decisions > 100
    assert report.risk_reducing > 0
    assert report.replayed > 0
    assert report.fills > 100
    assert report.releases > 100


def expect_same_answers(before: dict[str, Answers], after: dict[str, Answers]) -> None:
    """Every account answers as it did before the restart."""
    for name, old in before.items():
        new = after[name]
        for part in ("account", "requirement", "orders"):
            was, now = getattr(old, part), getattr(new, part)
            assert was == now, f"{name} {part}: {first_difference(was, now)}"
