"""A snapshot file is read as it was written, or refused: by its file, with what to do."""

import os
import stat
from pathlib import Path

import pytest

from margingate_server.ledger import snapshot_file
from margingate_server.ledger.snapshot_file import (
    Snapshot,
    load_snapshot,
    newest_snapshot,
    snapshot_bytes,
    snapshot_path,
    snapshot_paths,
    write_snapshot,
)
from margingate_server.ledger.store import CorruptLedger, StoreFailure

HASH = bytes(range(32))


def snapshot(seq: int = 5, body: bytes = b"the state") -> Snapshot:
    return Snapshot(seq=seq, hash=HASH, body=body)


def test_a_snapshot_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, snapshot())
    found = newest_snapshot(tmp_path)
    assert found == Snapshot(seq=5, hash=HASH, body=b"the state", place=str(path))
    assert path == snapshot_path(tmp_path, 5)


def test_only_the_owner_may_read_a_snapshot(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, snapshot())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_newest_is_the_one_with_the_greatest_event(tmp_path: Path) -> None:
    for seq in (9, 100):
        write_snapshot(tmp_path, snapshot(seq))
    found = newest_snapshot(tmp_path)
    assert found is not None
    assert found.seq == 100


def test_of_older_snapshots_one_is_kept(tmp_path: Path) -> None:
    for seq in (1, 2, 3, 4):
        write_snapshot(tmp_path, snapshot(seq))
    assert list(snapshot_paths(tmp_path)) == [3, 4]


def test_a_directory_without_snapshots_has_no_newest(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").touch()
    assert newest_snapshot(tmp_path) is None
    assert newest_snapshot(tmp_path / "missing") is None


def test_every_flipped_bit_is_refused_with_the_file_and_what_to_do(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, snapshot())
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (1, 16, 128):
            damaged = bytearray(content)
            damaged[place] ^= bit
            path.write_bytes(damaged)
            with pytest.raises(CorruptLedger) as corrupt:
                newest_snapshot(tmp_path)
            assert (corrupt.value.seq, corrupt.value.place) == (5, str(path))
            assert "delete the file: all of the log is folded then" in corrupt.value.problem


def test_every_truncation_and_what_is_appended_is_refused(tmp_path: Path) -> None:
    path = write_snapshot(tmp_path, snapshot())
    content = path.read_bytes()
    for odd in (*(content[:end] for end in range(len(content))), content + b"\0", content * 2):
        path.write_bytes(odd)
        with pytest.raises(CorruptLedger):
            load_snapshot(path)


def test_a_file_under_the_name_of_another_event_is_refused(tmp_path: Path) -> None:
    write_snapshot(tmp_path, snapshot()).rename(snapshot_path(tmp_path, 6))
    with pytest.raises(CorruptLedger, match="holds the state at event 5"):
        newest_snapshot(tmp_path)


def test_a_file_of_another_version_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as later:
        later.setattr(snapshot_file, "_MAGIC", b"MGSNAP2\n")
        write_snapshot(tmp_path, snapshot())
    with pytest.raises(CorruptLedger, match="not a snapshot of this version"):
        newest_snapshot(tmp_path)


def test_what_a_killed_writer_left_is_ignored_and_goes_with_the_next_snapshot(
    tmp_path: Path,
) -> None:
    write_snapshot(tmp_path, snapshot(1))
    for seq, end in ((2, 30), (3, None)):
        left = snapshot_path(tmp_path, seq)
        left.with_name(left.name + ".new").write_bytes(snapshot_bytes(snapshot(seq))[:end])
    found = newest_snapshot(tmp_path)
    assert found is not None
    assert found.seq == 1
    write_snapshot(tmp_path, snapshot(4))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        snapshot_path(tmp_path, seq).name for seq in (1, 4)
    ]


def test_a_failed_sync_leaves_the_directory_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_snapshot(tmp_path, snapshot(1))
    write_snapshot(tmp_path, snapshot(2))

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreFailure) as failure:
        write_snapshot(tmp_path, snapshot(3))
    assert (failure.value.operation, failure.value.errno) == ("snapshot", 28)
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        snapshot_path(tmp_path, seq).name for seq in (1, 2)
    ]


def test_a_newest_that_goes_while_it_is_looked_for_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who writes a newer one deletes it."""
    write_snapshot(tmp_path, snapshot(1))

    def overtaken(path: Path) -> Snapshot:
        monkeypatch.undo()
        for seq in (2, 3):
            write_snapshot(tmp_path, snapshot(seq))
        return load_snapshot(path)

    monkeypatch.setattr(snapshot_file, "load_snapshot", overtaken)
    found = newest_snapshot(tmp_path)
    assert found is not None
    assert found.seq == 3
