"""A server whose store fails now and then, and which may have a bug planted in it.

A commit fails before it is written or after: its callers are not told, and some of it is there.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from margingate_server import app, cli
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import EventDraft, EventRecord, StoreFailure
from tests.history import planted

UPKEEP_SECONDS = 0.05


def failing_store(share: float, seed: int) -> type[SqliteStore]:
    """A store of which one commit in 1 / `share` fails."""
    random = Random(seed)

    class FailingStore(SqliteStore):
        def append(self, events: Sequence[EventDraft]) -> list[EventRecord]:
            if random.random() >= share or not events:
                return super().append(events)
            if random.random() < 0.5:
                super().append(events)
            self._has_failed = True
            raise StoreFailure("append", 5, "as the test wants it")

    return FailingStore


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--share", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--plant", choices=sorted(planted.BUGS))
    chosen, serve = parser.parse_known_args()
    replace: Callable[[Any, str, Any], None] = setattr
    replace(app, "SqliteStore", failing_store(chosen.share, chosen.seed))
    replace(app, "UPKEEP_SECONDS", UPKEEP_SECONDS)
    if chosen.plant:
        planted.BUGS[chosen.plant](Random(chosen.seed))
    sys.argv = [os.fspath("margingate"), *serve]
    cli.main()


if __name__ == "__main__":
    main()
