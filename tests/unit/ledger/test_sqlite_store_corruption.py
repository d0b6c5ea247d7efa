"""Flipped bytes and lost tails: each is detected, or the same events are read all the same."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import CorruptLedger, EventDraft, EventRecord, LedgerError
from tests.unit.ledger.conformance import as_drafts, drafts

PAGE_BYTES = 4096
WAL_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES
SAMPLES = 400
MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of syncs, which cost nothing there


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The files of a ledger at one instant, and the events in it."""

    content_by_name: dict[str, bytes]
    records: list[EventRecord]

    def with_file(self, name: str, content: bytes) -> "Image":
        return replace(self, content_by_name={**self.content_by_name, name: content})

    def flipped(self, name: str, at: int, mask: int) -> "Image":
        content = bytearray(self.content_by_name[name])
        content[at] ^= mask
        return self.with_file(name, bytes(content))


def image_of(directory: Path, records: list[EventRecord]) -> Image:
    names = [path.name for path in directory.iterdir() if not path.name.endswith("-shm")]
    return Image(
        content_by_name={name: (directory / name).read_bytes() for name in names}, records=records
    )


def history() -> Iterator[list[EventDraft]]:
    """Groups that fill leaves, an interior page and the overflow pages of one large body."""
    random = Random(20260101)
    for start in range(1, 61, 5):
        body = random.randbytes(9000 if start == 31 else 300)
        yield drafts(5, start=start, body=body)


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    """A ledger as a clean close leaves it, and as a crash leaves it, its tail in the WAL alone."""
    with TemporaryDirectory() as name:
        store = SqliteStore(Path(name), opened_ns=1)
        records: list[EventRecord] = []
        for number, group in enumerate(history()):
            records += store.append(group)
            if number == 6:
                store.checkpoint()
        crashed = image_of(Path(name), list(records))
        store.close()
        return {"crashed": crashed, "closed": image_of(Path(name), records)}


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def reading(image: Image, scratch: Path) -> LedgerError | None:
    """What is detected when `image` is opened, read, appended to and read again; or None.

    Fails if anything but the events of the image is ever handed out.
    """
    directory = scratch / "ledger"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, content in image.content_by_name.items():
        (directory / name).write_bytes(content)
    expected = list(image.records)
    try:
        with closing(SqliteStore(directory, opened_ns=1)) as store:
            expect_prefix(store, expected)
            expected += store.append(drafts(1, start=999))
            expect_prefix(store, expected)
        with closing(SqliteStore(directory, opened_ns=1)) as store:
            expect_prefix(store, expected)
            assert as_drafts([expected[-1]]) == drafts(1, start=999)
    except LedgerError as error:
        return error
    return None


def expect_prefix(store: SqliteStore, expected: list[EventRecord]) -> None:
    read = 0
    for record in store.read():
        assert record == expected[read]
        read += 1
    assert read == len(expected)


def test_the_images_hold_every_kind_of_page(images: dict[str, Image]) -> None:
    database = images["closed"].content_by_name["ledger.sqlite"]
    kinds = {database[at] for at in range(PAGE_BYTES, len(database), PAGE_BYTES)}
    interior, leaf, overflow = 5, 13, 0
    assert kinds == {interior, leaf, overflow}
    assert len(images["crashed"].content_by_name["ledger.sqlite-wal"]) > 10 * FRAME_BYTES
    assert "ledger.sqlite-wal" not in images["closed"].content_by_name


@pytest.mark.parametrize("state", ["closed", "crashed"])
def test_an_image_left_alone_is_whole(images: dict[str, Image], scratch: Path, state: str) -> None:
    assert reading(images[state], scratch) is None


def structure(name: str, length: int) -> set[int]:
    """The offsets of file and page headers, where one byte means most."""
    if name == "ledger.sqlite":
        pages = range(0, length, PAGE_BYTES)
        return {*range(100), *(page + at for page in pages for at in range(16))}
    if name == "ledger.sqlite-wal":
        frames = range(WAL_HEADER_BYTES, length, FRAME_BYTES)
        headers = {frame + at for frame in frames for at in range(FRAME_HEADER_BYTES + 8)}
        return {*range(WAL_HEADER_BYTES), *headers}
    return {start + at for start in range(0, length, PAGE_BYTES) for at in range(88)}


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("closed", "ledger.sqlite"),
        ("closed", "ledger.head"),
        ("crashed", "ledger.sqlite"),
        ("crashed", "ledger.sqlite-wal"),
        ("crashed", "ledger.head"),
    ],
)
def test_a_flipped_byte_is_detected_or_harmless(
    images: dict[str, Image], scratch: Path, state: str, name: str
) -> None:
    image = images[state]
    length = len(image.content_by_name[name])
    random = Random(f"{state} {name}")
    places = structure(name, length)
    chosen = random.sample(sorted(places), min(len(places), SAMPLES))
    chosen += random.sample(range(length), SAMPLES)
    detected = sum(
        reading(image.flipped(name, at, random.choice((0xFF, 1 << random.randrange(8)))), scratch)
        is not None
        for at in chosen
    )
    if name == "ledger.head":
        # The newest intact block still stands for the log.
        assert detected == 0
    else:
        assert 0 < detected < len(chosen)


def test_every_flipped_byte_of_a_body_is_found_at_its_event(
    images: dict[str, Image], scratch: Path
) -> None:
    image = images["closed"]
    database = image.content_by_name["ledger.sqlite"]
    for record in image.records[::9]:
        at = database.index(record.hash)
        error = reading(image.flipped("ledger.sqlite", at, 1), scratch)
        assert isinstance(error, CorruptLedger)
        assert error.seq in {record.seq, len(image.records)}


def test_a_write_ahead_log_that_lost_its_tail_is_refused_where_it_ends(
    images: dict[str, Image], scratch: Path
) -> None:
    image = images["crashed"]
    content = image.content_by_name["ledger.sqlite-wal"]
    seqs = set()
    for length in range(0, len(content), FRAME_BYTES // 2):
        error = reading(image.with_file("ledger.sqlite-wal", content[:length]), scratch)
        if error is None:
            # What was cut belonged to the generation before the last checkpoint.
            continue
        assert isinstance(error, CorruptLedger)
        assert "the log ends here" in error.problem
        seqs.add(error.seq)
    assert seqs == {36, 41, 46, 51, 56}


@pytest.mark.parametrize("state", ["closed", "crashed"])
def test_a_database_file_that_lost_its_tail_is_refused(
    images: dict[str, Image], scratch: Path, state: str
) -> None:
    image = images[state]
    content = image.content_by_name["ledger.sqlite"]
    for length in range(0, len(content), PAGE_BYTES // 2):
        error = reading(image.with_file("ledger.sqlite", content[:length]), scratch)
        # After a crash the write-ahead log holds the last page as well.
        is_last_page_logged = state == "crashed" and length >= len(content) - PAGE_BYTES
        assert isinstance(error, CorruptLedger) or (error is None and is_last_page_logged), length


def test_an_empty_database_file_does_not_cost_the_write_ahead_log(
    images: dict[str, Image], scratch: Path
) -> None:
    image = images["crashed"].with_file("ledger.sqlite", b"")
    assert isinstance(reading(image, scratch), CorruptLedger)
    log = scratch / "ledger" / "ledger.sqlite-wal"
    assert log.read_bytes() == image.content_by_name[log.name]


def test_a_file_that_is_missing_is_refused(images: dict[str, Image], scratch: Path) -> None:
    for state, name in (
        ("closed", "ledger.sqlite"),
        ("closed", "ledger.head"),
        ("crashed", "ledger.sqlite-wal"),
        ("crashed", "ledger.head"),
        ("crashed", "ledger.sqlite"),
    ):
        image = images[state]
        rest = {key: value for key, value in image.content_by_name.items() if key != name}
        error = reading(replace(image, content_by_name=rest), scratch)
        assert isinstance(error, CorruptLedger), (state, name)
