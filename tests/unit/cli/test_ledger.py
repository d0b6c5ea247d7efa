"""`margingate ledger`: what people see, and the exit codes of scripts."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from margingate_server.cli.app import app
from margingate_server.ledger.snapshot_file import newest_snapshot
from margingate_server.ledger.sqlite_store import SqliteStore
from tests.unit.maintenance.ledgers import change, new_ledger, problems


def ledger(*words: object) -> Result:
    return CliRunner().invoke(app, ["ledger", *map(str, words)])


def test_verify_says_what_it_checked(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    for words in ((), ("--deep",)):
        result = ledger("verify", "--data-dir", tmp_path, *words)
        assert (result.exit_code, result.stderr) == (0, "")
        assert "300 events, chain whole from the first" in result.stdout
        assert "BAD" not in result.stdout


def test_verify_names_the_place_and_fails(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    change(tmp_path, "UPDATE event SET body = x'7b7d' WHERE seq = 120")
    result = ledger("verify", "--data-dir", tmp_path)
    assert result.exit_code == 6
    assert "BAD" in result.stdout
    assert "event 120 in" in result.stdout


def test_snapshot_makes_one_and_then_nothing_new(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    first, second = (ledger("snapshot", "--data-dir", tmp_path) for _ in range(2))
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "state at event 300, 300 events folded" in first.stdout
    assert second.stdout == "nothing new since event 300\n"
    found = newest_snapshot(tmp_path)
    assert found is not None
    assert found.seq == 300


def test_snapshot_of_a_damaged_log_names_the_event(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    change(tmp_path, "UPDATE event SET body = x'7b7d' WHERE seq = 120")
    result = ledger("snapshot", "--data-dir", tmp_path)
    assert result.exit_code == 6
    assert "event 120 in" in result.stderr


def test_export_writes_lines_to_the_output_or_a_new_file(tmp_path: Path) -> None:
    new_ledger(tmp_path / "data")
    words = ("export", "--data-dir", tmp_path / "data", "--after", "290")
    lines = ledger(*words).stdout.splitlines()
    assert [json.loads(line)["seq"] for line in lines] == list(range(291, 301))
    file = tmp_path / "events.jsonl"
    assert ledger(*words, "--output", file).exit_code == 0
    assert file.read_text().splitlines() == lines
    assert ledger(*words, "--output", file).exit_code == 2
    assert ledger(*words, "--account", "nobody").stdout == ""


def test_a_backup_is_restored_into_a_new_directory_alone(tmp_path: Path) -> None:
    data, copy, back = (tmp_path / name for name in ("data", "copy", "back"))
    new_ledger(data)
    saved = ledger("backup", copy, "--data-dir", data)
    assert saved.exit_code == 0, saved.output
    assert f"{copy}: 300 events, head " in saved.stdout
    restored = ledger("restore", copy, "--data-dir", back)
    assert restored.exit_code == 0, restored.output
    assert problems(back, is_deep=True) == {}
    SqliteStore(back, opened_ns=1).close()
    for words in (("backup", copy, "--data-dir", data), ("restore", copy, "--data-dir", back)):
        again = ledger(*words)
        assert again.exit_code == 2
        assert "not an empty directory" in again.stderr


def test_a_backup_of_a_damaged_ledger_fails(tmp_path: Path) -> None:
    new_ledger(tmp_path / "data")
    change(tmp_path / "data", "UPDATE event SET body = x'7b7d' WHERE seq = 120")
    result = ledger("backup", tmp_path / "copy", "--data-dir", tmp_path / "data")
    assert result.exit_code == 6
    assert "is no good; delete it" in result.stderr


def test_a_damaged_backup_is_not_restored(tmp_path: Path) -> None:
    new_ledger(tmp_path / "copy")
    change(tmp_path / "copy", "UPDATE event SET body = x'7b7d' WHERE seq = 120")
    result = ledger("restore", tmp_path / "copy", "--data-dir", tmp_path / "data")
    assert result.exit_code == 6
    assert not (tmp_path / "data").exists()


def test_a_head_is_rebuilt_only_by_who_accepts_what_is_lost(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    (tmp_path / "ledger.head").unlink()
    refused = ledger("rebuild-head", "--data-dir", tmp_path)
    assert refused.exit_code == 1
    assert "events that it lost stay lost" in refused.stderr
    assert not (tmp_path / "ledger.head").exists()
    accepted = ledger("rebuild-head", "--data-dir", tmp_path, "--yes")
    assert accepted.exit_code == 0
    assert accepted.stdout.startswith("the head is event 300, ")
    assert problems(tmp_path) == {}


@pytest.mark.parametrize("command", ["verify", "snapshot", "export"])
def test_a_directory_without_a_ledger_is_told(tmp_path: Path, command: str) -> None:
    result = ledger(command, "--data-dir", tmp_path / "nowhere")
    assert result.exit_code == 1
    assert "there is no ledger in" in result.stderr


def test_a_ledger_in_use_cannot_have_its_head_rebuilt(tmp_path: Path) -> None:
    new_ledger(tmp_path)
    store = SqliteStore(tmp_path, opened_ns=1)
    result = ledger("rebuild-head", "--data-dir", tmp_path, "--yes")
    store.close()
    assert result.exit_code == 1
    assert "is at work in" in result.stderr
