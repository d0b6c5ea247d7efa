"""Appends to a ledger until it is killed; after a failure it opens the ledger again and goes on.

Each acknowledged event is a line "seq hash", each failure a line "failed operation". With a bug
planted it shows that the power cuts of these tests find a ledger that acknowledges too early.
"""

import argparse
import os
import sqlite3
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), *(str(ROOT / part) for part in ("engine", "server"))]

from margingate_server.ledger import sqlite_file  # noqa: E402
from margingate_server.ledger.sqlite_store import SqliteStore  # noqa: E402
from margingate_server.ledger.store import StoreFailure  # noqa: E402
from tests.unit.ledger.conformance import drafts  # noqa: E402

CYCLES_PER_CHECKPOINT = 4
connect = sqlite3.connect


class CarelessConnection(sqlite3.Connection):
    """Never waits for the disk, whatever it is told."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous=FULL", "synchronous=OFF"), *parameters)


def connect_carelessly(*where: Any, **how: Any) -> sqlite3.Connection:
    return connect(*where, **how, factory=CarelessConnection)


def plant(bug: str) -> None:
    """Have the store not wait for the disk, or believe in pages that a failed sync left behind."""
    if bug == "no_waiting":
        sqlite3.connect = connect_carelessly  # type: ignore[assignment]
    if bug == "no_rewriting":
        assert hasattr(sqlite_file, "rewrite_file")
        sqlite_file.rewrite_file = lambda _path: None


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def append_for_ever(store: SqliteStore, random: Random) -> None:
    cycle = 0
    while True:
        cycle += 1
        try:
            group = drafts(random.randint(1, 8), start=1000 * cycle, body=random.randbytes(500))
            for record in store.append(group):
                say(f"{record.seq} {record.hash.hex()}")
            if cycle % CYCLES_PER_CHECKPOINT == 0:
                store.sync_head()
                store.checkpoint()
        except StoreFailure as failure:
            say(f"failed {failure.operation}")
            open_again(store)


def open_again(store: SqliteStore) -> None:
    while True:
        try:
            return store.reopen()
        except StoreFailure as failure:
            say(f"failed {failure.operation}")
            time.sleep(0.005)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plant", choices=["", "no_waiting", "no_rewriting"], default="")
    arguments = parser.parse_args()
    plant(arguments.plant)
    store = SqliteStore(arguments.directory, opened_ns=1)
    append_for_ever(store, Random(arguments.seed))


if __name__ == "__main__":
    main()
