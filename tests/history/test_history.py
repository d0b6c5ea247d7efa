"""Concurrent clients of a server whose store fails: every account's history is linearizable."""

from collections import Counter
from pathlib import Path

import pytest

from tests.history.clients import Plan, Shared, fund, run_clients
from tests.history.planted import BUGS
from tests.history.run import IS_LONG, World, event_ids, learned, served
from tests.history.search import Undecided, order_found
from tests.history.witness import problems_with

DEPOSITS = {"USD": "12000", "BTC": "0.25"}


def times(short: int, long: int) -> int:
    return long if IS_LONG else short


@pytest.mark.timeout(3600)
def test_short_histories_have_an_order_that_explains_them(tmp_path: Path) -> None:
    undecided = 0
    with served(tmp_path / "ledger", "--share", "0.02") as server:
        world = learned(server.target)
        for number in range(times(6, 100)):
            account = Shared(f"short-{number}")
            plan = Plan(
                target=server.target,
                tradables=world.tradables,
                clients=4,
                calls_each=6,
                hurried=0.02,
                seed=account.name,
            )
            fund(plan, account, DEPOSITS)
            run_clients(plan, [account])
            try:
                assert order_found(account.operations, world.model) is not None, account
            except Undecided:
                undecided += 1
    print(f"{undecided} of {number + 1} histories have too many orders to try")  # noqa: T201
    assert undecided <= times(1, 10)


def long_run(folder: Path, calls_each: int, *faults: str) -> tuple[World, list[Shared]]:
    """Eight clients on three accounts."""
    accounts = [Shared(name) for name in ("first", "second", "third")]
    with served(folder, *faults) as server:
        world = learned(server.target)
        plan = Plan(
            target=server.target,
            tradables=world.tradables,
            clients=8,
            calls_each=calls_each,
            hurried=0.02,
            seed=str(faults),
        )
        for account in accounts:
            fund(plan, account, DEPOSITS)
        run_clients(plan, accounts)
    return world, accounts


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(8) if IS_LONG else [0])
def test_long_histories_are_explained_by_the_ledger(tmp_path: Path, seed: int) -> None:
    faults = ("--share", "0.02", "--seed", str(seed))
    world, accounts = long_run(tmp_path / "ledger", times(60, 150), *faults)
    ids = event_ids(tmp_path / "ledger")
    seen: Counter[str] = Counter()
    for account in accounts:
        assert problems_with(account.operations, ids[account.name], world.model) == []
        seen.update(type(each.answer).__name__ for each in account.operations)
    print(f"seed {seed}: {dict(seen)}")  # noqa: T201 - what was covered belongs into the log
    assert set(seen) >= {"Decided", "Released", "Filled", "Adjusted", "Books", "Listed", "NoneType"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bug", BUGS if IS_LONG else ["early_replies"])
def test_a_planted_bug_is_found(tmp_path: Path, bug: str) -> None:
    for seed in range(times(3, 10)):
        folder = tmp_path / str(seed)
        faults = ("--share", "0.05", "--seed", str(seed), "--plant", bug)
        world, accounts = long_run(folder, 40, *faults)
        ids = event_ids(folder)
        found = [
            problem
            for account in accounts
            for problem in problems_with(account.operations, ids.get(account.name, []), world.model)
        ]
        if found:
            print(f"{bug}, seed {seed}: {found[0]}")  # noqa: T201 - as above
            return
    pytest.fail(f"{bug} was not found")
