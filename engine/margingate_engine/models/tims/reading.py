"""Reading one table of a parameter file, so that whatever is wrong is named by its dotted path."""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from typing import TypeVar

from margingate_engine.core.amounts import decimal_places
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.parameter_table import decimal_parameter, word

BuiltT = TypeVar("BuiltT")

_NAME_LENGTH_MAX = 64


class Section:
    """One table; a name is taken once, and `close` refuses the names that nobody took."""

    def __init__(self, path: str, raw: Mapping[str, object]) -> None:
        self._path = path
        self._raw = raw
        self._taken: set[str] = set()

    def number(self, name: str) -> Decimal:
        """A finite number, exactly as written; bounds are checked by who needs them."""
        return decimal_parameter(self._dotted(name), self._take(name))

    def name(self, name: str) -> str:
        """The name of a group."""
        value = self._take(name)
        if not isinstance(value, str) or not _is_name(value):
            raise InvalidInput(self._dotted(name), "must be the name of a group")
        return value

    def word(self, name: str, words: type[Enum]) -> Enum:
        """A member of an enumeration."""
        return word(self._dotted(name), words, self._take(name))

    def tables(self, name: str) -> Iterator[tuple[str, "Section"]]:
        """Tables within a table, by name; every one is closed after it was read."""
        value = self._take(name)
        if not isinstance(value, Mapping) or not value:
            raise InvalidInput(self._dotted(name), "must be a table that is not empty")
        for key in sorted(value):
            path = f"{self._dotted(name)}.{key}"
            if not _is_name(key):
                raise InvalidInput(path, "is not a name")
            if not isinstance(value[key], Mapping):
                raise InvalidInput(path, "must be a table")
            section = Section(path, value[key])
            yield key, section
            section.close()

    def built(self, build: Callable[[], BuiltT]) -> BuiltT:
        """What `build` makes; what it refuses by a bare name is named by its dotted path."""
        try:
            return build()
        except InvalidInput as wrong:
            if wrong.field.startswith(self._path):
                raise
            raise InvalidInput(self._dotted(wrong.field), wrong.problem) from None

    def close(self) -> None:
        """InvalidInput for the first name that is no parameter."""
        for name in sorted(set(self._raw) - self._taken):
            raise InvalidInput(self._dotted(name), "is not a parameter of tims")

    def _take(self, name: str) -> object:
        if name not in self._raw:
            raise InvalidInput(self._dotted(name), "is missing")
        self._taken.add(name)
        return self._raw[name]

    def _dotted(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name


def bounded(name: str, value: Decimal, low: str, high: str) -> Decimal:
    """The value, when it lies in [low, high] and is a whole multiple of 1e-6."""
    if not Decimal(low) <= value <= Decimal(high):
        raise InvalidInput(name, f"must lie in [{low}, {high}]")
    if decimal_places(value) > 6:
        raise InvalidInput(name, "has more than 6 decimal places")
    return value


def _is_name(text: str) -> bool:
    is_plain = text.isprintable() and text.strip() == text and "." not in text
    return 0 < len(text) <= _NAME_LENGTH_MAX and is_plain
