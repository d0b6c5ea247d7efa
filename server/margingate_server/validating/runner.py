"""Runs the cases of documents, whatever their format."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from margingate_server.validating import span, strategy_margin, tims_cpm, unbuilt
from margingate_server.validating.case import CaseResult, Format, Outcome, skipped

FORMATS: tuple[Format, ...] = (
    strategy_margin,
    tims_cpm,
    span,
    unbuilt,
)
"""Tried in this order; the first that recognises a document runs it."""


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
    """Every case of a document; one SKIP that bears its name when no format recognises it."""
    for each in FORMATS:
        if each.recognises(content):
            yield from each.results(content)
            return
    yield skipped(name, "no known format of cases")


def summary(outcomes: Sequence[Outcome]) -> str:
    """`N passed, N failed, N skipped`."""
    counts = Counter(outcomes)
    return (
        f"{counts[Outcome.PASS]} passed, {counts[Outcome.FAIL]} failed, "
        f"{counts[Outcome.SKIP]} skipped"
    )
