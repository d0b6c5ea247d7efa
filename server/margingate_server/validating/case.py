"""What came of one published case."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Protocol


class Outcome(Enum):
    """How a case ended."""

    PASS = "PASS"  # noqa: S105 - an outcome
    FAIL = "FAIL"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One figure of one case.

    expected, got: as text, empty where there is none. relative_error: |got - expected| over
    |expected|, the plain difference where 0 was expected, None where nothing was compared.
    reason: why it was skipped or failed, beyond what the figures say.
    """

    outcome: Outcome
    id: str
    expected: str = ""
    got: str = ""
    relative_error: float | None = None
    reason: str = ""

    @property
    def line(self) -> str:
        """`PASS|FAIL|SKIP id expected got rel_error`, then the reason; `-` where there is none."""
        error = "-" if self.relative_error is None else f"{self.relative_error:.3g}"
        words = (self.outcome.value, self.id, self.expected or "-", self.got or "-", error)
        return " ".join((*words, self.reason) if self.reason else words)


class Format(Protocol):
    """A kind of document with cases; a module of this package is one."""

    def recognises(self, document: object) -> bool:
        """True when the document is of this format, judged by its content."""
        ...

    def results(self, document: object) -> Iterator[CaseResult]:
        """Every case of the document, in its order; never raises for what a document may hold."""
        ...


def compared(
    id_: str,
    expected: Fraction,
    got: Fraction,
    *,
    tolerance: Fraction = Fraction(0),
    relative_tolerance: Fraction = Fraction(0),
) -> CaseResult:
    """PASS when the two figures differ by no more than the larger of both tolerances, else FAIL."""
    difference = abs(got - expected)
    is_close = difference <= max(tolerance, relative_tolerance * abs(expected))
    return CaseResult(
        outcome=Outcome.PASS if is_close else Outcome.FAIL,
        id=id_,
        expected=_shown(expected),
        got=_shown(got),
        relative_error=float(difference / abs(expected) if expected else difference),
    )


def skipped(id_: str, reason: str) -> CaseResult:
    """A case that cannot be represented, and why."""
    return CaseResult(outcome=Outcome.SKIP, id=id_, reason=reason)


def _shown(figure: Fraction) -> str:
    return f"{float(figure):.12g}"
