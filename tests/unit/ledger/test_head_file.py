"""The head file: a torn write never loses the head that was durable before it."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from margingate_server.ledger.head_file import HeadFile, load_head
from margingate_server.ledger.store import CorruptLedger, Head

BLOCK_BYTES = 4096


def head(seq: int) -> Head:
    return Head(seq, sha256(b"%d" % seq).digest())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.head"


def test_no_file_names_no_head(path: Path) -> None:
    assert load_head(path) is None


def test_a_new_file_names_its_head_and_replaces_the_old_one(path: Path) -> None:
    HeadFile(path, head(9)).close()
    HeadFile(path, head(4)).close()
    assert load_head(path) == head(4)
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_the_head_recorded_last_is_the_one_named(path: Path) -> None:
    file = HeadFile(path, head(0))
    for seq in range(1, 20):
        file.record(head(seq))
        assert load_head(path) == head(seq)
        if seq % 3 == 0:
            file.sync()
    file.close()


def test_a_torn_block_never_loses_the_head_synced_before(path: Path) -> None:
    file = HeadFile(path, head(0))
    synced = 0
    for seq in range(1, 30):
        before = path.read_bytes()
        file.record(head(seq))
        after = path.read_bytes()
        changed = [at for at in range(0, len(after), BLOCK_BYTES) if differ(before, after, at)]
        assert len(changed) == 1
        path.write_bytes(torn(after, changed[0]))
        assert load_head(path) >= head(synced)  # type: ignore[operator]
        path.write_bytes(after)
        if seq % 4 == 0:
            file.sync()
            synced = seq
    file.close()


def differ(before: bytes, after: bytes, at: int) -> bool:
    return before[at : at + BLOCK_BYTES] != after[at : at + BLOCK_BYTES]


def torn(content: bytes, at: int) -> bytes:
    return content[: at + 40] + b"\0" * (BLOCK_BYTES - 40) + content[at + BLOCK_BYTES :]


def test_while_one_sync_runs_neither_its_block_nor_the_durable_one_is_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = HeadFile(path, head(1))
    file.record(head(2))
    during_sync: list[tuple[bytes, bytes]] = []

    def slow_sync(_: int) -> None:
        before = path.read_bytes()
        file.record(head(3))
        during_sync.append((before, path.read_bytes()))

    monkeypatch.setattr(os, "fdatasync", slow_sync)
    file.sync()
    file.close()
    ((before, after),) = during_sync
    assert [differ(before, after, at) for at in (0, BLOCK_BYTES, 2 * BLOCK_BYTES)] == [
        False,
        False,
        True,
    ]
    assert load_head(path) == head(3)


def test_a_sync_with_nothing_new_costs_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "fdatasync", calls.append)
    file = HeadFile(path, head(1))
    file.sync()
    file.record(head(2))
    file.sync()
    file.sync()
    file.close()
    assert len(calls) == 1


def test_a_file_without_an_intact_block_is_refused(path: Path) -> None:
    for content in (b"", b"\0" * 3 * BLOCK_BYTES, b"MGHEAD1\n"):
        path.write_bytes(content)
        with pytest.raises(CorruptLedger) as caught:
            load_head(path)
        assert caught.value.place == str(path)


def test_every_flipped_bit_of_the_only_head_is_seen(path: Path) -> None:
    HeadFile(path, head(7)).close()
    content = path.read_bytes()
    for bit in range(80 * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(CorruptLedger):
            load_head(path)
