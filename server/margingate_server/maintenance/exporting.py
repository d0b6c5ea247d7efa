"""The log as lines of JSON, for people and other programs."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from margingate_server.ledger.sqlite_log import SqliteLog
from margingate_server.ledger.store import CorruptLedger, EventRecord


def exported(directory: Path, after_seq: int = 0, account: str | None = None) -> Iterator[bytes]:
    """A line for each event after `after_seq`, verified; of one account, "" for administrative.

    Raises CorruptLedger at the first bad event, StoreFailure.
    """
    for record in SqliteLog(directory).read(after_seq):
        if account is None or record.account == account:
            yield _line(record)


def _line(record: EventRecord) -> bytes:
    try:
        body = msgspec.json.decode(record.body)
    except msgspec.DecodeError as error:
        raise CorruptLedger(record.seq, "event", f"the body is no JSON: {error}") from error
    return (
        msgspec.json.encode(
            {
                "seq": record.seq,
                "time": time_text(record.recorded_ns),
                "account": record.account,
                "version": record.version,
                "kind": record.kind,
                "request_id": record.request_id,
                "model": record.model,
                "parameters_digest": record.parameters_digest,
                "market_version": record.market_version,
                "body": body,
                "hash": record.hash.hex(),
            }
        )
        + b"\n"
    )


def time_text(ns: int) -> str:
    """Nanoseconds since 1970 UTC as ISO 8601 with all nine decimals."""
    seconds, nanoseconds = divmod(ns, 10**9)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{nanoseconds:09d}Z"
