"""The lane: one decision at a time, commits in groups, and nobody told what is not durable."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import pairwise
from threading import Barrier, Event

import pytest

from margingate_server.ledger.events import AccountOpened, AccountResumed, AccountSuspended
from margingate_server.ledger.store import EventDraft, Store, StoreFailure
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.service.desk import Desk
from margingate_server.service.refusals import UnknownName
from tests.unit.rpc.gate import Gate
from tests.unit.rpc.memory_store import disk_full, fails_once
from tests.unit.rpc.watch import Watch

WAIT_SECONDS = 10


def suspend(desk: Desk, now_ns: int) -> tuple[int, int]:
    """A change: one event."""
    seq = desk.shard.record(AccountSuspended(account="a", reason=""), now_ns)
    return seq, seq


def last_seq(desk: Desk, _now_ns: int) -> int:
    return desk.shard.state.last_seq


class Gated:
    """A store's `before_append` that lets a commit start and holds it until told."""

    def __init__(self) -> None:
        self.entered, self.go_on = Event(), Event()
        self.error: Exception | None = None

    def __call__(self, _batch: Sequence[EventDraft]) -> None:
        if self.entered.is_set():
            return
        self.entered.set()
        assert self.go_on.wait(WAIT_SECONDS)
        if self.error is not None:
            raise self.error


@pytest.fixture
def gate() -> Gate:
    made = Gate().open()
    made.watch.told.clear()
    made.store.batches.clear()
    return made


@pytest.fixture
def held(gate: Gate) -> Gated:
    """The next commit of the gate waits."""
    gated = Gated()
    gate.store.before_append = gated
    return gated


def together(
    lane: Lane, count: int, use: Callable[[Desk, int], tuple[int, int]]
) -> tuple[ThreadPoolExecutor, list[Future[int]]]:
    pool = ThreadPoolExecutor(count)
    return pool, [pool.submit(lane.decide, use) for _ in range(count)]


def decided_events(gate: Gate, count: int) -> None:
    """Wait until `count` events wait for the next commit; by the lane's own lock, no sleep."""
    for _ in range(100_000):
        if gate.lane.look(lambda desk, _now: len(desk.shard._pending)) >= count:
            return
    raise AssertionError("the decisions were not taken")


def test_an_answer_leaves_when_its_event_is_durable(gate: Gate) -> None:
    seq = gate.lane.decide(suspend)
    assert gate.store.head.seq == seq
    assert gate.watch.told == [("committed", 1)]


def test_an_answer_that_rests_on_nothing_asks_for_no_commit(gate: Gate) -> None:
    assert gate.lane.decide(lambda _desk, _now: ("x", 0)) == "x"
    assert gate.store.batches == []


def test_a_look_does_not_wait_and_a_read_waits_for_all_it_could_see(
    gate: Gate, held: Gated
) -> None:
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(gate.lane.decide, suspend)
        assert held.entered.wait(WAIT_SECONDS)
        seen = gate.lane.look(last_seq)
        assert seen == gate.store.head.seq + 1
        reader = pool.submit(gate.lane.read, last_seq)
        assert not wait([reader], timeout=0.05).done
        held.go_on.set()
        assert reader.result(WAIT_SECONDS) == leader.result(WAIT_SECONDS) == seen


def test_what_is_decided_during_a_commit_goes_into_the_next_one(gate: Gate, held: Gated) -> None:
    with ThreadPoolExecutor(1) as first:
        leader = first.submit(gate.lane.decide, suspend)
        assert held.entered.wait(WAIT_SECONDS)
        pool, followers = together(gate.lane, 20, suspend)
        decided_events(gate, 20)
        assert not any(each.done() for each in followers)
        held.go_on.set()
        seqs = sorted(each.result(WAIT_SECONDS) for each in [leader, *followers])
        pool.shutdown()
    assert gate.store.batches == [1, 20]
    assert [after - before for before, after in pairwise(seqs)] == [1] * 20


def test_many_threads_get_each_event_committed_once_and_in_order(gate: Gate) -> None:
    start = Barrier(16)

    def work() -> list[int]:
        start.wait(WAIT_SECONDS)
        return [gate.lane.decide(suspend) for _ in range(100)]

    before = gate.store.head.seq
    with ThreadPoolExecutor(16) as pool:
        seqs = [seq for each in [pool.submit(work) for _ in range(16)] for seq in each.result(60)]
    assert sorted(seqs) == list(range(before + 1, before + 1 + 1_600))
    assert [each.seq for each in gate.store.read(before)] == sorted(seqs)
    assert sum(gate.store.batches) == 1_600
    versions = [each.version for each in gate.store.read(before)]
    assert versions == list(range(versions[0], versions[0] + 1_600))


@pytest.mark.parametrize("error", [disk_full(), ValueError("no encoding")], ids=["disk", "value"])
def test_a_failed_commit_is_told_to_everybody_who_waited(
    gate: Gate, held: Gated, error: Exception
) -> None:
    before = gate.store.head.seq
    held.error = error
    with ThreadPoolExecutor(1) as first:
        leader = first.submit(gate.lane.decide, suspend)
        assert held.entered.wait(WAIT_SECONDS)
        pool, followers = together(gate.lane, 5, suspend)
        decided_events(gate, 5)
        held.go_on.set()
        for each in [leader, *followers]:
            with pytest.raises(LedgerDown):
                each.result(WAIT_SECONDS)
        pool.shutdown()
    assert gate.store.head.seq == before
    assert gate.watch.of("failed") == [("failed",)]


def test_a_lane_that_is_down_decides_and_shows_nothing(gate: Gate) -> None:
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        gate.lane.decide(suspend)
    assert gate.lane.is_down
    for call in (gate.lane.decide, gate.lane.check):
        with pytest.raises(LedgerDown):
            call(lambda _desk, _now: (1, 0))
    for look in (gate.lane.read, gate.lane.look):
        with pytest.raises(LedgerDown):
            look(last_seq)


@pytest.mark.parametrize("keeps_failed", [False, True])
def test_after_recovery_the_state_is_what_the_log_says(gate: Gate, keeps_failed: bool) -> None:
    gate.lane.decide(suspend)
    gate.store.before_append = fails_once(disk_full())
    gate.store.keeps_failed = keeps_failed
    with pytest.raises(LedgerDown):
        gate.lane.decide(lambda desk, now: (0, desk.shard.record(AccountResumed(account="a"), now)))
    gate.recover()
    assert not gate.lane.is_down
    assert gate.watch.of("failed", "recovered") == [("failed",), ("recovered",)]
    account = gate.lane.read(lambda desk, _now: desk.shard.account("a"))
    assert account.is_suspended is not keeps_failed
    assert gate.lane.read(last_seq) == gate.store.head.seq
    assert gate.lane.decide(suspend) == gate.store.head.seq


def test_a_recovery_that_fails_leaves_the_lane_down(gate: Gate) -> None:
    gate.lane.mark_down()

    def cannot(_store: object) -> Desk:
        raise disk_full()

    with pytest.raises(StoreFailure):
        gate.lane.recover(cannot)
    assert gate.lane.is_down
    gate.recover()
    assert not gate.lane.is_down


def test_to_mark_a_lane_down_twice_tells_once(gate: Gate) -> None:
    gate.lane.mark_down()
    gate.lane.mark_down()
    assert gate.watch.of("failed") == [("failed",)]


def test_a_recovery_waits_for_the_commit_under_way_and_folds_what_it_added(
    gate: Gate, held: Gated
) -> None:
    with ThreadPoolExecutor(3) as pool:
        leader = pool.submit(gate.lane.decide, suspend)
        assert held.entered.wait(WAIT_SECONDS)
        follower = pool.submit(gate.lane.decide, suspend)
        decided_events(gate, 1)
        before = gate.store.head.seq
        gate.lane.mark_down()
        with pytest.raises(LedgerDown):
            follower.result(WAIT_SECONDS)
        recovery = pool.submit(gate.recover)
        assert not wait([recovery], timeout=0.05).done
        held.go_on.set()
        with pytest.raises(LedgerDown):
            leader.result(WAIT_SECONDS)
        recovery.result(WAIT_SECONDS)
    assert gate.store.head.seq == before + 1
    assert gate.lane.read(last_seq) == before + 1
    assert gate.lane.decide(suspend) == before + 2 == gate.store.head.seq


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("bug")], ids=repr)
def test_a_store_that_fails_in_an_unforeseen_way_leaves_nobody_waiting(
    gate: Gate, held: Gated, error: Exception
) -> None:
    held.error = error
    with ThreadPoolExecutor(1) as first:
        leader = first.submit(gate.lane.decide, suspend)
        assert held.entered.wait(WAIT_SECONDS)
        pool, followers = together(gate.lane, 3, suspend)
        decided_events(gate, 3)
        held.go_on.set()
        with pytest.raises(type(error)):
            leader.result(WAIT_SECONDS)
        for each in followers:
            with pytest.raises(LedgerDown):
                each.result(WAIT_SECONDS)
        pool.shutdown()
    assert gate.lane.is_down
    gate.recover()
    assert gate.lane.decide(suspend) == gate.store.head.seq


def open_and_fail(desk: Desk, now_ns: int) -> tuple[None, int]:
    """A use that records an event and fails afterwards."""
    desk.shard.record(AccountOpened(account="b", fee_tier="default"), now_ns)
    raise RuntimeError


def test_a_use_that_fails_after_its_event_has_made_it_durable(gate: Gate) -> None:
    with pytest.raises(RuntimeError):
        gate.lane.decide(open_and_fail)
    assert [each.kind for each in gate.store.read()][-1] == "account_opened"
    assert gate.lane.look(last_seq) == gate.store.head.seq


def test_a_use_that_fails_after_its_event_is_void_when_the_commit_fails(gate: Gate) -> None:
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        gate.lane.decide(open_and_fail)
    gate.recover()
    assert gate.lane.read(lambda desk, _now: sorted(desk.shard.state.accounts)) == ["a"]


def test_a_use_that_refuses_waits_for_no_commit(gate: Gate, held: Gated) -> None:
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(gate.lane.decide, suspend)
        assert held.entered.wait(WAIT_SECONDS)
        with pytest.raises(UnknownName):
            gate.lane.decide(lambda desk, _now: (desk.shard.account("nobody"), 0))
        assert not leader.done()
        held.go_on.set()
        leader.result(WAIT_SECONDS)


def test_during_a_recovery_everybody_is_refused_at_once(gate: Gate) -> None:
    folding, go_on = Event(), Event()

    def slow(store: Store) -> Desk:
        folding.set()
        assert go_on.wait(WAIT_SECONDS)
        return gate.builder.open_desk(store)

    gate.lane.mark_down()
    with ThreadPoolExecutor(2) as pool:
        recovery = pool.submit(gate.lane.recover, slow)
        assert folding.wait(WAIT_SECONDS)
        asking = pool.submit(gate.lane.look, last_seq)
        with pytest.raises(LedgerDown):
            asking.result(1)
        go_on.set()
        recovery.result(WAIT_SECONDS)
    assert gate.lane.look(last_seq) == gate.store.head.seq


def test_nobody_waits_for_the_lock_of_a_lane_that_is_down(gate: Gate) -> None:
    gate.lane.mark_down()
    with gate.lane._deciding, ThreadPoolExecutor(1) as pool, pytest.raises(LedgerDown):
        pool.submit(gate.lane.look, last_seq).result(1)


def test_a_recovery_keeps_the_prices_with_their_version_and_age(gate: Gate) -> None:
    before = gate.lane.look(lambda desk, _now: desk.shard.market.view)
    gate.lane.mark_down()
    gate.recover()
    assert gate.lane.look(lambda desk, _now: desk.shard.market.view) is before


def test_only_orders_are_timed(gate: Gate) -> None:
    gate.lane.decide(suspend)
    gate.lane.read(last_seq)
    assert gate.watch.of("checked") == []
    gate.lane.check(suspend)
    assert gate.watch.of("checked") == [("checked",)]


class Failing(Watch):
    """An observer whose every report ends in an error."""

    def checked(self, decide_seconds: float, commit_seconds: float) -> None:
        raise OSError(decide_seconds, commit_seconds)

    def committed(self, events: list[EventDraft], byte_count: int, duration_seconds: float) -> None:
        raise OSError(len(events), byte_count, duration_seconds)

    def failed(self) -> None:
        raise OSError

    def recovered(self) -> None:
        raise OSError


def test_an_observer_that_fails_changes_no_answer_and_leaves_nobody_waiting(gate: Gate) -> None:
    gate.lane._observer = Failing()
    assert gate.lane.check(suspend) == gate.store.head.seq
    gate.store.before_append = fails_once(disk_full())
    with pytest.raises(LedgerDown):
        gate.lane.decide(suspend)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(gate.recover).result(WAIT_SECONDS)
    assert gate.lane.decide(suspend) == gate.store.head.seq


def test_two_commits_are_told_with_their_own_bytes_however_late_they_are_told(gate: Gate) -> None:
    late, go_on = Event(), Event()

    class Late(Watch):
        """The first report arrives after the second commit."""

        def committed(
            self, events: list[EventDraft], byte_count: int, duration_seconds: float
        ) -> None:
            if not late.is_set():
                late.set()
                assert go_on.wait(WAIT_SECONDS)
            super().committed(events, byte_count, duration_seconds)

    watch = gate.lane._observer = Late()
    before = gate.store.bytes_written
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(gate.lane.decide, suspend)
        assert late.wait(WAIT_SECONDS)
        gate.lane.decide(suspend)
        go_on.set()
        first.result(WAIT_SECONDS)
    assert min(watch.byte_counts) > 0
    assert sum(watch.byte_counts) == gate.store.bytes_written - before


def test_when_a_failure_is_told_the_lane_can_already_be_recovered(gate: Gate) -> None:
    class Healing(Watch):
        def failed(self) -> None:
            gate.recover()

    gate.lane._observer = Healing()
    gate.store.before_append = fails_once(disk_full())
    with ThreadPoolExecutor(1) as pool, pytest.raises(LedgerDown):
        pool.submit(gate.lane.decide, suspend).result(WAIT_SECONDS)
    assert not gate.lane.is_down
