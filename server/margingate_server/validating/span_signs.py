"""Whether a positive value of a published array is a gain of the long, as its document says."""

import re
from collections.abc import Iterator, Mapping

_NAMED = ("sign", "signs", "sign_convention")
_SAID = re.compile(
    r"(?:values?\s+(?:are|is)|\bsign\b[^.;]*?|\+\s*=|positive\s*(?:=|:|is|are|means))\s*"
    r"(?:a\s+|the\s+)?(profit|gain|loss)(?:e?s)?\b(?:\s+(?:of|to|for)\s+(?:one|the|a)?\s*(long|short))?"
)
_NAMED_SAID = re.compile(r"(profit|gain|loss)(?:e?s)?\b.*?(?:\b(long|short)\b|$)")
_DEPTH_MAX = 2


def is_gain(*tables: object) -> bool | None:
    """What the first of these tables (or texts) that says it says; None when none does."""
    for table in tables:
        for name, text in _texts(table):
            said = (_NAMED_SAID if name in _NAMED else _SAID).search(text.lower())
            if said:
                return (said[1] != "loss") is not (said[2] == "short")
    return None


def _texts(table: object, name: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Every text of a table with its name, those that are named for signs first."""
    if isinstance(table, str):
        yield name, table
    elif isinstance(table, Mapping) and depth < _DEPTH_MAX:
        for key in sorted(table, key=lambda each: each not in _NAMED):
            yield from _texts(table[key], str(key), depth + 1)
