"""The head of the log in a second small file: what a log that lost its tail cannot know itself.

SQLite drops the frames behind a damaged one of its write-ahead log without a word, and what is left
is a shorter log whose chain is whole. The head file remembers how far the log went.
"""

import os
from hashlib import sha256
from pathlib import Path
from struct import Struct
from threading import Lock

from margingate_server.ledger.durable_files import replace_file, write_at
from margingate_server.ledger.store import HASH_BYTES, CorruptLedger, Head

_SLOT = Struct(f">8sq{HASH_BYTES}s")
_MAGIC = b"MGHEAD1\n"
# Slots are a block apart, so that a torn write damages one of them.
_SLOT_STRIDE = 4096
# One slot is durable, one is being synced, one is being written.
_SLOTS = 3


class HeadFile:
    """An open head file; one thread records while another syncs.

    Records between two syncs go to one slot, so the durable slot is never written to before a
    newer one is durable.
    """

    def __init__(self, path: Path, head: Head) -> None:
        """Replace the file `path`, if there is one, by one that names `head`, durably."""
        self._descriptor = replace_file(path, _encode(head).ljust(_SLOT_STRIDE * _SLOTS, b"\0"))
        self._slot = 1
        self._is_dirty = False
        self._lock = Lock()

    def record(self, head: Head) -> None:
        """Write `head` without a sync: it survives this process, not a power failure."""
        with self._lock:
            write_at(self._descriptor, _encode(head), self._slot * _SLOT_STRIDE)
            self._is_dirty = True

    def sync(self) -> None:
        """Make the head last recorded durable; raises OSError, after which nothing is certain."""
        with self._lock:
            if not self._is_dirty:
                return
            self._is_dirty = False
            self._slot = (self._slot + 1) % _SLOTS
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back; the file stays."""
        os.close(self._descriptor)


def load_head(path: Path) -> Head | None:
    """The newest head that the file `path` holds intact; None if there is no such file.

    Raises CorruptLedger if the file holds none.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    slots = (_decode(content[start:]) for start in range(0, len(content), _SLOT_STRIDE))
    heads = [head for head in slots if head is not None]
    if not heads:
        raise CorruptLedger(0, str(path), "no slot of the head file is intact")
    return max(heads)


def _encode(head: Head) -> bytes:
    content = _SLOT.pack(_MAGIC, head.seq, head.hash)
    return content + sha256(content).digest()


def _decode(slot: bytes) -> Head | None:
    content, checksum = slot[: _SLOT.size], slot[_SLOT.size : _SLOT.size + HASH_BYTES]
    if sha256(content).digest() != checksum or not content.startswith(_MAGIC):
        return None
    _, seq, own_hash = _SLOT.unpack(content)
    return Head(seq, own_hash)
