"""The prices that decisions cite: they must be on the disk wherever the decision is."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.crash.event_log import Row


def lacking_markets(rows: list[Row], folder: Path) -> Iterator[str]:
    """Events whose market is not kept beside their log, under the version that they name."""
    digest_by_version = _kept(folder)
    for row in rows:
        digest = row.event.get("decision", row.event).get("market_digest", "")
        kept = digest_by_version.get(row.market_version)
        if digest and kept != digest:
            yield f"event {row.seq} cites market {row.market_version} {digest}, kept is {kept}"


def _kept(folder: Path) -> dict[int, str]:
    path = folder / "market.sqlite"
    if not path.exists():
        return {}
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        return dict(connection.execute("SELECT version, digest FROM market"))
