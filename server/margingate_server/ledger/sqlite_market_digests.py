"""Which inputs a market store holds, by version: for a look at all of it that decodes nothing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from margingate_server.ledger.market_chain import refuse_gap
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.sqlite_file import SQLITE_ERRORS, connect_reader, read_failure
from margingate_server.ledger.sqlite_market_file import COLUMNS, draft_of
from margingate_server.ledger.sqlite_market_reading import SqliteMarketReader

_SELECT = f"SELECT {COLUMNS} FROM market WHERE version > ? ORDER BY version LIMIT 1000"  # noqa: S608


def stored_digests(path: Path) -> Iterator[tuple[int, str]]:
    """(version, digest of its inputs) of every row of the file `path`, ascending.

    CorruptLedger at the first row that is not what was written, or lacks the one before it.
    """
    last: int | None = None
    while drafts := _drafts_after(path, -(2**63) if last is None else last):
        for draft in drafts:
            if last is not None and draft.previous_version != last:
                oldest = SqliteMarketReader(path).oldest_version
                if oldest is None or oldest < draft.version:  # else the rows between were pruned
                    refuse_gap(last, draft, str(path))
            last = draft.version
            yield last, draft.digest


def _drafts_after(path: Path, version: int) -> list[MarketDraft]:
    try:
        with closing(connect_reader(path)) as connection:
            rows = connection.execute(_SELECT, (version,)).fetchall()
    except SQLITE_ERRORS as error:
        raise read_failure(error, max(version, 0), str(path)) from error
    return [draft_of(row, str(path)) for row in rows]
