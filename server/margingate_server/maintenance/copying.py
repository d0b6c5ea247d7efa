"""Copies of a whole ledger: a backup beside a running server, and back into a directory.

The head file comes first: what was cut short is a log behind its head, which nobody starts from.
"""

import errno
from pathlib import Path

from margingate_server.ledger.durable_files import make_directory
from margingate_server.ledger.folding import refuse_foreign
from margingate_server.ledger.head_file import HeadFile
from margingate_server.ledger.owner_lock import OwnerLock
from margingate_server.ledger.snapshot_file import Snapshot, newest_snapshot, write_snapshot
from margingate_server.ledger.sqlite_copy import copy_database
from margingate_server.ledger.sqlite_file import write_failure
from margingate_server.ledger.sqlite_log import DATABASE, HEAD_FILE, SqliteLog
from margingate_server.ledger.sqlite_market_store import FILE_NAME as MARKETS
from margingate_server.ledger.sqlite_reading import log_head
from margingate_server.ledger.store import Head


def copy_ledger(source: Path, target: Path, now_ns: int) -> Head:
    """The head of the copy that `target` now holds: log, markets and newest snapshot, durable.

    Every event that was durable at the call is in it. `target` is made if missing and must be
    empty, the source may be in use. The copy is not verified. Raises FileExistsError for a target
    with anything in it, LedgerInUse while another copies into it, CorruptLedger, StoreFailure.
    """
    log = SqliteLog(source)
    # First: of a log that is copied later it is a snapshot, whatever is made meanwhile.
    snapshot = newest_snapshot(source)
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise FileExistsError(errno.EEXIST, f"{target} is not an empty directory")
    try:
        make_directory(target)
        lock = OwnerLock(target / "ledger.lock", now_ns)
    except OSError as error:
        raise write_failure("copy", error) from error
    try:
        return _copied(log, target, snapshot)
    finally:
        lock.release()


def _copied(log: SqliteLog, target: Path, snapshot: Snapshot | None) -> Head:
    path, markets = target / DATABASE, log.path.with_name(MARKETS)
    _name_head(target, log.end)
    copy_database(log.path, path)
    head = log_head(path)
    _name_head(target, head)
    if markets.exists():  # after the log: what its events cite was durable before them
        copy_database(markets, target / MARKETS)
    if snapshot is not None:
        refuse_foreign(SqliteLog(target), snapshot)
        write_snapshot(target, snapshot)
    return head


def _name_head(target: Path, head: Head) -> None:
    try:
        HeadFile(target / HEAD_FILE, head).close()
    except OSError as error:
        raise write_failure("copy", error) from error
