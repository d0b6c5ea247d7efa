"""Files whose existence, not only their bytes, survives a power failure."""

import os
from pathlib import Path

_REWRITE_BYTES = 1 << 20


def make_directory(path: Path) -> None:
    """Make `path` with its parents, private to the owner; one that exists is left as it is."""
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_directory(path.parent)


def create_file(path: Path) -> None:
    """Create `path` empty and private to the owner, durably; one that exists is left as it is."""
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        sync_directory(path.parent)


def replace_file(path: Path, content: bytes) -> int:
    """A descriptor of a new file `path` that holds `content`, durable, in place of any old one."""
    fresh = path.with_name(path.name + ".new")
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        write_at(descriptor, content, 0)
        os.fsync(descriptor)
        fresh.replace(path)
        sync_directory(path.parent)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def rewrite_file(path: Path) -> None:
    """Write what `path` reads as onto itself and sync it; nothing happens if there is no file.

    After a failed fsync the page cache may hold bytes that are not on the disk and that no later
    fsync would write. Written again they are dirty again, and this fsync answers for them.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        offset = 0
        while content := os.pread(descriptor, _REWRITE_BYTES, offset):
            write_at(descriptor, content, offset)
            offset += len(content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_at(descriptor: int, content: bytes, offset: int) -> None:
    """Write all of `content` at `offset`; raises OSError, also for a write cut short."""
    written = os.pwrite(descriptor, content, offset)
    if written != len(content):
        # The rest meets the reason (disk full, limit) and raises it.
        write_at(descriptor, content[written:], offset + written)


def sync_directory(path: Path) -> None:
    """Make the entries of the directory `path` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
