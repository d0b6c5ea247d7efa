"""Appends to a ledger until it is killed, fails or has enough: a process for the crash tests.

Each acknowledged event is a line "seq hash". After a failure come the lines "failed operation
errno", "refused" and "reopened head", and one more append.
"""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from margingate_server.ledger.sqlite_store import SqliteStore  # noqa: E402
from margingate_server.ledger.store import EventRecord, StoreFailure  # noqa: E402
from tests.unit.ledger.conformance import drafts  # noqa: E402

CYCLES_MAX = 2000


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def acknowledge(records: Sequence[EventRecord]) -> None:
    for record in records:
        say(f"{record.seq} {record.hash.hex()}")


def append_until_failure(store: SqliteStore, seed: int) -> None:
    random = Random(seed)
    for cycle in range(CYCLES_MAX):
        group = drafts(random.randint(1, 8), start=1000 * cycle + 1, body=random.randbytes(500))
        acknowledge(store.append(group))
        if cycle % 4 == 3:
            store.sync_head()
            store.checkpoint()


def survive(store: SqliteStore, failure: StoreFailure) -> None:
    say(f"failed {failure.operation} {failure.errno}")
    try:
        store.append(drafts(1))
    except StoreFailure:
        say("refused")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    store.reopen()
    say(f"reopened {store.head.seq}")
    acknowledge(store.append(drafts(1)))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--file-bytes-max", type=int)
    arguments = parser.parse_args()
    store = SqliteStore(arguments.directory, opened_ns=1)
    if arguments.file_bytes_max:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (arguments.file_bytes_max, most))
    try:
        append_until_failure(store, arguments.seed)
    except StoreFailure as failure:
        survive(store, failure)
    store.close()


if __name__ == "__main__":
    main()
