"""The ledger's file, read without any of the product's code: rows, their chain, their bodies."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

GENESIS = sha256(b"margingate ledger, event encoding 1").digest()
COLUMNS = (
    "seq, account, version, request_id, kind, body, model, parameters_digest, market_version,"
    " recorded_ns, hash"
)


@dataclass(frozen=True)
class Row:
    """One event as it is stored."""

    seq: int
    account: str
    version: int
    request_id: str
    kind: str
    body: bytes
    model: str
    parameters_digest: str
    market_version: int
    recorded_ns: int
    hash: bytes

    @cached_property
    def event(self) -> dict[str, Any]:
        """The body."""
        event: dict[str, Any] = json.loads(self.body)
        return event

    def sealed_after(self, previous_hash: bytes) -> bytes:
        """The hash that this event must have: it covers every field and the hash before it."""
        texts = [self.account, self.request_id, self.kind, self.model, self.parameters_digest]
        fields = [*(text.encode() for text in texts), self.body]
        numbers = (self.seq, self.version, self.market_version, self.recorded_ns)
        front = b"".join(number.to_bytes(8, "big", signed=True) for number in numbers)
        lengths = b"".join(len(field).to_bytes(4, "big") for field in fields)
        return sha256(previous_hash + front + lengths + b"".join(fields)).digest()


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the log: number and hash of its last event."""

    seq: int = 0
    hash: bytes = GENESIS


def rows_after(folder: Path, seq: int) -> list[Row]:
    """The events of a ledger after `seq`; of one that is being served, what is committed."""
    with closing(_opened(folder)) as connection:
        query = f"SELECT {COLUMNS} FROM event WHERE seq > ? ORDER BY seq"  # noqa: S608 - a literal
        return [Row(*values) for values in connection.execute(query, (seq,))]


def end_of(folder: Path) -> Mark:
    """The last event of a ledger; the beginning when it has none."""
    with closing(_opened(folder)) as connection:
        row = connection.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    return Mark() if row is None else Mark(*row)


def hash_at(folder: Path, seq: int) -> bytes:
    """Hash stored with an event; empty when it is not there."""
    if seq == 0:
        return GENESIS
    with closing(_opened(folder)) as connection:
        row = connection.execute("SELECT hash FROM event WHERE seq = ?", (seq,)).fetchone()
    return b"" if row is None else bytes(row[0])


def chain_breaks(rows: list[Row], after: Mark) -> Iterator[str]:
    """Where rows do not follow each other; after the first such place nothing is known."""
    seq, previous_hash = after.seq, after.hash
    for row in rows:
        seq += 1
        if row.seq != seq:
            yield f"event {seq} is missing, the next one is {row.seq}"
            return
        if row.sealed_after(previous_hash) != row.hash:
            yield f"event {seq} does not have the hash of its content"
            return
        previous_hash = row.hash


def _opened(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{(folder / 'ledger.sqlite').as_uri()}?mode=ro", uri=True)
