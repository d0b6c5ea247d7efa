"""Strategies taken one after another, the one that saves most first: an upper bound. [STR-13]"""

from margingate_engine.models.strategy.columns import Candidates, Column


def greedy_counts(found: Candidates) -> dict[Column, int]:
    """Units of each column; what is left over stands alone. Never above the book unpaired."""
    left = [piece.units for piece in found.book.pieces]

    def saved_micro(column: Column) -> int:
        unpaired = sum(found.alone[member].unit_micro for member in column.members)
        return unpaired - column.unit_micro

    counts: dict[Column, int] = {}
    for column in sorted(found.together, key=lambda each: (-saved_micro(each), each.members)):
        count = min(left[member] for member in column.members)
        if count and saved_micro(column) > 0:
            counts[column] = count
            for member in column.members:
                left[member] -= count
    return counts | {
        column: count for column, count in zip(found.alone, left, strict=True) if count
    }
