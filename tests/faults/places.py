"""Where in a ledger's files a byte can lie: every kind of page, by name."""

from collections import defaultdict
from itertools import chain
from random import Random
from typing import NamedTuple

from tests.faults.images import DATABASE, HEAD, LOG, Image

PAGE_BYTES = 4096
LOG_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24
FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES
DATABASE_HEADER_BYTES = 100
SLOT_BYTES = 80
PAGE_KINDS = {5: "interior page", 13: "leaf page", 0: "overflow page"}
"""By the first byte of a page. An overflow page begins with the number of the next one."""


class Stretch(NamedTuple):
    """Bytes of one kind that lie together in a file."""

    file: str
    offsets: range


class Place(NamedTuple):
    """One byte of a file."""

    file: str
    at: int


def stretches_by_kind(image: Image) -> dict[str, list[Stretch]]:
    """Every byte of the database, its log and the head file, by the kind of place it lies in."""
    found: defaultdict[str, list[Stretch]] = defaultdict(list)
    contents = image.content_by_name
    found["database header"].append(Stretch(DATABASE, range(DATABASE_HEADER_BYTES)))
    found["schema page"].append(Stretch(DATABASE, range(DATABASE_HEADER_BYTES, PAGE_BYTES)))
    for page in page_starts(contents[DATABASE])[1:]:
        kind = PAGE_KINDS[contents[DATABASE][page]]
        found[kind].append(Stretch(DATABASE, range(page, page + PAGE_BYTES)))
    if LOG in contents:
        found["log header"].append(Stretch(LOG, range(LOG_HEADER_BYTES)))
        for frame in frame_starts(contents[LOG])[:-1]:
            page = frame + FRAME_HEADER_BYTES
            found["log frame header"].append(Stretch(LOG, range(frame, page)))
            found["log frame page"].append(Stretch(LOG, range(page, page + PAGE_BYTES)))
    for slot in range(0, len(contents[HEAD]), PAGE_BYTES):
        found["head slot"].append(Stretch(HEAD, range(slot, slot + SLOT_BYTES)))
        found["head padding"].append(Stretch(HEAD, range(slot + SLOT_BYTES, slot + PAGE_BYTES)))
    return dict(found)


def sample(stretches: list[Stretch], count: int, random: Random) -> list[Place]:
    """`count` different bytes, or all there are."""
    total = sum(len(each.offsets) for each in stretches)
    if count >= total:
        return list(chain.from_iterable(_places(each) for each in stretches))
    chosen = sorted(random.sample(range(total), count))
    places, passed, remaining = [], 0, iter(stretches)
    stretch = next(remaining)
    for number in chosen:
        while number - passed >= len(stretch.offsets):
            passed += len(stretch.offsets)
            stretch = next(remaining)
        places.append(Place(stretch.file, stretch.offsets[number - passed]))
    return places


def _places(stretch: Stretch) -> list[Place]:
    return [Place(stretch.file, at) for at in stretch.offsets]


def page_starts(content: bytes) -> range:
    """Where the pages of a database begin."""
    return range(0, len(content), PAGE_BYTES)


def frame_starts(content: bytes) -> range:
    """Where the frames of a log begin, and where the last one ends."""
    return range(LOG_HEADER_BYTES, len(content) + 1, FRAME_BYTES)
