"""Every event as a line of JSON, verified."""

import json
from pathlib import Path

import pytest

from margingate_server.ledger.store import CorruptLedger
from margingate_server.maintenance.exporting import exported, time_text
from tests.unit.maintenance.ledgers import change, grow, new_ledger, new_log


def test_a_line_has_everything_that_is_stored(tmp_path: Path) -> None:
    grow(tmp_path, new_log().draw(300))
    drafts = new_log().draw(300)
    lines = [json.loads(line) for line in exported(tmp_path)]
    assert [line["seq"] for line in lines] == list(range(1, 301))
    for line, draft in zip(lines, drafts, strict=True):
        assert line["body"] == json.loads(draft.body)
        assert line["time"] == time_text(draft.recorded_ns)
        for name in ("account", "version", "kind", "request_id", "model", "parameters_digest"):
            assert line[name] == getattr(draft, name)
        assert line["market_version"] == draft.market_version
    assert len({line["hash"] for line in lines}) == 300
    assert all(len(line["hash"]) == 64 for line in lines)


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    every = list(exported(tmp_path))
    assert list(exported(tmp_path, 100)) == every[100:]
    mine = list(exported(tmp_path, account="desk-0001"))
    theirs = list(exported(tmp_path, account=""))
    assert mine
    assert theirs
    assert mine == [line for line in every if json.loads(line)["account"] == "desk-0001"]
    assert theirs == [line for line in every if json.loads(line)["account"] == ""]


def test_a_damaged_event_ends_the_export(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    change(tmp_path, "UPDATE event SET version = 99 WHERE seq = 120")
    lines = exported(tmp_path)
    assert len([next(lines) for _ in range(119)]) == 119
    with pytest.raises(CorruptLedger) as corrupt:
        next(lines)
    assert corrupt.value.seq == 120


def test_times_are_told_to_the_nanosecond() -> None:
    assert time_text(1_700_000_000_000_000_001) == "2023-11-14T22:13:20.000000001Z"
    assert time_text(0) == "1970-01-01T00:00:00.000000000Z"
