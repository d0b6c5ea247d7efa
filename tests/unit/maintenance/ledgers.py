"""Ledgers to look after: real files, random events, the markets that they cite."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_inputs import inputs_digest
from margingate_server.ledger.market_log import MarketLog
from margingate_server.ledger.sqlite_market_store import SqliteMarketStore
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import EventDraft
from margingate_server.maintenance.verifying import Finding, verify_ledger
from tests.unit.engine.small_market import small_market
from tests.unit.ledger.random_log import RandomLog

EVENTS_PER_VERSION = 50


@cache
def _first_market() -> MarketSnapshot:
    return small_market().arrays.snapshot


def market(version: int) -> MarketSnapshot:
    """The market of a version: BTC is dearer by a dollar in each."""
    index_nano_u = _first_market().index_nano_u + np.array([version * 10**9, 0])
    return replace(_first_market(), version=version, index_nano_u=index_nano_u)


@cache
def cited_digest(version: int) -> str:
    return inputs_digest(market(version))


def new_log(seed: int = 1) -> RandomLog:
    return RandomLog(seed, market_digest=cited_digest)


def grow(directory: Path, drafts: list[EventDraft]) -> None:
    """Append events, group by group, and the markets of their versions before them."""
    with (
        closing(SqliteStore(directory, opened_ns=1)) as store,
        closing(SqliteMarketStore(directory)) as markets,
    ):
        keep_markets(markets, store.head.seq, len(drafts))
        for start in range(0, len(drafts), 40):
            store.append(drafts[start : start + 40])


def keep_markets(markets: SqliteMarketStore, seq: int, count: int) -> None:
    newest = markets.newest_version or 0
    last = 1 + (seq + count) // EVENTS_PER_VERSION
    MarketLog(markets).write([market(each) for each in range(newest + 1, last + 1)], 1)


def new_ledger(directory: Path, count: int = 300, seed: int = 1) -> RandomLog:
    """The log, to draw more of, whose first `count` events are now in `directory`."""
    log = new_log(seed)
    grow(directory, log.draw(count))
    return log


def change(directory: Path, sql: str, *values: object, file: str = "ledger.sqlite") -> None:
    """Damage that SQLite itself would not notice."""
    with closing(sqlite3.connect(directory / file)) as connection:
        connection.execute(sql, values)
        connection.commit()


def quiet(_done: int, _total: int) -> None:
    """Nobody watches."""


def verified(directory: Path, *, is_deep: bool = False) -> dict[str, Finding]:
    return {each.subject: each for each in verify_ledger(directory, quiet, is_deep=is_deep)}


def problems(directory: Path, *, is_deep: bool = False) -> dict[str, str]:
    """What is wrong, by subject."""
    found = verified(directory, is_deep=is_deep)
    return {
        subject: str(each.problem) for subject, each in found.items() if each.problem is not None
    }


def counting(calls: list[tuple[int, int]]) -> Callable[[int, int], None]:
    return lambda done, total: calls.append((done, total))
