"""Columns of the records of an expanded positional SPAN file (`.pa2`). [SCC-20]

Columns count from 1 and include both ends, as the published layouts count them.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from margingate_engine.core.errors import InvalidInput

Columns = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Record:
    """One line: its number from 1 and its text without the line end."""

    line: int
    text: str

    @property
    def kind(self) -> str:
        """Record id, the first two columns without spaces."""
        return self.text[:2].strip()

    def word(self, columns: Columns) -> str:
        """Text of some columns without spaces around; empty beyond the end of the line."""
        first, last = columns
        return self.text[first - 1 : last].strip()

    def field(self, columns: Columns) -> str:
        """How a mistake names columns of this record."""
        first, last = columns
        return f"line {self.line} ({self.kind}), columns {first}-{last}"

    def wrong(self, columns: Columns, problem: str) -> InvalidInput:
        """The mistake that some columns hold."""
        return InvalidInput(self.field(columns), problem)

    def needed(self, columns: Columns) -> str:
        """Text that must not be blank."""
        text = self.word(columns)
        if not text:
            raise self.wrong(columns, "are blank")
        return text

    def whole(self, columns: Columns) -> int:
        """Digits as a whole number."""
        text = self.needed(columns)
        if not (text.isascii() and text.isdigit()):
            raise self.wrong(columns, "are no digits")
        return int(text)

    def whole_or(self, columns: Columns, absent: int) -> int:
        """Digits as a whole number, `absent` where they are blank."""
        return self.whole(columns) if self.word(columns) else absent

    def number(self, columns: Columns, places: int) -> Decimal:
        """Digits with that many of them behind the point."""
        return Decimal(self.whole(columns)).scaleb(-places)

    def sign(self, column: int) -> int:
        """-1 for a minus, 1 for a plus or a blank."""
        text = self.word((column, column))
        if text not in {"", "+", "-"}:
            raise self.wrong((column, column), "are no sign")
        return -1 if text == "-" else 1

    def period(self, month: Columns, day: Columns | None, *, last: bool = False) -> int:
        """CCYYMM and a day as CCYYMMDD; a week code or a blank gives day 00, or 99 as an end."""
        number = self.whole(month)
        if not 1 <= number % 100 <= 12 or len(self.word(month)) != 6:
            raise self.wrong(month, "are no month CCYYMM")
        text = self.word(day) if day else ""
        is_day = text.isascii() and text.isdigit() and int(text) > 0
        return number * 100 + (int(text) if is_day else 99 if last else 0)


class ArrayLayout(NamedTuple):
    """Where a pair of array records keeps its values: width of one, and what follows them."""

    width: int
    delta: Columns
    price: Columns
    strike_sign: int
    special_factor: Columns


ARRAY_FIRST = 55
SHORT_ARRAYS = ArrayLayout(5, (97, 101), (111, 117), 119, (138, 151))
LONG_ARRAYS = ArrayLayout(8, (118, 122), (132, 138), 140, (159, 172))
"""Records 81 and 82 have values of five digits, 83 and 84 of eight."""

ARRAY_ID: Columns = (3, 54)
EXCHANGE: Columns = (3, 5)
PRODUCT: Columns = (6, 15)
COMMODITY: Columns = (3, 8)
