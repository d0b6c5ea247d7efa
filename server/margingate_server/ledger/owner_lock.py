"""One owner per ledger: a lock the kernel holds for as long as the owning process lives."""

import fcntl
import os
import re
from pathlib import Path

from margingate_server.ledger.durable_files import write_at
from margingate_server.ledger.store import LedgerInUse

_OWNER = re.compile(rb"pid (\d+) since_ns (\d+)\n")


class OwnerLock:
    """An exclusive lock on a file; the lock counts, not the file, so a stale file is no obstacle.

    The file is never removed: a second opener could otherwise lock a new file of the same name.
    """

    def __init__(self, path: Path, since_ns: int) -> None:
        """Lock `path`, made if missing, and leave this process and `since_ns` in it.

        Raises LedgerInUse if another holds it, also one in this process.
        """
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(self._descriptor)
            os.close(self._descriptor)
            raise holder from None
        os.ftruncate(self._descriptor, 0)
        write_at(self._descriptor, b"pid %d since_ns %d\n" % (os.getpid(), since_ns), 0)

    def release(self) -> None:
        """Let the next owner in; once only."""
        os.close(self._descriptor)


def _holder(descriptor: int) -> LedgerInUse:
    # The holder may not have written its name yet; that it holds the lock is certain all the same.
    named = _OWNER.fullmatch(os.pread(descriptor, 100, 0))
    return LedgerInUse(int(named[1]), int(named[2])) if named else LedgerInUse(0, 0)
