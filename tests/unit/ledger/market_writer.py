"""Puts market versions until it is killed, fails or has enough: a process for the crash tests.

Each acknowledged version is a line "version digest". After a failure come the lines "failed
operation errno", "refused" and "reopened newest", and one more version.
"""

import argparse
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random

ROOT = Path(__file__).parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "engine"), str(ROOT / "server")]

from margingate_engine.market.snapshot import MarketSnapshot  # noqa: E402
from margingate_server.ledger import sqlite_market_store  # noqa: E402
from margingate_server.ledger.market_log import MarketLog  # noqa: E402
from margingate_server.ledger.sqlite_market_store import SqliteMarketStore  # noqa: E402
from margingate_server.ledger.store import StoreFailure  # noqa: E402
from tests.unit.ledger.market_conformance import markets, named  # noqa: E402

PUTS_MAX = 1500
COMMITS_PER_CHECKPOINT = 8


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def put(log: MarketLog, snapshots: Sequence[MarketSnapshot]) -> None:
    log.write(snapshots, snapshots[-1].market_time_ns)
    for version, digest in named(snapshots):
        say(f"{version} {digest}")


def next_markets(store: SqliteMarketStore, count: int) -> list[MarketSnapshot]:
    return markets(count, start=(store.newest_version or 0) + 1, instruments=100)


def put_until_failure(store: SqliteMarketStore, seed: int) -> None:
    random = Random(seed)
    log = MarketLog(store)
    for number in range(PUTS_MAX):
        fresh = next_markets(store, random.randint(1, 4))
        put(log, fresh)
        if number % 40 == 39:
            store.prune_before(fresh[0].market_time_ns)


def survive(store: SqliteMarketStore, failure: StoreFailure) -> None:
    say(f"failed {failure.operation} {failure.errno}")
    log = MarketLog(store)
    try:
        log.write(next_markets(store, 1), 1)
    except StoreFailure:
        say("refused")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    store.reopen()
    say(f"reopened {store.newest_version or 0}")
    put(log, next_markets(store, 1))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--file-bytes-max", type=int)
    arguments = parser.parse_args()
    sqlite_market_store._COMMITS_PER_CHECKPOINT = COMMITS_PER_CHECKPOINT
    store = SqliteMarketStore(arguments.directory)
    if arguments.file_bytes_max:
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (arguments.file_bytes_max, most))
    try:
        put_until_failure(store, arguments.seed)
    except StoreFailure as failure:
        survive(store, failure)
    store.close()


if __name__ == "__main__":
    main()
