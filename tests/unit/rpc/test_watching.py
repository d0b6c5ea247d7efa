"""Watched accounts: what is new goes to who is due, the newest only, and never what is void."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event
from typing import Any

import pytest

from margingate.v1 import account_service_pb2 as pb
from margingate_server.ledger.events import AccountSuspended
from margingate_server.ledger.state import AccountState
from margingate_server.rpc import watching
from margingate_server.rpc.lane import LedgerDown
from margingate_server.rpc.watching import HEARTBEAT_SECONDS, Sight, Watcher, Watching
from margingate_server.service import sighting
from margingate_server.service.desk import Desk
from margingate_server.service.refusals import UnknownName
from margingate_server.service.shard import Shard
from margingate_server.service.sighting import Standpoint, standpoint
from tests.unit.rpc.gate import Gate, leg, order
from tests.unit.rpc.memory_store import disk_full, fails_once
from tests.unit.rpc.stream_probe import until
from tests.unit.service.small_desk import AGE_LIMITS


class Watched:
    """A gate with watchers, looked at when a test says so."""

    def __init__(self) -> None:
        self.gate = Gate().open(usd="50000").open("b", usd="1000")
        self.watching = Watching(self.gate.lane, self.gate.clock, self.gate.watch)
        self.rung: list[str] = []
        self._stack = ExitStack()

    def watcher(self, account: str = "a", interval_seconds: float = 1.0) -> Watcher:
        return self._stack.enter_context(
            self.watching.watching(account, interval_seconds, lambda: self.rung.append(account))
        )

    def pass_time(self, seconds: float) -> None:
        self.gate.clock.ns += int(seconds * 1e9)

    def trade(self, price: str = "200", order_id: str = "o") -> None:
        self.gate.check(order(leg("CALL", "0.1", price), order_id=order_id), order_id)

    def worked_out(self) -> int:
        return len(self.gate.watch.of("worked_out"))


@pytest.fixture
def watched() -> Watched:
    return Watched()


def taken(watcher: Watcher) -> Sight:
    sight = watcher.take()
    assert sight is not None
    return sight


def test_the_first_look_gives_everybody_the_margin_of_now(watched: Watched) -> None:
    of_a, of_b = watched.watcher("a"), watched.watcher("b")
    assert of_a.take() is None
    watched.watching.look()
    sight = taken(of_a)
    assert sight.seen.account.account == "a"
    assert sight.figures.risk is not None
    assert sight.figures.risk.equity == 50_000 * 10**6
    assert not sight.is_repeated
    assert taken(of_b).seen.account.account == "b"
    assert sorted(watched.rung) == ["a", "b"]


def test_nothing_is_said_while_nothing_moves_but_signs_of_life(watched: Watched) -> None:
    watcher = watched.watcher()
    watched.watching.look()
    taken(watcher)
    watched.pass_time(HEARTBEAT_SECONDS - 1)
    watched.watching.look()
    assert watcher.take() is None
    watched.pass_time(1)
    watched.watching.look()
    assert taken(watcher).is_repeated
    assert watched.worked_out() == 1


@pytest.mark.parametrize(
    "move",
    [
        lambda each: each.trade(),
        lambda each: each.gate.quote(index=99_000.0),
        lambda each: each.gate.lane.decide(suspend),
    ],
    ids=["an order", "prices", "an event"],
)
def test_what_moves_is_said_when_the_interval_is_over(
    watched: Watched, move: Callable[[Watched], Any]
) -> None:
    watcher = watched.watcher(interval_seconds=2.0)
    watched.watching.look()
    taken(watcher)
    move(watched)
    watched.pass_time(1.9)
    watched.watching.look()
    assert watcher.take() is None
    watched.pass_time(0.2)
    watched.watching.look()
    assert not taken(watcher).is_repeated


def suspend(desk: Desk, now_ns: int) -> tuple[None, int]:
    return None, desk.shard.record(AccountSuspended(account="a", reason=""), now_ns)


def test_prices_that_only_get_younger_move_nothing(watched: Watched) -> None:
    watcher = watched.watcher()
    watched.watching.look()
    taken(watcher)
    watched.pass_time(2)
    watched.gate.quote()
    watched.watching.look()
    assert watcher.take() is None


def test_prices_that_become_too_old_are_told_at_once_and_once(watched: Watched) -> None:
    """Not only by the next sign of life, which may be a whole heartbeat later."""
    watched.trade()
    watcher = watched.watcher()
    watched.pass_time(6)
    watched.watching.look()
    assert not is_stale(watched, taken(watcher))
    watched.pass_time(4.001)
    watched.watching.look()
    sight = taken(watcher)
    assert is_stale(watched, sight)
    assert sight.is_repeated
    watched.pass_time(2)
    watched.watching.look()
    assert watcher.take() is None


def test_prices_that_came_again_meanwhile_are_not_too_old(watched: Watched) -> None:
    watched.trade()
    watcher = watched.watcher()
    watched.pass_time(6)
    watched.watching.look()
    taken(watcher)
    watched.gate.quote()
    watched.pass_time(4.001)
    watched.watching.look()
    assert watcher.take() is None


def is_stale(watched: Watched, sight: Sight) -> bool:
    return sight.seen.is_stale(watched.gate.clock.ns, AGE_LIMITS)


def test_who_takes_late_finds_the_newest_only(watched: Watched) -> None:
    watcher = watched.watcher()
    watched.watching.look()
    for number in range(3):
        watched.trade(order_id=f"o-{number}")
        watched.pass_time(1)
        watched.watching.look()
    newest = taken(watcher)
    assert newest.seen.standpoint.version == watched.gate.lane.read(
        lambda desk, _now_ns: desk.shard.account("a").version
    )
    assert watcher.take() is None
    assert len(watched.gate.watch.of("conflated")) == 3


def test_a_margin_that_nobody_took_is_no_repetition(watched: Watched) -> None:
    watcher = watched.watcher()
    watched.watching.look()
    taken(watcher)
    watched.trade()
    watched.pass_time(1)
    watched.watching.look()
    watched.pass_time(HEARTBEAT_SECONDS)
    watched.watching.look()  # a sign of life takes the place of what moved
    assert not taken(watcher).is_repeated


def test_many_watchers_of_an_account_cost_one_calculation(watched: Watched) -> None:
    watchers = [watched.watcher() for _ in range(5)]
    watched.watching.look()
    late = watched.watcher()
    watched.watching.look()
    assert {taken(each).figures.risk for each in (*watchers, late)} == {
        taken_risk(watched),
    }
    assert watched.worked_out() == 1


def taken_risk(watched: Watched) -> Any:
    return watched.gate.lane.read(lambda desk, _now_ns: desk.accounts.current_risk("a"))


def test_the_margin_is_that_of_get_margin_with_and_without_a_view_at_hand(
    watched: Watched,
) -> None:
    watcher = watched.watcher()
    watched.trade()
    for forget in (False, True):
        watched.pass_time(1)
        watched.trade(order_id=f"o-{forget}")
        if forget:
            watched.gate.lane.look(lambda desk, _now_ns: desk.shard.forget_views())
        watched.watching.look()
        sight = taken(watcher)
        answer = watched.gate.ok("GetMargin", pb.GetMarginRequest(account="a"))
        assert sight.figures.risk is not None
        assert sight.figures.positions is not None
        assert str(sight.figures.risk.initial / 10**6) == f"{float(answer.risk.initial_margin)}"
        assert [each.scenario for each in sight.figures.worst] == [
            each.scenario for each in answer.worst
        ]
        assert (sight.seen.risk is None) == forget


def test_what_has_no_price_is_named(watched: Watched) -> None:
    watcher = watched.watcher()
    watched.gate.lane.look(lambda desk, _now_ns: desk.shard.account("a"))
    watched.trade()
    watched.gate.lane.look(lambda desk, _now_ns: setattr(desk.shard.market, "view", unpriced(desk)))
    watched.watching.look()
    sight = taken(watcher)
    assert sight.figures.risk is None
    assert sight.figures.missing != ""
    assert sight.figures.ratio is None


def unpriced(desk: Desk) -> Any:
    market = desk.shard.market
    return market._unpriced(market.view.table, market.view.snapshot.version + 1)


def test_a_look_shows_only_what_is_durable(watched: Watched) -> None:
    watcher = watched.watcher()
    watched.watching.look()
    before = taken(watcher).seen.standpoint.version
    watched.gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        watched.gate.lane.decide(suspend)
    watched.pass_time(HEARTBEAT_SECONDS)
    watched.watching.look()
    assert watcher.take() is None  # nobody may see the ledger
    watched.gate.lane.show_durable(watched.gate.builder.open_desk)
    watched.watching.look()
    assert taken(watcher).seen.standpoint.version == before


def test_a_look_waits_for_what_it_sees_to_become_durable(watched: Watched) -> None:
    watcher = watched.watcher()
    committing, committed = Event(), Event()

    def slow(_batch: object) -> None:
        committing.set()
        assert committed.wait(10)

    watched.gate.store.before_append = slow
    with ThreadPoolExecutor(2) as pool:
        deciding = pool.submit(watched.gate.lane.decide, suspend)
        assert committing.wait(10)
        looking = pool.submit(watched.watching.look)
        assert not wait([looking], timeout=0.2).done
        assert watcher.take() is None
        committed.set()
        deciding.result(10)
        looking.result(10)
    assert taken(watcher).seen.account.is_suspended


def test_what_goes_wrong_with_one_account_is_told_to_who_watches_it(watched: Watched) -> None:
    of_a, of_nobody = watched.watcher("a"), watched.watcher("nobody")
    watched.watching.look()
    taken(of_a)
    with pytest.raises(UnknownName):
        of_nobody.take()


def test_who_is_gone_costs_nothing(watched: Watched) -> None:
    with watched.watching.watching("a", 1.0, lambda: None):
        watched.watching.look()
    watched.pass_time(HEARTBEAT_SECONDS)
    watched.trade()
    watched.watching.look()
    assert watched.worked_out() == 1
    assert watched.watching._known == {}


def test_the_thread_looks_by_itself(watched: Watched) -> None:
    watched.watching.start()
    try:
        watcher = watched.watcher()
        until(lambda: watched.rung == ["a"])
        taken(watcher)
    finally:
        watched.watching.stop()


def test_an_account_that_cannot_be_looked_at_keeps_nothing_from_others(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_a_alone(shard: Shard, account: AccountState) -> Standpoint:
        if account.account == "b":
            raise ValueError("planted")
        return standpoint(shard, account)

    monkeypatch.setattr(watching, "standpoint", of_a_alone)
    monkeypatch.setattr(sighting, "standpoint", of_a_alone)
    of_a, of_b = watched.watcher("a"), watched.watcher("b")
    watched.watching.look()
    assert taken(of_a).seen.account.account == "a"
    with pytest.raises(ValueError, match="planted"):
        of_b.take()


def test_the_thread_gets_on_while_nobody_watches(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "IDLE_SECONDS", 0.001)
    watched.pass_time(60)
    watched.watching.start()
    try:
        until(lambda: watched.watching.turns.age_seconds == 0)
    finally:
        watched.watching.stop()
