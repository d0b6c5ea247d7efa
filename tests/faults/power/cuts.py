"""What a power cut leaves of files whose writes the shim noted.

Of what was not synced any part may have reached the disk: nothing, the first of it with the last
write torn, or any sectors in any order. What a sync failed to write is not written by a later one.
Names in a folder that was not synced come and go likewise, in the order in which they were made.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from struct import Struct

SECTOR_BYTES = 512
_RECORD = Struct("<8Q")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A note of the shim, made before the change.

    kind W: `length` bytes are written at `offset`; T: the file is cut or grown to `offset`.
    `old` is what stood there, `size_before` the file's size.
    B: a sync of the file or folder begins, under the number `mark`. S: it is done, and what was
    noted before it began is durable in this file; D: in names. F, E: the same, failed.
    C: a file `path` is made. R: "path\ntarget" renames, U unlinks; the file that loses its name is
    kept under the number `mark`, 0 when there was none.
    """

    kind: str
    inode: int
    offset: int
    length: int
    size_before: int
    mark: int
    path: str
    old: bytes


def read_journal(path: Path) -> Iterator[Record]:
    """The notes in order; one that the kill cut short belongs to a change never made."""
    content = path.read_bytes()
    at = 0
    while at + _RECORD.size <= len(content):
        kind, inode, offset, length, size, mark, path_bytes, old_bytes = _RECORD.unpack_from(
            content, at
        )
        at += _RECORD.size
        name, at = content[at : at + path_bytes], at + path_bytes
        old, at = content[at : at + old_bytes], at + old_bytes
        if at > len(content):
            return
        yield Record(
            kind=chr(kind),
            inode=inode,
            offset=offset,
            length=length,
            size_before=size,
            mark=mark,
            path=name.decode(),
            old=old,
        )


@dataclass(frozen=True, slots=True)
class _Change:
    """A write: its new bytes, or for a cut the new size; whether it is durable all the same."""

    offset: int
    new: bytes
    size: int | None
    is_durable: bool = False


@dataclass(slots=True)
class _File:
    """A file as it was before the first change that is not durable, and what came after."""

    path: Path
    content: bytearray
    changes: list[_Change] = field(default_factory=list)


Partly = Callable[[_File, Random], None]


def nothing(file: _File, _random: Random) -> None:
    """Nothing of what was not synced is on the disk."""
    for change in file.changes:
        if change.is_durable:
            _apply(file, change)


def the_first(file: _File, random: Random) -> None:
    """The first changes are on the disk, the last of them torn."""
    count = random.randint(0, len(file.changes))
    for number, change in enumerate(file.changes):
        if number < count or change.is_durable:
            _apply(file, change)
        elif number == count and change.size is None:
            kept = random.randrange(0, len(change.new) + 1)
            torn = change.new[: kept - kept % SECTOR_BYTES]
            _apply(file, _Change(change.offset, torn, None))


def any_sectors(file: _File, random: Random) -> None:
    """Each sector of each change is on the disk or not."""
    share = random.choice((0.1, 0.5, 0.9))
    for change in file.changes:
        if change.is_durable or change.size is not None:
            if change.is_durable or random.random() < share:
                _apply(file, change)
            continue
        for start, stop in _sectors(change):
            if random.random() < share:
                at = start - change.offset
                _apply(file, _Change(start, change.new[at : stop - change.offset], None))


def everything(file: _File, _random: Random) -> None:
    """All of it is on the disk, as after a kill."""
    for change in file.changes:
        _apply(file, change)


WAYS: tuple[Partly, ...] = (nothing, the_first, any_sectors)


def _sectors(change: _Change) -> Iterator[tuple[int, int]]:
    """Start and end of the parts of a change that lie in one sector each."""
    start, end = change.offset, change.offset + len(change.new)
    while start < end:
        stop = min(end, start - start % SECTOR_BYTES + SECTOR_BYTES)
        yield start, stop
        start = stop


def _apply(file: _File, change: _Change) -> None:
    if change.size is not None:
        _resize(file.content, change.size)
        return
    end = change.offset + len(change.new)
    if change.new:
        _resize(file.content, max(len(file.content), end))
        file.content[change.offset : end] = change.new


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def cut_power(folder: Path, journal: Path, kept: Path, way: Partly, random: Random) -> int:
    """Leave in `folder` what a power cut could leave; how many changes were not synced."""
    records = list(read_journal(journal))
    paths = [path for path in (*folder.rglob("*"), *kept.iterdir()) if path.is_file()]
    files = _files(records, paths)
    pending = sum(not change.is_durable for file in files for change in file.changes)
    for file in files:
        way(file, random)
        file.path.write_bytes(file.content)
    pending += _take_back_names(records, kept, way, random)
    for shared_memory in folder.rglob("*-shm"):
        shared_memory.unlink()
    return pending


def _files(records: list[Record], paths: list[Path]) -> list[_File]:
    """Files with changes that are not durable, in the state before the first of these."""
    files = []
    for path in paths:
        inode = path.stat().st_ino
        own = [(n, each) for n, each in enumerate(records) if each.inode == inode]
        durable = _durable(own)
        written = [(n, each) for n, each in own if each.kind in "WT"]
        first = min((n for n, _ in written if n not in durable), default=len(records))
        changes = [(n, each) for n, each in written if n >= first]
        if changes:
            file = _File(path, bytearray(path.read_bytes()))
            undone = [_undone(file.content, each, n in durable) for n, each in reversed(changes)]
            file.changes = undone[::-1]
            files.append(file)
    return files


def _durable(own: list[tuple[int, Record]]) -> set[int]:
    """Numbers of the writes that are: the first sync after each of them did not fail."""
    durable: set[int] = set()
    begun: dict[int, int] = {}
    waiting: list[int] = []
    for number, each in own:
        if each.kind in "WT":
            waiting.append(number)
        elif each.kind == "B":
            begun[each.mark] = number
        elif each.kind in "SF":
            synced = [n for n in waiting if n < begun[each.mark]]
            waiting = [n for n in waiting if n >= begun[each.mark]]
            durable.update(synced if each.kind == "S" else ())
    return durable


def _undone(content: bytearray, record: Record, is_durable: bool) -> _Change:
    """The change, taken back from `content`."""
    if record.kind == "T":
        change = _Change(record.offset, b"", record.offset, is_durable)
    else:
        # The last write of all may not have been made: what it would have written is not known.
        new = bytes(content[record.offset : record.offset + record.length])
        change = _Change(record.offset, new, None, is_durable)
    _resize(content, record.size_before)
    content[record.offset : record.offset + len(record.old)] = record.old
    return change


def _take_back_names(records: list[Record], kept: Path, way: Partly, random: Random) -> int:
    """Undo names that were not synced: all of them, or the last ones."""
    done = {each.mark for each in records if each.kind == "D"}
    begun = (n for n, each in enumerate(records) if each.kind == "B" and each.mark in done)
    synced = max(begun, default=0)
    pending = [each for n, each in enumerate(records) if each.kind in "CRU" and n >= synced]
    if way is everything:
        return 0
    count = len(pending) if way is nothing else random.randint(0, len(pending))
    for record in reversed(pending[len(pending) - count :]):
        _take_back_name(record, kept / str(record.mark))
    return len(pending)


def _take_back_name(record: Record, old: Path) -> None:
    match record.kind:
        case "C":
            Path(record.path).unlink(missing_ok=True)
        case "U":
            old.rename(record.path)
        case "R":
            path, target = record.path.split("\n")
            if Path(target).exists():
                Path(target).rename(path)
            if record.mark:
                old.rename(target)
