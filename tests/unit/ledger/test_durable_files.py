"""Durable files: short writes are finished, failed ones raise, and entries are synced."""

import errno
import os
from pathlib import Path

import pytest

from margingate_server.ledger.durable_files import (
    create_file,
    make_directory,
    replace_file,
    rewrite_file,
    write_at,
)


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The paths synced so far."""
    paths: list[Path] = []
    fsync = os.fsync

    def spy(descriptor: int) -> None:
        paths.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    return paths


def test_a_short_write_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pwrite = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, content, at: pwrite(fd, content[:7], at))
    descriptor = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    write_at(descriptor, bytes(range(50)), 3)
    os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == bytes(3) + bytes(range(50))


def test_a_new_file_and_its_entry_are_synced(tmp_path: Path, synced: list[Path]) -> None:
    create_file(tmp_path / "file")
    assert synced == [tmp_path]
    create_file(tmp_path / "file")
    assert synced == [tmp_path]
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600


def test_a_directory_is_private_and_one_that_exists_is_left_alone(tmp_path: Path) -> None:
    make_directory(tmp_path / "new" / "ledger")
    assert (tmp_path / "new" / "ledger").stat().st_mode & 0o777 == 0o700
    (tmp_path / "new" / "ledger").chmod(0o750)
    make_directory(tmp_path / "new" / "ledger")
    assert (tmp_path / "new" / "ledger").stat().st_mode & 0o777 == 0o750


def test_a_replacement_is_synced_before_and_its_entry_after_the_rename(
    tmp_path: Path, synced: list[Path]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.close(replace_file(path, b"new"))
    assert path.read_bytes() == b"new"
    assert synced == [tmp_path / "file.new", tmp_path]


def test_a_replacement_that_cannot_be_synced_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.EIO, "injected")

    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="injected"):
        replace_file(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_rewrite_writes_every_byte_again_and_syncs(
    tmp_path: Path, synced: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    content = os.urandom(2_500_000)
    path.write_bytes(content)
    rewritten = bytearray(len(content))
    pwrite = os.pwrite

    def spy(descriptor: int, piece: bytes, at: int) -> int:
        rewritten[at : at + len(piece)] = piece
        return pwrite(descriptor, piece, at)

    monkeypatch.setattr(os, "pwrite", spy)
    rewrite_file(path)
    assert bytes(rewritten) == content == path.read_bytes()
    assert synced == [path]


def test_a_rewrite_of_no_file_makes_none(tmp_path: Path) -> None:
    rewrite_file(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []
