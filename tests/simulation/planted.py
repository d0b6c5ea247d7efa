"""Bugs as a ledger might have them, put into the product for as long as a test lasts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from margingate_engine.check import decide
from margingate_engine.portfolio import hold
from margingate_engine.portfolio.hold import hold_of
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.requests import FILL_SPACE, Remembered, RequestIndex
from margingate_server.ledger.store import EventRecord
from margingate_server.recovery import DeskBuilder
from margingate_server.rpc.lane import Lane, Ticket
from margingate_server.service import checking
from margingate_server.service.asking import Asking
from margingate_server.service.checking import Checking
from margingate_server.service.decisions import CheckAnswer, CheckCommand
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import Oldest
from margingate_server.service.orders import Orders
from margingate_server.service.shard import AccountView, Shard
from tests.simulation.disk import SimulatedDisk

Plant = Callable[[pytest.MonkeyPatch], None]


def lost_update(patch: pytest.MonkeyPatch) -> None:
    """A second decision before the commit of the first does not see what the first holds."""
    check = Checking.check

    def forgetful(self: Checking, command: CheckCommand, now_ns: int) -> CheckAnswer:
        if not self._shard._pending:
            return check(self, command, now_ns)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(checking, "hold_more", lambda _view, _outcome: None)
            return check(self, command, now_ns)

    patch.setattr(Checking, "check", forgetful)


def double_release(patch: pytest.MonkeyPatch) -> None:
    """The retry of a release gives the order's hold back once more."""
    release, again = Orders._release, Orders._released_before
    legs_by_order: dict[tuple[int, str, str], Any] = {}

    def remembering(self: Orders, account: Any, order_ids: Any, *args: Any) -> Any:
        for order_id in order_ids:
            key = (id(self), account.account, order_id)
            legs_by_order[key] = account.portfolio.legs[order_id]
        return release(self, account, order_ids, *args)

    def releasing(self: Orders, account: Any, earlier: Any) -> Any:
        view = self._shard.view_of(account)
        for order_id in earlier.order_ids:
            legs = legs_by_order.get((id(self), account.account, order_id))
            if legs is not None and view.risk is not None:
                view.risk.release(hold_of(view.view.arrays, account.portfolio.fees, legs))
        return again(self, account, earlier)

    patch.setattr(Orders, "_release", remembering)
    patch.setattr(Orders, "_released_before", releasing)


def reply_before_commit(patch: pytest.MonkeyPatch) -> None:
    """Whoever finds another one leading, or nobody, is answered without waiting."""
    patch.setattr(Lane, "_commit_through", lambda _self, _ticket: None)


def retry_before_commit(patch: pytest.MonkeyPatch) -> None:
    """A retry is answered from memory, although the first answer is not durable yet."""
    check = Checking.check

    def hasty(self: Checking, command: CheckCommand, now_ns: int) -> CheckAnswer:
        answer = check(self, command, now_ns)
        return replace(answer, seq=0) if answer.is_replayed else answer

    patch.setattr(Checking, "check", hasty)


def void_answer_leaves(patch: pytest.MonkeyPatch) -> None:
    """A caller whose decision became void is answered once the log is as long again."""
    must_lead = Lane._must_lead

    def blind(self: Lane, ticket: Ticket) -> bool:
        is_void = ticket.generation != self._generation
        if is_void and not self._is_down and ticket.seq <= self._durable_seq:
            return False
        return must_lead(self, ticket)

    patch.setattr(Lane, "_must_lead", blind)


def kept_batch_skipped(patch: pytest.MonkeyPatch) -> None:
    """Recovery folds the log only as far as it was acknowledged."""
    open_desk, append = DeskBuilder.open_desk, SimulatedDisk.append
    acknowledged: dict[int, int] = {}

    def noting(self: SimulatedDisk, events: Sequence[Any]) -> list[EventRecord]:
        records = append(self, events)
        acknowledged[id(self)] = self.head.seq
        return records

    def short(self: DeskBuilder, store: Any, *args: Any) -> Desk:
        known = acknowledged.get(id(store), 0)
        with pytest.MonkeyPatch.context() as inner:
            read = SimulatedDisk.read

            def until(disk: SimulatedDisk, after_seq: int = 0) -> Iterator[EventRecord]:
                return (each for each in read(disk, after_seq) if each.seq <= known)

            inner.setattr(SimulatedDisk, "read", until)
            return open_desk(self, store, *args)

    patch.setattr(SimulatedDisk, "append", noting)
    patch.setattr(DeskBuilder, "open_desk", short)


def fill_forgotten_at_restart(patch: pytest.MonkeyPatch) -> None:
    """Fill ids are not remembered by a fold of the log: a retry after a restart fills again."""
    find, open_desk = RequestIndex.find, DeskBuilder.open_desk
    folded_seq: dict[int, int] = {}

    def opening(self: DeskBuilder, *args: Any) -> Desk:
        desk = open_desk(self, *args)
        folded_seq[id(desk.shard.state.requests)] = desk.shard.state.last_seq
        return desk

    def forgetful(
        self: RequestIndex, space: str, account: str, request_id: str
    ) -> Remembered | None:
        found = find(self, space, account, request_id)
        is_old = found is not None and found.seq <= folded_seq.get(id(self), 0)
        return None if is_old and space == FILL_SPACE else found

    patch.setattr(DeskBuilder, "open_desk", opening)
    patch.setattr(RequestIndex, "find", forgetful)


def stale_price_accepted(patch: pytest.MonkeyPatch) -> None:
    """Only the prices of what is ordered must be young, not those of what is held."""

    def of_order_alone(self: Asking, view: AccountView, rows: Any, now_ns: int) -> Any:
        alone = AccountView(view.view, view.risk, view.missing_subject, Oldest())
        return freshness(self, alone, rows, now_ns)

    freshness = Asking._freshness
    patch.setattr(Asking, "_freshness", of_order_alone)


def view_outlives_fill(patch: pytest.MonkeyPatch) -> None:
    """A fill moves the position, and the risk that is kept in step with it stays behind."""
    patch.setattr(Orders, "_follow_fill", lambda *_: None)


def committed_in_part(patch: pytest.MonkeyPatch) -> None:
    """The last event of a large batch is left for the next commit, and lost."""
    take = Shard.take_pending

    def short(self: Shard) -> Any:
        batch = take(self)
        return replace(batch, events=batch.events[:-1]) if len(batch.events) > 3 else batch

    patch.setattr(Shard, "take_pending", short)


def market_after_events(patch: pytest.MonkeyPatch) -> None:
    """The market that a decision cites is written after the decision."""

    def turned_round(self: Journal, events: Any, markets: Any) -> None:
        self.store.append(events)
        if markets:
            self._market_log.write(markets, events[-1].recorded_ns)

    patch.setattr(Journal, "append", turned_round)


def change_replaces_at_once(patch: pytest.MonkeyPatch) -> None:
    """An accepted change holds what it changes the order into, not the worse of both."""

    def replaced(arrays: Any, fees: Any, _legs: Any, amended: Any) -> hold.OrderHold:
        return hold_of(arrays, fees, amended)

    patch.setattr(hold, "changing_hold", replaced)
    patch.setattr(decide, "changing_hold", replaced)


def snapshot_tail_skipped(patch: pytest.MonkeyPatch) -> None:
    """A start from a snapshot leaves out the first event after it."""
    read = SimulatedDisk.read

    def late(self: SimulatedDisk, after_seq: int = 0) -> Iterator[EventRecord]:
        return read(self, after_seq + 1 if after_seq else 0)

    patch.setattr(SimulatedDisk, "read", late)


PLANTS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        lost_update,
        double_release,
        reply_before_commit,
        retry_before_commit,
        void_answer_leaves,
        kept_batch_skipped,
        fill_forgotten_at_restart,
        stale_price_accepted,
        view_outlives_fill,
        committed_in_part,
        market_after_events,
        change_replaces_at_once,
        snapshot_tail_skipped,
    )
}
