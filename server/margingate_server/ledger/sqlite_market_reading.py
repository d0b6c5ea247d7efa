"""Reading the market store: every version is verified before it is handed out.

Each call has connections of its own, so it may run on any thread beside the writer, or in another
process: for a replay, or a look at a backup.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_chain import last_of_run, refuse_gap, verified
from margingate_server.ledger.market_inputs import is_keyframe
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.sqlite_file import SQLITE_ERRORS, connect_reader, read_failure
from margingate_server.ledger.sqlite_market_file import COLUMNS, draft_of
from margingate_server.ledger.store import CorruptLedger

_SELECT = f"SELECT {COLUMNS} FROM market"  # noqa: S608 - a literal
_ROWS_PER_READ = 100


class SqliteMarketReader:
    """A MarketReader of the file `path`, which it never writes to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = str(path)

    @property
    def oldest_version(self) -> int | None:
        """See MarketReader."""
        return self._first_version("ASC")

    @property
    def newest_version(self) -> int | None:
        """See MarketReader."""
        return self._first_version("DESC")

    def digest(self, version: int) -> str | None:
        """See MarketReader."""
        with self._reading(version) as connection:
            draft = next(self._drafts(connection, "WHERE version = ?", version), None)
        return None if draft is None else draft.digest

    def snapshot(self, version: int) -> MarketSnapshot | None:
        """See MarketReader; decodes what the version is a delta of, up to 64 rows."""
        with self._reading(version) as connection:
            run = self._run_to(connection, version)
            if not run or run[-1].version != version:
                self._refuse_lost(connection, version, run)
                return None
        return last_of_run(run, self._place)

    def snapshots(self, from_version: int = 0) -> Iterator[MarketSnapshot]:
        """See MarketReader; holds no transaction open between versions, so pruning may go on."""
        newest = self.newest_version
        last: MarketSnapshot | None = None
        with self._reading(from_version) as connection:
            run = self._run_to(connection, from_version)
        drafts = self._drafts_after(run[0].version - 1 if run else from_version - 1)
        while drafts:
            for draft in drafts:
                self._refuse_skipped(last, draft)
                last = verified(draft, last, self._place)
                if draft.version >= from_version:
                    yield last
            drafts = self._drafts_after(draft.version)
        if newest is not None and (last is None or last.version < newest):
            problem = f"the versions end before the newest, market version {newest}"
            raise CorruptLedger(newest, self._place, problem)

    def _run_to(self, connection: sqlite3.Connection, version: int) -> list[MarketDraft]:
        """The newest rows up to `version`, ascending from their keyframe; CorruptLedger at a gap.

        Empty before the oldest.
        """
        run: list[MarketDraft] = []
        for draft in self._drafts(connection, "WHERE version <= ? ORDER BY version DESC", version):
            if run:
                refuse_gap(draft.version, run[-1], self._place)
            run.append(draft)
            if is_keyframe(draft.body):
                break
        else:
            if run:
                refuse_gap(None, run[-1], self._place)
        return run[::-1]

    def _refuse_lost(
        self, connection: sqlite3.Connection, version: int, run: list[MarketDraft]
    ) -> None:
        """CorruptLedger if `version` is missing among its neighbours rather than never stored."""
        above = next(
            self._drafts(connection, "WHERE version > ? ORDER BY version LIMIT 1", version), None
        )
        if run and above is not None:
            refuse_gap(run[-1].version, above, self._place)

    def _refuse_skipped(self, last: MarketSnapshot | None, draft: MarketDraft) -> None:
        if last is None:
            if not is_keyframe(draft.body):
                refuse_gap(None, draft, self._place)
            return
        if draft.previous_version == last.version:
            return
        oldest = self.oldest_version
        if oldest is None or oldest < draft.version:
            refuse_gap(last.version, draft, self._place)
        # What stood before it was pruned since; what is oldest then is a keyframe.

    def _drafts_after(self, version: int) -> list[MarketDraft]:
        # Read to the end: a read left open would keep the write-ahead log from starting over.
        with self._reading(version + 1) as connection:
            condition = f"WHERE version > ? ORDER BY version LIMIT {_ROWS_PER_READ}"
            return list(self._drafts(connection, condition, version))

    def _drafts(
        self, connection: sqlite3.Connection, condition: str, version: int
    ) -> Iterator[MarketDraft]:
        for row in connection.execute(f"{_SELECT} {condition}", (version,)):
            yield draft_of(row, self._place)

    def _first_version(self, direction: str) -> int | None:
        with self._reading(0) as connection:
            row = connection.execute(f"{_SELECT} ORDER BY version {direction} LIMIT 1").fetchone()
        return None if row is None else draft_of(row, self._place).version

    @contextmanager
    def _reading(self, version: int) -> Iterator[sqlite3.Connection]:
        try:
            with closing(connect_reader(self._path)) as connection:
                yield connection
        except SQLITE_ERRORS as error:
            raise read_failure(error, version, self._place) from error
