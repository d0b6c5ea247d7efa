"""Comparing published arrays with ours."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from margingate_engine.core.arrays import FloatArray
from margingate_engine.scenarios.span_points import POINT_COUNT
from margingate_server.validating.case import CaseResult, compared
from margingate_server.validating.span_conventions import Unreadable, Words, number


def losses16(table: Mapping[str, object], words: Words) -> list[Decimal]:
    """The sixteen values under `array16` as losses of a long; Unreadable for another count.

    They are losses where no word says that they are gains.
    """
    values = table.get("array16")
    if not isinstance(values, list) or len(values) != POINT_COUNT:
        raise Unreadable(f"array16 has no {POINT_COUNT} values")
    sign = -1 if words.is_gain() else 1
    return [sign * number(value, "array16") for value in values]


def as_fraction(value: float, unit: Decimal | None) -> Fraction:
    """A figure, rounded to whole units as the source rounds its own."""
    if unit is None or unit <= 0:
        return Fraction(value)
    # The float is taken to 1e-9 of a unit first, so that noise turns no half of one.
    return round(Fraction(value) / Fraction(unit) + Fraction(1, 10**9)) * Fraction(unit)


def compared_array(
    id_: str, expected: list[Decimal], loss_s: FloatArray, unit: Decimal | None, tolerance: Decimal
) -> CaseResult:
    """One result for sixteen values: that of the point with the largest difference."""
    got = [as_fraction(float(loss), unit) for loss in loss_s]
    pairs = list(zip(map(Fraction, expected), got, strict=True))
    worst = max(range(POINT_COUNT), key=lambda point: abs(pairs[point][0] - pairs[point][1]))
    return compared(f"{id_}/{worst + 1}", *pairs[worst], tolerance=Fraction(tolerance))
