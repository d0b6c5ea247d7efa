"""Flipped bytes, lost sectors, lost tails and torn writes, at every kind of place of a ledger.

Each is detected, or every event is read as it was written: the reader fails on anything else.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from margingate_server.ledger.head_file import HeadFile
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import CorruptLedger, Head, LedgerError
from tests.faults import images
from tests.faults.effort import IS_LONG, times
from tests.faults.images import DATABASE, HEAD, LOG, Image, Reader
from tests.faults.places import (
    FRAME_BYTES,
    LOG_HEADER_BYTES,
    PAGE_BYTES,
    frame_starts,
    page_starts,
    sample,
    stretches_by_kind,
)

SECTOR_BYTES = 512
KINDS = (
    *("database header", "schema page", "interior page", "leaf page", "overflow page"),
    *("log header", "log frame header", "log frame page", "head slot", "head padding"),
)
IMAGES = {
    f"{size} {state}": image
    for size, make in (("small", images.small), ("large", images.large))
    for state, image in make().items()
}
CASES = [
    (name, kind)
    for name, image in IMAGES.items()
    for kind in KINDS
    if kind in stretches_by_kind(image)
]


@pytest.fixture
def reader() -> Iterator[Reader]:
    with images.folder() as directory:
        yield Reader(directory)


def outcomes(reader: Reader, damaged: Iterator[Image]) -> Counter[str]:
    """How many images were found damaged, and when, and how many were harmless."""
    return Counter(_word(reader.detected(image)) for image in damaged)


def _word(error: LedgerError | None) -> str:
    match error:
        case None:
            return "harmless"
        case CorruptLedger():
            return "refused with the place"
        case _:
            return repr(error)


def expect_a_place(counted: Counter[str]) -> None:
    """What is detected is told as damage with its place, never as a fault of the system."""
    assert set(counted) <= {"harmless", "refused with the place"}, counted


def test_the_images_hold_every_kind_of_place() -> None:
    found = {kind for image in IMAGES.values() for kind in stretches_by_kind(image)}
    assert found == set(KINDS)
    interior = stretches_by_kind(IMAGES["large closed"])["interior page"]
    assert len(interior) == 3, "two levels: a root and two below it"


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_left_alone_is_whole(reader: Reader, name: str) -> None:
    assert reader.detected(IMAGES[name]) is None


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("name", "kind"), CASES)
def test_a_flipped_byte_is_detected_or_harmless(reader: Reader, name: str, kind: str) -> None:
    """The long version turns over every byte of the small ledger."""
    image, random = IMAGES[name], Random(f"{name} {kind}")
    count = times(16, 2**20) if name.startswith("small") else times(3, 400)
    chosen = sample(stretches_by_kind(image)[kind], count, random)
    counted = outcomes(
        reader,
        (
            image.flipped(file, at, random.choice((255, 1 << random.randrange(8))))
            for file, at in chosen
        ),
    )
    print(f"{name}, {kind}: {dict(counted)}")  # noqa: T201 - figures of the long version
    expect_a_place(counted)
    if kind.startswith("head"):
        # The newest intact slot still stands for the log.
        assert set(counted) == {"harmless"}


def test_a_flipped_byte_of_what_is_in_use_is_detected_everywhere(reader: Reader) -> None:
    """Places where no byte is slack: the answer must be an error, not a whole ledger."""
    crashed, closed = IMAGES["small crashed"], IMAGES["small closed"]
    hashes = closed.content_by_name[DATABASE].index(closed.records[0].hash)
    in_use = [
        *((closed, DATABASE, at) for at in range(16)),
        *((closed, DATABASE, hashes + at) for at in range(32)),
        *((crashed, LOG, at) for at in range(LOG_HEADER_BYTES)),
        *((crashed, LOG, LOG_HEADER_BYTES + at) for at in range(24)),
    ]
    for image, file, at in in_use:
        error = reader.detected(image.flipped(file, at, 1))
        assert isinstance(error, CorruptLedger), (file, at)


@pytest.mark.parametrize("at", [18, PAGE_BYTES + 1, PAGE_BYTES + 5])
def test_damage_that_only_an_append_meets_is_refused_when_opening(reader: Reader, at: int) -> None:
    """The file's version for writers, and the room on a leaf where the next event goes."""
    error = reader.detected(IMAGES["small closed"].flipped(DATABASE, at, 255))
    assert isinstance(error, CorruptLedger)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("filling", ["zeros", "noise", "of another page"])
@pytest.mark.parametrize("name", IMAGES)
def test_a_lost_sector_is_detected_or_harmless(reader: Reader, name: str, filling: str) -> None:
    """A sector that was never written, written with garbage, or written to the wrong place."""
    image, random = IMAGES[name], Random(f"{name} {filling}")
    counted = outcomes(
        reader, (_without_a_sector(image, random, filling) for _ in range(times(4, 300)))
    )
    print(f"{name}, sector of {filling}: {dict(counted)}")  # noqa: T201 - as above
    expect_a_place(counted)


def _without_a_sector(image: Image, random: Random, filling: str) -> Image:
    file = random.choice([name for name in (DATABASE, LOG) if name in image.content_by_name])
    content = bytearray(image.content_by_name[file])
    at = random.randrange(0, len(content), SECTOR_BYTES)
    size = len(content[at : at + SECTOR_BYTES])
    other = random.randrange(0, len(content), SECTOR_BYTES)
    new = {
        "zeros": bytes(size),
        "noise": random.randbytes(size),
        "of another page": bytes(content[other : other + size]).ljust(size, b"\0"),
    }[filling]
    content[at : at + size] = new
    return image.with_file(file, bytes(content))


@pytest.mark.parametrize("name", ["small crashed", "large crashed"])
def test_a_log_cut_anywhere_is_refused_where_it_ends(reader: Reader, name: str) -> None:
    image, random = IMAGES[name], Random(name)
    content = image.content_by_name[LOG]
    live = _live_frames(content)
    ends = [
        start for start in frame_starts(content) if start < LOG_HEADER_BYTES + live * FRAME_BYTES
    ]
    random_ends = [random.randrange(ends[-1] + FRAME_BYTES) for _ in range(times(6, 200))]
    for length in sorted({0, *ends, *random_ends}):
        error = reader.detected(image.cut(LOG, length))
        assert isinstance(error, CorruptLedger), length
        assert "the log ends here" in error.problem
        assert error.seq in {record.seq for record in image.records}
        assert error.place.endswith(DATABASE)


def _live_frames(log: bytes) -> int:
    """How many frames belong to the generation that the log's header names."""
    salts = log[16:24]
    starts = list(frame_starts(log))[:-1]
    return next(
        (n for n, start in enumerate(starts) if log[start + 8 : start + 16] != salts), len(starts)
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", IMAGES)
def test_a_database_cut_anywhere_is_refused_or_whole(reader: Reader, name: str) -> None:
    """After a crash the log may hold the pages that were cut off."""
    image, random = IMAGES[name], Random(name)
    length = len(image.content_by_name[DATABASE])
    ends = list(page_starts(image.content_by_name[DATABASE]))
    chosen = ends if IS_LONG else random.sample(ends, min(len(ends), 4))
    chosen += [random.randrange(length) for _ in range(times(4, 100))]
    counted = outcomes(reader, (image.cut(DATABASE, at) for at in chosen))
    expect_a_place(counted)
    if name.endswith("closed"):
        assert set(counted) == {"refused with the place"}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("rest", ["zeros", "noise"])
def test_a_torn_last_write_costs_the_unacknowledged_group_alone(reader: Reader, rest: str) -> None:
    """Cut by the power in the middle of a commit, the head file still naming the group before."""
    image = IMAGES["small crashed"]
    last_group = len(image.records) - 2
    content = image.content_by_name[LOG]
    last = LOG_HEADER_BYTES + (_live_frames(content) - 1) * FRAME_BYTES
    random = Random(rest)
    before = _with_head(image, last_group)
    for kept in range(0, FRAME_BYTES, SECTOR_BYTES if not IS_LONG else 64):
        size = FRAME_BYTES - kept
        tail = bytes(size) if rest == "zeros" else random.randbytes(size)
        if not any(content[last + kept : last + FRAME_BYTES]):
            continue  # What is lost was zeros: nothing is lost.
        torn = before.with_file(LOG, content[: last + kept] + tail + content[last + FRAME_BYTES :])
        assert reader.detected(torn) is None, kept


def _with_head(image: Image, count: int) -> Image:
    """The image with the first `count` events, whose head file names the last of them."""
    record = image.records[count - 1]
    with images.folder() as directory:
        HeadFile(directory / HEAD, Head(record.seq, record.hash)).close()
        content = (directory / HEAD).read_bytes()
    shortened = Image(content_by_name=image.content_by_name, records=image.records[:count])
    return shortened.with_file(HEAD, content)


@pytest.mark.parametrize("name", ["small crashed", "large crashed"])
def test_a_page_torn_in_a_checkpoint_is_mended_from_the_log(reader: Reader, name: str) -> None:
    """Half of a page of the database is new, half old, and the log still holds all of it."""
    image = IMAGES[name]
    log, database = image.content_by_name[LOG], image.content_by_name[DATABASE]
    mended = 0
    for start in list(frame_starts(log))[: _live_frames(log)]:
        number = int.from_bytes(log[start : start + 4])
        at, half = (number - 1) * PAGE_BYTES, PAGE_BYTES // 2
        new = log[start + 24 : start + 24 + half]
        if at + PAGE_BYTES > len(database) or number == 1:
            continue
        torn = database[:at] + new + database[at + half :]
        assert reader.detected(image.with_file(DATABASE, torn)) is None, number
        mended += 1
    assert mended


def test_a_head_file_of_the_future_or_of_another_ledger_is_refused(reader: Reader) -> None:
    image = IMAGES["small closed"]
    for head in (Head(5, bytes(32)), Head(4, bytes(32)), Head(2, image.records[0].hash)):
        with images.folder() as directory:
            HeadFile(directory / HEAD, head).close()
            content = (directory / HEAD).read_bytes()
        error = reader.detected(image.with_file(HEAD, content))
        assert isinstance(error, CorruptLedger)
        assert error.seq == head.seq


def test_the_reader_of_these_tests_notices_a_wrong_answer(tmp_path: Path) -> None:
    """A ledger that lost tail and head file together, and one whose events were changed."""
    whole = IMAGES["small closed"]
    with closing(SqliteStore(tmp_path / "short", opened_ns=1)) as store:
        store.append([])
    lost = {path.name: path.read_bytes() for path in (tmp_path / "short").iterdir()}
    with pytest.raises(AssertionError, match="without a word"):
        Reader(tmp_path).detected(Image(content_by_name=lost, records=whole.records))
    changed = Image(content_by_name=whole.content_by_name, records=whole.records[::-1])
    with pytest.raises(AssertionError, match="answered wrongly"):
        Reader(tmp_path).detected(changed)
