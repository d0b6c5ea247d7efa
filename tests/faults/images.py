"""The files of a ledger as bytes: made whole, damaged at a place, and read by the store."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import EventDraft, EventRecord, LedgerError
from tests.unit.ledger.conformance import drafts

DATABASE, LOG, HEAD = "ledger.sqlite", "ledger.sqlite-wal", "ledger.head"
MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of syncs, which cost nothing there
LATER = drafts(1, start=999_999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The files of a ledger at one instant, and the events in it."""

    content_by_name: dict[str, bytes]
    records: list[EventRecord]

    def with_file(self, name: str, content: bytes) -> "Image":
        """The image with another content of one file."""
        return replace(self, content_by_name={**self.content_by_name, name: content})

    def flipped(self, name: str, at: int, mask: int) -> "Image":
        """The image with some bits of one byte turned over."""
        content = bytearray(self.content_by_name[name])
        content[at] ^= mask
        return self.with_file(name, bytes(content))

    def cut(self, name: str, length: int) -> "Image":
        """The image with one file cut short."""
        return self.with_file(name, self.content_by_name[name][:length])


@contextmanager
def folder() -> Iterator[Path]:
    """A folder in memory where there is one."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


def crashed_and_closed(groups: list[list[EventDraft]], checkpoint_after: int) -> dict[str, Image]:
    """A ledger as a crash leaves it, its last groups in the log alone, and as a close leaves it."""
    with folder() as directory:
        store = SqliteStore(directory, opened_ns=1)
        records: list[EventRecord] = []
        for number, group in enumerate(groups, 1):
            records += store.append(group)
            if number == checkpoint_after:
                store.checkpoint()
                store.checkpoint()
        store.sync_head()
        crashed = _image_of(directory, records)
        store.close()
        return {"crashed": crashed, "closed": _image_of(directory, records)}


def _image_of(directory: Path, records: list[EventRecord]) -> Image:
    names = [path.name for path in directory.iterdir() if not path.name.endswith("-shm")]
    return Image(
        content_by_name={name: (directory / name).read_bytes() for name in names},
        records=list(records),
    )


def small() -> dict[str, Image]:
    """Four events on one leaf: every byte of it can be tried."""
    random = Random("small")
    groups = [drafts(2, start=start, body=random.randbytes(120)) for start in (1, 3)]
    return crashed_and_closed(groups, checkpoint_after=1)


def large() -> dict[str, Image]:
    """Two levels of interior pages: a leaf for each event, and overflow pages of large bodies."""
    random = Random("large")
    groups = [
        drafts(4, start=4 * number + 1, body=random.randbytes(9_000 if number % 50 == 9 else 3_800))
        for number in range(150)
    ]
    return crashed_and_closed(groups, checkpoint_after=145)


class Reader:
    """Opens damaged images with the store, always in the same folder."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "ledger"

    def detected(self, image: Image) -> LedgerError | None:
        """What the store says of `image` when it is opened, read, appended to and read again.

        None when every event is as it was written, before and after the append. AssertionError
        when anything but the events of the image is ever handed out.
        """
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir()
        for name, content in image.content_by_name.items():
            (self.directory / name).write_bytes(content)
        try:
            with closing(SqliteStore(self.directory, opened_ns=1)) as store:
                _expect(store, image.records)
                more = store.append(LATER)
            with closing(SqliteStore(self.directory, opened_ns=1)) as store:
                _expect(store, [*image.records, *more])
        except LedgerError as error:
            return error
        return None


def _expect(store: SqliteStore, expected: list[EventRecord]) -> None:
    """Every event is handed out as it was written, or the store raises."""
    read = 0
    for record in store.read():
        assert record == expected[read], f"event {read + 1} is answered wrongly"
        read += 1
    assert read == len(expected), f"the log ends at {read} of {len(expected)} without a word"
