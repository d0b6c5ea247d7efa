"""The least that a contract requires, long or short, with and without open orders. [TIMS-05]"""

from typing import NamedTuple


class LotMinimum(NamedTuple):
    """What one lot of an instrument requires at least, 1e-6 USD, >= 0, held long and held short."""

    long: int
    short: int

    def of(self, lots: int) -> int:
        """Of a position, signed lots, 1e-6 USD. Convex in lots, and zero at zero."""
        return lots * self.long if lots > 0 else -lots * self.short

    def worst(self, lowest: int, highest: int) -> int:
        """The most over every position between `lowest` and `highest` lots. [TIMS-08]

        A convex function is largest at an end; at which one depends on the rates too, a long's
        being capped by its market value.
        """
        assert lowest <= highest, "fills add above and take below"
        return max(self.of(lowest), self.of(highest))
