"""Snapshots: the state at one event of the log, in a file beside it, so that a start folds less.

A snapshot is made of durable events alone and can be made anew from them: it is never the only
place where anything is kept.
"""

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from struct import Struct

from margingate_server.ledger.durable_files import replace_file, sync_directory
from margingate_server.ledger.sqlite_file import write_failure
from margingate_server.ledger.store import HASH_BYTES, CorruptLedger

KEPT_MAX = 2
"""How many snapshots are kept; the one before the newest is for people, a start ignores it."""

WITHOUT = "; if the log is known to be complete, delete the file: all of the log is folded then"

_NAME = re.compile(r"snapshot-(\d{20})\.mgs")
_MAGIC = b"MGSNAP1\n"
# Magic, seq, hash of the chain at seq, bytes of the body; the body and a sha256 of it all follow.
_FRONT = Struct(f">8sq{HASH_BYTES}sQ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """State after event `seq` of the log whose chain hash there is `hash`.

    body: as `encode_state` gave it. place: the file that it was read from.
    """

    seq: int
    hash: bytes
    body: bytes | memoryview
    place: str = ""


def snapshot_path(directory: Path, seq: int) -> Path:
    """Where the snapshot at `seq` is kept."""
    return directory / f"snapshot-{seq:020d}.mgs"


def snapshot_paths(directory: Path) -> dict[int, Path]:
    """The snapshot files of a directory by seq, oldest first; none of a missing directory."""
    if not directory.is_dir():
        return {}
    named = ((_NAME.fullmatch(path.name), path) for path in directory.iterdir())
    return dict(sorted((int(match[1]), path) for match, path in named if match))


def newest_snapshot(directory: Path) -> Snapshot | None:
    """The newest snapshot of a directory, None if there is none; raises as `load_snapshot`.

    A file that goes while it is looked for was not the newest any more.
    """
    while paths := snapshot_paths(directory):
        try:
            return load_snapshot(paths[max(paths)])
        except FileNotFoundError:
            continue
    return None


def load_snapshot(path: Path) -> Snapshot:
    """The snapshot in the file `path`; CorruptLedger unless it is what was written there."""
    match = _NAME.fullmatch(path.name)
    seq = int(match[1]) if match else 0
    content = path.read_bytes()
    end = len(content) - HASH_BYTES
    if end < _FRONT.size or sha256(memoryview(content)[:end]).digest() != content[end:]:
        raise CorruptLedger(seq, str(path), f"damaged: not what was written{WITHOUT}")
    magic, named_seq, own_hash, body_bytes = _FRONT.unpack_from(content)
    if magic != _MAGIC or body_bytes != end - _FRONT.size:
        raise CorruptLedger(seq, str(path), f"not a snapshot of this version{WITHOUT}")
    if named_seq != seq:
        raise CorruptLedger(seq, str(path), f"holds the state at event {named_seq}{WITHOUT}")
    body = memoryview(content)[_FRONT.size : end]
    return Snapshot(seq=seq, hash=own_hash, body=body, place=str(path))


def snapshot_bytes(snapshot: Snapshot) -> bytes:
    """What a file of the snapshot holds."""
    front = _FRONT.pack(_MAGIC, snapshot.seq, snapshot.hash, len(snapshot.body))
    checksum = sha256(front)
    checksum.update(snapshot.body)
    return b"".join((front, snapshot.body, checksum.digest()))


def write_snapshot(directory: Path, snapshot: Snapshot) -> Path:
    """The file that holds the snapshot, durable; of older ones all but one are deleted then.

    For one process at a time. Raises StoreFailure; then the directory holds what it held before.
    """
    path = snapshot_path(directory, snapshot.seq)
    try:
        remove_unfinished(directory)
        try:
            os.close(replace_file(path, snapshot_bytes(snapshot)))
        except OSError:
            remove_unfinished(directory)  # of a full disk it would take the room that is left
            raise
        for old in list(snapshot_paths(directory).values())[:-KEPT_MAX]:
            old.unlink()
        sync_directory(directory)
    except OSError as error:
        raise write_failure("snapshot", error) from error
    return path


def remove_unfinished(directory: Path) -> None:
    """Delete what writers of snapshots left behind when they died."""
    for path in directory.glob("snapshot-*.mgs.new"):
        path.unlink()
