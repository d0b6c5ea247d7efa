"""A SPAN file of either format, and a portfolio of its contracts. [SCC-29]"""

import csv
import re
from pathlib import Path

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.pa2 import read_pa2
from margingate_server.files.span_file import SpanFile
from margingate_server.files.span_xml import Watch
from margingate_server.files.spn import read_spn

COLUMNS = ("contract", "quantity")
LOTS_MAX = 10**9
_WHOLE = re.compile(r"[+-]?[0-9]{1,10}")
_READERS = {".spn": read_spn, ".xml": read_spn, ".pa2": read_pa2}


def read_span_file(path: Path, *, net_is_floored: bool, watch: Watch | None = None) -> SpanFile:
    """The file by its suffix; InvalidInput with the place of what is wrong."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise InvalidInput("file", f"must end in {', '.join(_READERS)}")
    return reader(path, net_is_floored=net_is_floored, watch=watch)


def read_lots(path: Path) -> dict[str, int]:
    """Signed lots by contract, lines of one contract added up; InvalidInput with file and line."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise InvalidInput(path.name, f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InvalidInput(path.name, "is not UTF-8") from None
    lots: dict[str, int] = {}
    reader = csv.reader(text.splitlines())
    try:
        columns = [each.strip().lower() for each in next(reader, [])]
        if any(columns.count(each) != 1 for each in COLUMNS):
            raise InvalidInput(path.name, f"must name {' and '.join(COLUMNS)} in its first line")
        for row in reader:
            if any(cell.strip() for cell in row):
                contract, quantity = _row(f"{path.name}:{reader.line_num}", columns, row)
                lots[contract] = lots.get(contract, 0) + quantity
    except csv.Error as error:
        raise InvalidInput(f"{path.name}:{reader.line_num}", f"is not CSV: {error}") from None
    return lots


def _row(place: str, columns: list[str], row: list[str]) -> tuple[str, int]:
    contract, quantity = (
        row[at].strip() if (at := columns.index(name)) < len(row) else "" for name in COLUMNS
    )
    if not contract:
        raise InvalidInput(place, "has no contract")
    if not _WHOLE.fullmatch(quantity) or abs(int(quantity)) > LOTS_MAX:
        raise InvalidInput(place, f"quantity must be whole lots, up to {LOTS_MAX}")
    return contract, int(quantity)
