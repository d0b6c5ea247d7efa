"""Accounts, settlements and orders that go with a replayed market."""

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from margingate_engine.core.amounts import NANO
from margingate_engine.core.orders import Side
from margingate_server.config import ServerConfig
from margingate_server.crash_study.session import Session
from margingate_server.feeds.replay.accounts import StartAccount, StartPosition
from margingate_server.feeds.replay.chain_rows import read_chains
from margingate_server.feeds.replay.feed import ReplayFeed
from margingate_server.feeds.replay.manifest import Replay
from margingate_server.feeds.replay.orders import FlowOrder, Outcome
from margingate_server.feeds.replay.series import Series
from margingate_server.observe.logs import Log
from margingate_server.replay_alongside import REFUSED, ReplayAlongside, Use, settle_expired
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.decisions import CheckAnswer
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.terms import Terms
from margingate_server.terms_files import read_terms
from tests.unit.feeds.replay_files import (
    CALL,
    FIRST_NS,
    HOUR_NS,
    PUT,
    at,
    row,
    three_snapshots,
    write_chains,
)

LIMITS = AgeLimits(underlying_ns_max=10 * NANO, instrument_ns_max=60 * NANO)
RICH = StartAccount(
    account="rich",
    collateral={"USD": Decimal(500_000), "BTC": Decimal(2)},
    positions=(StartPosition(instrument=PUT, quantity=Decimal(-1), price=None),),
)


def order(number: int, hours: float, **changes: Any) -> FlowOrder:
    return FlowOrder(
        **{
            "order_id": f"o{number}",
            "time_ns": FIRST_NS + int(hours * HOUR_NS),
            "account": "rich",
            "instrument": CALL,
            "side": Side.SELL,
            "quantity": Decimal(1),
            "limit": Decimal("0.02"),
            **changes,
        }
    )


@cache
def terms() -> Terms:
    """The built-in ones; prices are taken as they come, for marks are not what vols say here."""
    return replace(read_terms(ServerConfig()), quality=None)


class Played:
    """A replay played to a desk at the market's own times."""

    def __init__(
        self, path: Path, accounts: Sequence[StartAccount], orders: Sequence[FlowOrder]
    ) -> None:
        self.series = Series.of([read_chains(path)], {})
        replay = Replay(series=self.series, accounts=tuple(accounts), orders=tuple(orders))
        self.feed = ReplayFeed(replay, math.inf)
        self.session = Session(terms(), LIMITS, self.series.time_ns_t[0])
        self.answers: list[CheckAnswer] = []
        self.fails_in = 0
        self.place = 0
        self.now_ns = 0
        self.alongside = ReplayAlongside(self.feed, self.decide, Log(), self.answers.append)

    def decide(self, use: Use) -> Any:
        self.fails_in -= 1
        if not self.fails_in:
            raise LedgerDown
        return use(self.session.desk, self.now_ns)[0]

    def step(self) -> None:
        """Publish the next snapshot, then all that goes with it."""
        self.now_ns = self.feed.update(self.now_ns).market_time_ns
        self.session.take(self.series.snapshot(self.place))
        self.place += 1
        self.alongside.follow(self.now_ns)

    @property
    def reasons(self) -> list[int]:
        return [answer.decision.reason for answer in self.answers]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return three_snapshots(tmp_path / "chains.csv")


def test_accounts_are_there_with_what_they_start_with_after_the_first_prices(path: Path) -> None:
    played = Played(path, [RICH], [])
    played.step()
    account = played.session.desk.shard.account("rich")
    assert account.portfolio.cash == {"USD": 500_000 * 10**6, "BTC": 2 * 10**12}
    assert [each.lots for each in account.portfolio.positions.values()] == [-10]


def test_what_expired_settles_at_the_index_of_the_first_snapshot_after_it(path: Path) -> None:
    played = Played(path, [RICH], [])
    played.step()
    played.step()
    state = played.session.desk.shard.state
    row_of_put = played.session.desk.shard.row(PUT)
    assert state.settlement_nano == {row_of_put: 85_000 * NANO}
    account = played.session.desk.shard.account("rich")
    assert not account.portfolio.positions
    paid = 5_000 * 10**12 // 85_000 + 1  # rounded against the account
    assert account.portfolio.cash["BTC"] == 2 * 10**12 - paid


def test_an_underlying_without_an_index_settles_when_it_has_one_again(tmp_path: Path) -> None:
    eth = "ETH-27MAR26-3000-C"
    path = write_chains(
        tmp_path / "chains.csv",
        row(at(0), PUT),
        row(at(0), eth, forward=3_000, index=3_000, forward_name="ETH-27MAR26"),
        row(at(6), eth, forward=3_000, index=3_000, forward_name="ETH-27MAR26"),
        row(at(12), index=81_500),
    )
    played = Played(path, [RICH], [])
    played.step()
    played.step()
    assert not played.session.desk.shard.state.settlement_nano
    played.step()
    assert [*played.session.desk.shard.state.settlement_nano.values()] == [81_500 * NANO]


def test_settling_again_does_nothing(path: Path) -> None:
    played = Played(path, [RICH], [])
    played.step()
    played.step()
    assert settle_expired(played.session.desk, played.now_ns) == (None, 0)


def test_orders_are_decided_on_the_prices_of_their_time(path: Path) -> None:
    orders = [order(1, 0.001), order(2, 5.9), order(3, 6.001), order(4, 13)]
    played = Played(path, [RICH], orders)
    sent = []
    for _ in range(3):
        played.step()
        sent.append([answer.decision.order_id for answer in played.answers])
    assert sent == [["o1", "o2"], ["o1", "o2", "o3"], ["o1", "o2", "o3", "o4"]]
    assert played.alongside.counts == {"none": 4}


def test_an_accepted_order_is_filled_released_or_stays_open(path: Path) -> None:
    outcomes = (Outcome.FILL, Outcome.RELEASE, Outcome.REST)
    orders = [order(n, 0, outcome=outcome) for n, outcome in enumerate(outcomes)]
    played = Played(path, [RICH], orders)
    played.step()
    portfolio = played.session.desk.shard.account("rich").portfolio
    assert portfolio.positions[played.session.desk.shard.row(CALL)].lots == -10
    assert [*portfolio.legs] == ["o2"]


def test_a_refused_order_is_counted_by_its_reason_and_nothing_else_happens(path: Path) -> None:
    played = Played(path, [RICH], [order(1, 0, quantity=Decimal(1_000), outcome=Outcome.FILL)])
    played.step()
    assert played.alongside.counts == {"insufficient_initial_margin": 1}
    portfolio = played.session.desk.shard.account("rich").portfolio
    assert played.session.desk.shard.row(CALL) not in portfolio.positions


def test_an_order_of_nobody_and_an_account_that_cannot_be_are_passed_over(path: Path) -> None:
    wrong = StartAccount(account="wrong", collateral={"DOGE": Decimal(1)}, positions=())
    orders = [order(1, 0, account="nobody"), order(2, 0, instrument="BTC-1JAN30"), order(3, 0)]
    played = Played(path, [wrong, RICH], orders)
    played.step()
    assert played.alongside.counts == {REFUSED: 2, "none": 1}


def test_what_the_ledger_could_not_take_is_done_by_the_next_call(path: Path) -> None:
    played = Played(path, [RICH], [order(1, 0, outcome=Outcome.FILL)])
    played.fails_in = 1  # settling
    with pytest.raises(LedgerDown):
        played.step()
    for number in (2, 3):  # opening the account, sending the order
        played.fails_in = number
        with pytest.raises(LedgerDown):
            played.alongside.follow(played.now_ns)
    played.alongside.follow(played.now_ns)
    portfolio = played.session.desk.shard.account("rich").portfolio
    assert portfolio.positions[played.session.desk.shard.row(CALL)].lots == -10
    assert played.alongside.counts == {"none": 1}
