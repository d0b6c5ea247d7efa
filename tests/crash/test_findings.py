"""The crash test would notice: a true ledger and its journals, falsified in one place each."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from tests.crash.audit import audited
from tests.crash.books import DECIDED
from tests.crash.cited_markets import lacking_markets
from tests.crash.event_log import GENESIS, Row, rows_after
from tests.crash.journal import Entry, JournalReader, Step
from tests.crash.ledger_life import DATA, LedgerLife
from tests.crash.product_checks import run_ledger, verify_and_replay
from tests.crash.tally import Tally
from tests.reference.contracts import Instrument

CYCLES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What a run left: its folder, its journals, its log."""

    folder: Path
    journals: list[list[Entry]]
    rows: list[Row]
    instruments: dict[str, Instrument]

    def findings(
        self, *, rows: list[Row] | None = None, journals: list[list[Entry]] | None = None
    ) -> str:
        """What is found with one of them replaced."""
        found = audited(
            self.journals if journals is None else journals,
            self.rows if rows is None else rows,
            self.instruments,
        )
        return "\n".join(found)

    def last(self, kind: str, is_wanted: Callable[[Row], bool] = lambda _: True) -> Row:
        """The last event of a kind."""
        return next(row for row in reversed(self.rows) if row.kind == kind and is_wanted(row))

    def with_event(self, row: Row, **changes: Any) -> list[Row]:
        """The log with fields of one event changed, and every hash made good again."""
        body = json.dumps({**row.event, **changes}).encode()
        return resealed([replace(each, body=body) if each is row else each for each in self.rows])


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Evidence:
    folder, tally = tmp_path_factory.mktemp("crash") / "ledger", Tally()
    life = LedgerLife(folder, "falsified", tally)
    try:
        life.open()
        for _ in range(CYCLES):
            life.cycle()
        life.close()
    finally:
        life.end()
    assert not tally.findings
    return Evidence(
        folder=folder,
        journals=[list(JournalReader(path).new_entries()) for path in folder.glob("*.jsonl")],
        rows=rows_after(folder / DATA, 0),
        instruments=life.instruments,
    )


def resealed(rows: list[Row]) -> list[Row]:
    """The rows numbered and hashed anew, as a forger would."""
    sealed: list[Row] = []
    previous_hash = GENESIS
    for seq, row in enumerate(rows, 1):
        numbered = replace(row, seq=seq)
        previous_hash = numbered.sealed_after(previous_hash)
        sealed.append(replace(numbered, hash=previous_hash))
    return sealed


def is_acknowledged(evidence: Evidence) -> Callable[[Row], bool]:
    """Whether an order's answer stands in a journal."""
    known = {
        (request.account, request.request_id)
        for journal in evidence.journals
        for entry in journal
        if entry.step is Step.OK and isinstance(request := entry.asked(), margin.CheckOrderRequest)
    }
    return lambda row: (row.account, row.request_id) in known


def test_nothing_is_found_in_the_evidence_as_it_is(evidence: Evidence) -> None:
    assert evidence.findings() == ""
    assert len(evidence.rows) > 100


def test_a_log_without_its_end_has_lost_answers(evidence: Evidence) -> None:
    cut = evidence.last("order_accepted", is_acknowledged(evidence)).seq - 1
    assert "lost: " in evidence.findings(rows=evidence.rows[:cut])


def test_an_event_left_out_is_missed_even_under_good_hashes(evidence: Evidence) -> None:
    is_known = is_acknowledged(evidence)
    row = next(row for row in evidence.rows if row.kind == "order_accepted" and is_known(row))
    rest = [each for each in evidence.rows if each is not row]
    assert f"event {row.seq} is missing" in evidence.findings(rows=rest)
    found = evidence.findings(rows=resealed(rest))
    assert f"lost: ('request', '{row.account}', '{row.request_id}')" in found


def test_an_event_deleted_from_the_file_is_missed(evidence: Evidence, tmp_path: Path) -> None:
    source = evidence.folder / DATA / "ledger.sqlite"
    with (
        closing(sqlite3.connect(source)) as whole,
        closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as part,
    ):
        whole.backup(part)
        part.execute("DELETE FROM event WHERE seq = 30")
        part.commit()
    assert "event 30 is missing" in evidence.findings(rows=rows_after(tmp_path, 0))


def test_a_changed_body_does_not_have_its_hash(evidence: Evidence) -> None:
    row = evidence.rows[20]
    bad = [replace(each, body=each.body + b" ") if each is row else each for each in evidence.rows]
    assert f"event {row.seq} does not have the hash of its content" in evidence.findings(rows=bad)


def test_an_answer_in_the_log_twice_is_found(evidence: Evidence) -> None:
    row = evidence.last("collateral_adjusted")
    found = evidence.findings(rows=resealed([*evidence.rows, row]))
    assert f"is in the log twice, first as event {row.seq}" in found


def test_a_journal_that_heard_otherwise_is_found(evidence: Evidence) -> None:
    row = evidence.last("order_accepted", is_acknowledged(evidence))
    journals = [[heard_otherwise(entry, row) for entry in each] for each in evidence.journals]
    found = evidence.findings(journals=journals)
    assert f"('request', '{row.account}', '{row.request_id}') was answered" in found


def heard_otherwise(entry: Entry, row: Row) -> Entry:
    """The entry, with another order id in its answer if it is about that event."""
    request = entry.asked()
    if entry.step is not Step.OK or not isinstance(request, margin.CheckOrderRequest):
        return entry
    if (request.account, request.request_id) != (row.account, row.request_id):
        return entry
    answer = margin.CheckOrderResponse.FromString(entry.answer)
    answer.decision.order_id = "another"
    return msgspec.structs.replace(entry, answer=answer.SerializeToString())


def test_an_id_answered_two_ways_is_found(evidence: Evidence) -> None:
    row = evidence.last("order_accepted", is_acknowledged(evidence))
    extra = [heard_otherwise(each, row) for journal in evidence.journals for each in journal]
    changed = [each for each in extra if b"another" in each.answer]
    assert "was answered before, now" in evidence.findings(journals=[*evidence.journals, changed])


def test_an_event_that_nobody_asked_for_is_found(evidence: Evidence) -> None:
    row = evidence.last("fill_reported")
    found = evidence.findings(rows=resealed([*evidence.rows, replace(row, request_id="invented")]))
    assert "nobody asked for ('fill'" in found


def test_a_refused_request_that_took_effect_is_found(evidence: Evidence) -> None:
    row = evidence.last("collateral_adjusted", lambda row: row.request_id[:1] == "c")
    journals = [
        [
            msgspec.structs.replace(entry, step=Step.FAIL, said="FAILED_PRECONDITION")
            if entry.step is Step.OK and row.request_id.encode() in entry.request
            else entry
            for entry in journal
        ]
        for journal in evidence.journals
    ]
    assert "was refused and is in the log" in evidence.findings(journals=journals)


def test_a_falsified_amount_is_found(evidence: Evidence) -> None:
    row = evidence.last("collateral_adjusted")
    rows = evidence.with_event(row, units=row.event["units"] + 1)
    found = evidence.findings(rows=rows)
    assert f"event {row.seq} (collateral_adjusted of {row.account}): balance" in found
    assert f"event {row.seq}: " in found
    assert "asked for" in found


def test_a_falsified_flow_of_a_fill_is_found(evidence: Evidence) -> None:
    row = evidence.last("fill_reported")
    found = evidence.findings(rows=evidence.with_event(row, flow=row.event["flow"] + 1))
    assert f"event {row.seq} (fill_reported of {row.account}): credits" in found


def test_an_accepted_order_over_the_limit_is_found(evidence: Evidence) -> None:
    row = evidence.last("order_accepted")
    decision = {**row.event["decision"], "after": [1, 2, 3], "is_risk_reducing": False}
    found = evidence.findings(rows=evidence.with_event(row, decision=decision))
    assert f"event {row.seq} (order_accepted of {row.account}): is over the limit" in found


def test_a_withdrawal_that_leaves_too_little_is_found(evidence: Evidence) -> None:
    journals = [[left_short(entry) for entry in journal] for journal in evidence.journals]
    assert "the withdrawal left the account with" in evidence.findings(journals=journals)


def left_short(entry: Entry) -> Entry:
    """The entry; an adjustment as a withdrawal with a negative headroom in its answer."""
    request = entry.asked()
    if entry.step is not Step.OK or not isinstance(request, accounts.AdjustCollateralRequest):
        return entry
    answer = accounts.AdjustCollateralResponse.FromString(entry.answer)
    answer.risk.headroom = "-0.000001"
    request.amount = "-" + request.amount.removeprefix("-")
    return msgspec.structs.replace(
        entry, request=request.SerializeToString(), answer=answer.SerializeToString()
    )


def test_a_gap_in_an_accounts_versions_is_found(evidence: Evidence) -> None:
    row = evidence.last("order_accepted")
    rows = [
        replace(each, version=each.version + 1) if each is row else each for each in evidence.rows
    ]
    found = evidence.findings(rows=resealed(rows))
    assert f"event {row.seq}: version {row.version + 1} of {row.account}" in found


def test_a_market_that_is_not_kept_is_found(evidence: Evidence, tmp_path: Path) -> None:
    folder = evidence.folder / DATA
    assert not list(lacking_markets(evidence.rows, folder))
    row = evidence.last("order_accepted")
    decision = {**row.event["decision"], "market_digest": "another"}
    found = list(lacking_markets(evidence.with_event(row, decision=decision), folder))
    assert [each.split(",")[0] for each in found] == [
        f"event {row.seq} cites market {row.market_version} another"
    ]
    assert len(list(lacking_markets(evidence.rows, tmp_path))) > 1


def test_decisions_that_do_not_build_on_each_other_are_found(evidence: Evidence) -> None:
    row = evidence.last("order_accepted", lambda row: before(evidence, row).kind in DECIDED)
    last = before(evidence, row).event["decision"]
    decision = {
        **row.event["decision"],
        "market_version": last["market_version"],
        "before": [1, 1, 1],
    }
    found = evidence.findings(rows=evidence.with_event(row, decision=decision))
    assert f"event {row.seq} (order_accepted of {row.account}): margin before is" in found


def before(evidence: Evidence, row: Row) -> Row:
    """The account's event before that one."""
    earlier = evidence.rows[: row.seq - 1]
    return next(each for each in reversed(earlier) if each.account == row.account)


def test_a_decision_with_another_margin_is_not_taken_so_again(
    evidence: Evidence, tmp_path: Path
) -> None:
    folder = tmp_path / DATA
    shutil.copytree(evidence.folder / DATA, folder, ignore=shutil.ignore_patterns("snapshot-*"))
    row = evidence.last("order_accepted")
    decision = row.event["decision"]
    after = [decision["after"][0] + 1, *decision["after"][1:]]
    write(folder, evidence.with_event(row, decision={**decision, "after": after}))
    assert not run_ledger(("rebuild-head", "--yes"), folder)
    (found,) = verify_and_replay(folder)
    assert found.startswith("ledger replay ended with")
    assert str(after[0]) in found


def write(folder: Path, rows: list[Row]) -> None:
    """Put other bodies and hashes into the file of a log."""
    with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
        for row in rows:
            changes = (row.body, row.hash, row.seq)
            connection.execute("UPDATE event SET body = ?, hash = ? WHERE seq = ?", changes)
        connection.commit()
