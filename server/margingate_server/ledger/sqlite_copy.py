"""A consistent copy of a database file, made while its owner goes on writing."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from margingate_server.ledger.durable_files import create_file, sync_directory
from margingate_server.ledger.sqlite_file import (
    SQLITE_ERRORS,
    connect_reader,
    read_failure,
    write_failure,
)


def copy_database(source: Path, target: Path) -> None:
    """Make `target`, private to the owner, a copy of `source` as of one instant, durably.

    The source is read in one transaction, which keeps its write-ahead log from starting over
    meanwhile and its writer from nothing. Raises CorruptLedger for a damaged source, StoreFailure.
    """
    try:
        create_file(target)
        with (
            closing(connect_reader(source)) as reader,
            closing(sqlite3.connect(target)) as writer,
        ):
            reader.backup(writer)
        with target.open("rb") as copy:
            os.fsync(copy.fileno())
        sync_directory(target.parent)
    except OSError as error:
        raise write_failure("copy", error) from error
    except SQLITE_ERRORS as error:
        raise read_failure(error, 0, str(source)) from error
