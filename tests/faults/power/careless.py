"""The appender of the crash tests on a store that does not wait for the disk.

Shows that the power cuts of these tests would find a ledger that acknowledges too early.
"""

import sqlite3
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "server")]

from tests.unit.ledger import appender  # noqa: E402

connect = sqlite3.connect


class CarelessConnection(sqlite3.Connection):
    """Never waits for the disk, whatever it is told."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        return super().execute(sql.replace("synchronous=FULL", "synchronous=OFF"), *parameters)


def connect_carelessly(*where: Any, **how: Any) -> sqlite3.Connection:
    return connect(*where, **how, factory=CarelessConnection)


if __name__ == "__main__":
    sqlite3.connect = connect_carelessly  # type: ignore[assignment]
    appender.main()
