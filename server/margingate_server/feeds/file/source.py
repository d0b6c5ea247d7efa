"""The text of a market file, or of the files of a folder; the only place here that opens files."""

import gzip
import zlib
from pathlib import Path

from margingate_engine.core.errors import InvalidInput

_GZIP_MAGIC = b"\x1f\x8b"
_FOLDER_PATTERNS = ("*.json", "*.json.gz")


def read_texts(path: Path) -> tuple[str, ...]:
    """The text of `path`, unpacked; of a folder, the texts of its JSON files by name.

    Raises InvalidInput("feed", ...) when there is nothing to read or it is no text.
    """
    try:
        if not path.is_dir():
            return (_text(path),)
        members = sorted({member for pattern in _FOLDER_PATTERNS for member in path.glob(pattern)})
        if not members:
            raise InvalidInput("feed", f"folder {path} has no .json or .json.gz file")
        return tuple(_text(member) for member in members)
    except OSError as error:
        raise InvalidInput("feed", f"cannot read {path}: {error.strerror or error}") from None


def _text(path: Path) -> str:
    """The text of one file; gzip is recognised by its first bytes, not by the name."""
    content = path.read_bytes()
    try:
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
        return content.decode("utf-8-sig")
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise InvalidInput("feed", f"{path} is a damaged gzip file") from None
    except UnicodeDecodeError:
        raise InvalidInput("feed", f"{path} is not UTF-8 text") from None
