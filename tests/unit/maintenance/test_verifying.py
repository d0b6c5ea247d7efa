"""Whatever is wrong with a ledger is found, and named by its place."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from margingate_server.ledger.head_file import HeadFile
from margingate_server.ledger.snapshot_file import load_snapshot, write_snapshot
from margingate_server.ledger.sqlite_market_digests import stored_digests
from margingate_server.ledger.sqlite_market_store import SqliteMarketStore
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.state_codec import decode_state, encode_state
from margingate_server.ledger.store import EventDraft, Head, StoreFailure
from margingate_server.maintenance import citations
from margingate_server.maintenance.snapshotting import take_snapshot
from margingate_server.maintenance.verifying import verify_ledger
from tests.unit.maintenance.ledgers import (
    change,
    counting,
    grow,
    new_ledger,
    new_log,
    problems,
    quiet,
    verified,
)


@pytest.mark.parametrize("is_deep", [False, True])
def test_a_good_ledger_has_no_problem_and_everything_is_counted(
    tmp_path: Path, is_deep: bool
) -> None:
    log = new_ledger(tmp_path)
    take_snapshot(tmp_path, 1)
    grow(tmp_path, log.draw(100))
    found = verified(tmp_path, is_deep=is_deep)
    assert problems(tmp_path, is_deep=is_deep) == {}
    texts = {subject: each.found for subject, each in found.items()}
    assert texts.pop("markets").endswith(" cite what is stored, 0 what was pruned")
    ending = ", and is what its events lead to" if is_deep else ""
    assert texts == {
        "ledger.head": "names event 400 of 400",
        "events": "400 events, chain whole from the first",
        "accounts": "4, their events without a gap",
        "snapshot-00000000000000000300.mgs": f"fits the log at event 300{ending}",
    }


def test_a_ledger_in_use_is_verified_to_where_it_was(tmp_path: Path) -> None:
    log = new_ledger(tmp_path)
    with closing(SqliteStore(tmp_path, opened_ns=1)) as store:
        found: list[int] = []

        def grown(done: int, _total: int) -> None:
            found.append(done)
            store.append(log.draw(5))

        assert all(each.problem is None for each in verify_ledger(tmp_path, grown))
    assert found == [300]


def test_progress_is_told_now_and_then(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    new_ledger(tmp_path, count=4_100)
    verify_ledger(tmp_path, counting(calls))
    assert calls == [(2_000, 4_100), (4_000, 4_100), (4_100, 4_100)]


@pytest.mark.parametrize(
    ("sql", "seq"),
    [
        ("UPDATE event SET body = x'7b7d' WHERE seq = 120", 120),
        ("UPDATE event SET hash = zeroblob(32) WHERE seq = 120", 120),
        ("UPDATE event SET recorded_ns = recorded_ns + 1 WHERE seq = 120", 120),
        ("UPDATE event SET account = 'b' WHERE seq = 120", 120),
        ("DELETE FROM event WHERE seq = 120", 120),
        ("DELETE FROM event WHERE seq = 1", 1),
    ],
)
def test_a_changed_or_missing_event_is_named(tmp_path: Path, sql: str, seq: int) -> None:
    new_ledger(tmp_path)
    change(tmp_path, sql)
    [bad] = [each for each in verified(tmp_path).values() if each.problem is not None]
    assert (bad.subject, bad.found) == ("events", f"{seq - 1} events intact")
    assert bad.problem is not None
    assert bad.problem.seq == seq


def test_a_log_that_lost_its_tail_is_named(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    change(tmp_path, "DELETE FROM event WHERE seq > 290")
    assert "its head file names event 300" in problems(tmp_path)["ledger.head"]


def test_a_head_of_another_log_is_named(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    HeadFile(tmp_path / "ledger.head", Head(290, bytes(32))).close()
    assert "not the event the head file names" in problems(tmp_path)["ledger.head"]


def test_a_missing_head_file_is_named(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    (tmp_path / "ledger.head").unlink()
    assert "missing beside a log of 300 events" in problems(tmp_path)["ledger.head"]


def test_events_behind_the_head_file_are_verified_too(tmp_path: Path) -> None:
    """A server that starts would go on after them."""
    new_ledger(tmp_path)
    with closing(SqliteStore(tmp_path, opened_ns=1)) as store:
        record = store.get(290)
        assert record is not None
    HeadFile(tmp_path / "ledger.head", Head(290, record.hash)).close()
    assert verified(tmp_path)["events"].found.startswith("300 events")
    change(tmp_path, "UPDATE event SET body = x'7b7d' WHERE seq = 295")
    assert "295" in problems(tmp_path)["events"]


def draft_changed(drafts: list[EventDraft], number: int, **fields: object) -> list[EventDraft]:
    changed = replace(drafts[number], **fields)  # type: ignore[arg-type]
    return [*drafts[:number], changed, *drafts[number + 1 :]]


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"version": 99}, "version 99"),
        ({"body": b"{}"}, "not an event"),
        ({"kind": "other"}, "say something else"),
        ({"request_id": "other"}, "say something else"),
    ],
)
def test_an_event_that_was_written_wrong_is_named(
    tmp_path: Path, fields: dict[str, object], problem: str
) -> None:
    """The chain is whole: what is wrong was wrong when it was chained."""
    grow(tmp_path, draft_changed(new_log().draw(300), 119, **fields))
    [bad] = [each.problem for each in verified(tmp_path).values() if each.problem is not None]
    assert bad is not None
    assert bad.seq == 120
    assert problem in bad.problem


def test_a_snapshot_that_is_damaged_or_of_another_log_is_named_and_the_rest_looked_at(
    tmp_path: Path,
) -> None:
    log = new_ledger(tmp_path)
    first = take_snapshot(tmp_path, 1).path
    grow(tmp_path, log.draw(100))
    second = take_snapshot(tmp_path, 1).path
    first.write_bytes(first.read_bytes()[:-1])
    write_snapshot(tmp_path, replace(load_snapshot(second), hash=bytes(32)))
    found = problems(tmp_path)
    assert set(found) == {first.name, second.name}
    assert "damaged" in found[first.name]
    assert "another log" in found[second.name]
    assert "markets" in verified(tmp_path)


def test_a_snapshot_with_a_wrong_state_is_found_by_folding(tmp_path: Path) -> None:
    """What no checksum shows: it was made wrong, or by a build that folds otherwise."""
    new_ledger(tmp_path)
    path = take_snapshot(tmp_path, 1).path
    snapshot = load_snapshot(path)
    state, market_version = decode_state(snapshot.body)
    next(iter(state.accounts.values())).portfolio.cash["USD"] = 10**15
    write_snapshot(tmp_path, replace(snapshot, body=encode_state(state, market_version)))
    assert problems(tmp_path) == {}
    assert "not the state" in problems(tmp_path, is_deep=True)[path.name]


def test_a_missing_or_other_market_is_named(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    change(tmp_path, "DELETE FROM market WHERE version = 4", file="market.sqlite")
    assert "4 is missing" in problems(tmp_path)["markets"]


def test_a_damaged_market_is_named(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    change(tmp_path, "UPDATE market SET body = x'00' WHERE version = 4", file="market.sqlite")
    assert "market version 4" in problems(tmp_path)["markets"]


def test_the_market_of_another_ledger_is_named(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    (tmp_path / "market.sqlite").unlink()
    assert "missing" in problems(tmp_path)["markets"]
    other = new_log(2)
    grow(tmp_path / "other", draft_changed(other.draw(300), 0))
    change(
        tmp_path / "other",
        "UPDATE market SET digest = (SELECT digest FROM market WHERE version = 1)",
        file="market.sqlite",
    )
    (tmp_path / "other" / "market.sqlite").rename(tmp_path / "market.sqlite")
    assert "market version" in problems(tmp_path)["markets"]


def test_markets_that_were_pruned_are_counted_and_no_problem(tmp_path: Path) -> None:
    log = new_ledger(tmp_path, count=4_000)
    before = verified(tmp_path)["markets"].found
    with closing(SqliteMarketStore(tmp_path)) as markets:
        while markets.prune_before(2):
            pass
    after = verified(tmp_path)["markets"]
    assert after.problem is None
    assert before.endswith(" 0 what was pruned")
    assert not after.found.endswith(" 0 what was pruned")
    assert log.state.last_seq >= 4_000


def test_what_is_pruned_while_the_markets_are_read_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_ledger(tmp_path, count=4_000)

    def pruned_meanwhile(path: Path) -> Iterator[tuple[int, str]]:
        rows = stored_digests(path)
        yield next(rows)
        with closing(SqliteMarketStore(tmp_path)) as markets:
            while markets.prune_before(2):
                pass
        yield from stored_digests(path)

    monkeypatch.setattr(citations, "stored_digests", pruned_meanwhile)
    assert problems(tmp_path) == {}


def test_one_version_cited_with_two_digests_is_named(tmp_path: Path) -> None:
    drafts = new_log().draw(300)
    number = max(n for n, each in enumerate(drafts) if each.kind == "order_accepted")
    digest = new_log()._market_digest(drafts[number].market_version).encode()
    grow(
        tmp_path,
        draft_changed(drafts, number, body=drafts[number].body.replace(digest, b"0" * 32)),
    )
    assert "with another digest" in problems(tmp_path)["events"]


def test_a_directory_without_a_ledger_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(StoreFailure, match="no ledger"):
        verify_ledger(tmp_path, quiet)
    assert list(tmp_path.iterdir()) == []
