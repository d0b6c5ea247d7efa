"""Flipped bytes and lost tails of the market store: right inputs or a refusal, never others."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest

from margingate_server.ledger.market_inputs import inputs_digest
from margingate_server.ledger.market_log import KEYFRAME_EVERY, MarketLog
from margingate_server.ledger.sqlite_market_store import FILE_NAME, SqliteMarketStore
from margingate_server.ledger.store import CorruptLedger, LedgerError
from tests.unit.ledger.market_conformance import START_NS, markets, named, write

PAGE_BYTES = 4096
WAL_NAME = f"{FILE_NAME}-wal"
WAL_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES
SAMPLES = 100
MEMORY = Path("/dev/shm")  # noqa: S108 - thousands of syncs, which cost nothing there

# Of the second run, so that leaves, an interior page, overflow and free pages are all there.
KEPT = [
    *markets(3, start=KEYFRAME_EVERY + 1, instruments=1500),
    *markets(24, start=KEYFRAME_EVERY + 4, instruments=60),
]
DIGEST_BY_VERSION = dict(named(KEPT))
ASKED = [*range(KEYFRAME_EVERY, KEYFRAME_EVERY + 28, 6), KEPT[-1].version]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The files of a market store at one instant."""

    content_by_name: dict[str, bytes]

    def with_file(self, name: str, content: bytes) -> "Image":
        return replace(self, content_by_name={**self.content_by_name, name: content})

    def flipped(self, name: str, at: int, mask: int) -> "Image":
        content = bytearray(self.content_by_name[name])
        content[at] ^= mask
        return self.with_file(name, bytes(content))


def image_of(directory: Path) -> Image:
    names = [path.name for path in directory.iterdir() if not path.name.endswith("-shm")]
    return Image(content_by_name={name: (directory / name).read_bytes() for name in names})


@pytest.fixture(scope="module")
def images() -> dict[str, Image]:
    """A store as a clean close leaves it, and as a crash leaves it, its tail in the WAL alone."""
    with TemporaryDirectory() as name:
        with closing(SqliteMarketStore(Path(name))) as store:
            write(store, markets(KEYFRAME_EVERY, instruments=900))
            log = MarketLog(store)
            log.write(KEPT[:3], START_NS)
            assert store.prune_before(START_NS + 1) == KEYFRAME_EVERY
            log.write(KEPT[3:9], START_NS)
        with closing(SqliteMarketStore(Path(name))) as store:
            log = MarketLog(store)
            for each in KEPT[9:]:
                log.write([each], START_NS)
            crashed = image_of(Path(name))
        return {"crashed": crashed, "closed": image_of(Path(name))}


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def laid_out(image: Image, scratch: Path) -> Path:
    directory = scratch / "ledger"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    for name, content in image.content_by_name.items():
        (directory / name).write_bytes(content)
    return directory


def reading(image: Image, scratch: Path) -> list[LedgerError]:
    """What is detected when the versions of `image` are read, one by one and in a row, and written.

    Fails if a version is ever handed out with other inputs than its own.
    """
    errors: list[LedgerError] = []
    try:
        with closing(SqliteMarketStore(laid_out(image, scratch))) as store:
            found = [version for version in ASKED if has(store, version, errors)]
            expect_consecutive(store, found, errors)
            newest = store.newest_version or 0
            write(store, markets(1, start=newest + 1))
            assert named(store.snapshots(newest + 1)) == named(markets(1, start=newest + 1))
    except LedgerError as error:
        errors.append(error)
    return errors


def has(store: SqliteMarketStore, version: int, errors: list[LedgerError]) -> bool:
    try:
        snapshot = store.snapshot(version)
    except LedgerError as error:
        errors.append(error)
        return False
    assert snapshot is None or inputs_digest(snapshot) == DIGEST_BY_VERSION.get(version)
    return snapshot is not None


def expect_consecutive(
    store: SqliteMarketStore, found: list[int], errors: list[LedgerError]
) -> None:
    """What is read in a row is right and without a gap, and to the end unless it is refused."""
    versions = []
    try:
        for snapshot in store.snapshots():
            assert inputs_digest(snapshot) == DIGEST_BY_VERSION[snapshot.version]
            versions.append(snapshot.version)
    except LedgerError as error:
        errors.append(error)
    else:
        assert set(versions) & set(ASKED) == set(found)
    assert versions == list(range(KEPT[0].version, KEPT[0].version + len(versions)))


def test_the_images_hold_every_kind_of_page(images: dict[str, Image]) -> None:
    database = images["closed"].content_by_name[FILE_NAME]
    kinds = {database[at] for at in range(PAGE_BYTES, len(database), PAGE_BYTES)}
    interior, leaf, other = 5, 13, 0
    assert kinds >= {interior, leaf, other}
    free_pages = int.from_bytes(database[36:40], "big")
    assert free_pages > 1
    assert len(images["crashed"].content_by_name[WAL_NAME]) > 10 * FRAME_BYTES
    assert WAL_NAME not in images["closed"].content_by_name


@pytest.mark.parametrize("state", ["closed", "crashed"])
def test_an_image_left_alone_is_whole(images: dict[str, Image], scratch: Path, state: str) -> None:
    assert reading(images[state], scratch) == []
    with closing(SqliteMarketStore(laid_out(images[state], scratch))) as store:
        assert named(store.snapshots()) == named(KEPT)


def structure(name: str, length: int) -> set[int]:
    """The offsets of file and page headers, where one byte means most."""
    if name == FILE_NAME:
        pages = range(0, length, PAGE_BYTES)
        return {*range(100), *(page + at for page in pages for at in range(16))}
    frames = range(WAL_HEADER_BYTES, length, FRAME_BYTES)
    headers = {frame + at for frame in frames for at in range(FRAME_HEADER_BYTES + 8)}
    return {*range(WAL_HEADER_BYTES), *headers}


@pytest.mark.parametrize(
    ("state", "name"), [("closed", FILE_NAME), ("crashed", FILE_NAME), ("crashed", WAL_NAME)]
)
def test_a_flipped_byte_never_gives_other_inputs(
    images: dict[str, Image], scratch: Path, state: str, name: str
) -> None:
    image = images[state]
    length = len(image.content_by_name[name])
    random = Random(f"{state} {name}")
    places = sorted(structure(name, length))
    chosen = random.sample(places, min(len(places), SAMPLES))
    chosen += random.sample(range(length), SAMPLES)
    detected = 0
    for at in chosen:
        mask = random.choice((0xFF, 1 << random.randrange(8)))
        errors = reading(image.flipped(name, at, mask), scratch)
        assert all(error.place for error in errors if isinstance(error, CorruptLedger))
        detected += bool(errors)
    if name == WAL_NAME:
        # SQLite drops the frames from there on: versions are missing at the end, none is wrong.
        assert detected == 0
    else:
        assert 0 < detected < len(chosen)


def test_every_damaged_row_is_named_and_costs_only_its_run(
    images: dict[str, Image], scratch: Path
) -> None:
    image = images["closed"]
    database = image.content_by_name[FILE_NAME]
    for version, digest in DIGEST_BY_VERSION.items():
        damaged = image.flipped(FILE_NAME, database.index(digest.encode()), 1)
        if version == KEPT[-1].version:
            with pytest.raises(CorruptLedger) as caught:
                SqliteMarketStore(laid_out(damaged, scratch))
            assert caught.value.seq == version
            continue
        with closing(SqliteMarketStore(laid_out(damaged, scratch))) as store:
            with pytest.raises(CorruptLedger) as caught:
                store.snapshot(version)
            assert caught.value.seq == version
            if version > KEPT[0].version:
                assert store.snapshot(version - 1) is not None


def test_a_write_ahead_log_that_lost_its_tail_lost_the_newest_versions_alone(
    images: dict[str, Image], scratch: Path
) -> None:
    image = images["crashed"]
    content = image.content_by_name[WAL_NAME]
    newest = set()
    for length in range(0, len(content), FRAME_BYTES - 1):
        cut = image.with_file(WAL_NAME, content[:length])
        with closing(SqliteMarketStore(laid_out(cut, scratch))) as store:
            versions = [each.version for each in store.snapshots()]
        assert reading(cut, scratch) == []
        assert versions == list(DIGEST_BY_VERSION)[: len(versions)]
        newest.add(versions[-1])
    assert len(newest) > 12


def test_a_database_file_that_lost_its_tail_gives_no_other_inputs(
    images: dict[str, Image], scratch: Path
) -> None:
    content = images["closed"].content_by_name[FILE_NAME]
    for length in range(PAGE_BYTES // 2, len(content), PAGE_BYTES // 2):
        cut = images["closed"].with_file(FILE_NAME, content[:length])
        assert any(isinstance(error, CorruptLedger) for error in reading(cut, scratch)), length
