"""Runs the cases of documents, whatever their format."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from margingate_server.validating import span, strategy_margin, tims_cpm, unbuilt
from margingate_server.validating.case import CaseResult, Format, Outcome, skipped

_NEVER_CASES = {"meta", "source", "sources", "note", "notes", "references", "conventions"}

FORMATS: tuple[Format, ...] = (
    strategy_margin,
    tims_cpm,
    span,
    unbuilt,
)
"""Tried in this order; the first that recognises a section of a document runs it."""


_UNKNOWN = "no known format of cases"


class UnreadableDocument(Exception):  # noqa: N818 - named for what it is
    """A file that holds no document of cases: `path` and `problem`."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem


def document(path: Path) -> object:
    """What a JSON file holds, its numbers as exact decimals; UnreadableDocument."""
    try:
        return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise UnreadableDocument(path, error.strerror or "cannot be read") from None
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(path, f"is not JSON: {error}") from None


def results(name: str, content: object) -> Iterator[CaseResult]:
    """Every case of a document, whose sections may be of several formats.

    One SKIP that bears its name when no format recognises any of it; else a SKIP that bears the
    name of each section that holds cases and is not recognised.
    """
    if not isinstance(content, Mapping):
        format_ = _format_of(content)
        found = [skipped(name, _UNKNOWN)] if format_ is None else format_.results(content)
        yield from found
        return
    owners = {key: _format_of({key: section}) for key, section in content.items()}
    unowned = {key: content[key] for key, owner in owners.items() if owner is None}
    if len(unowned) == len(content):
        yield skipped(name, _UNKNOWN)
        return
    around = {key: section for key, section in unowned.items() if not _holds_cases(key, section)}
    for format_ in dict.fromkeys(owner for owner in owners.values() if owner is not None):
        own = {key: content[key] for key, owner in owners.items() if owner is format_}
        yield from format_.results({**around, **own})
    for key in unowned:
        if key not in around:
            yield skipped(str(key).replace(" ", "_"), _UNKNOWN)


def _format_of(content: object) -> Format | None:
    return next((each for each in FORMATS if each.recognises(content)), None)


def _holds_cases(key: object, section: object) -> bool:
    """Whether a section is a list of tables, or a table with one or with what is expected."""
    if key in _NEVER_CASES:
        return False
    if isinstance(section, Mapping):
        return "expected" in section or any(_is_tables(each) for each in section.values())
    return _is_tables(section)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(each, Mapping) for each in value)


def summary(outcomes: Sequence[Outcome]) -> str:
    """`N passed, N failed, N skipped`."""
    counts = Counter(outcomes)
    return (
        f"{counts[Outcome.PASS]} passed, {counts[Outcome.FAIL]} failed, "
        f"{counts[Outcome.SKIP]} skipped"
    )
