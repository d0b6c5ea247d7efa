"""Reading one table of a parameter file, so that whatever is wrong is named by its dotted path."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from margingate_engine.core.errors import InvalidInput

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
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise InvalidInput(self._dotted(name), "must be a number")
        number = Decimal(value)
        if not number.is_finite():
            raise InvalidInput(self._dotted(name), "must be finite")
        return number

    def name(self, name: str) -> str:
        """The name of a group."""
        value = self._take(name)
        if not isinstance(value, str) or not _is_name(value):
            raise InvalidInput(self._dotted(name), "must be the name of a group")
        return value

    def word(self, name: str, words: Sequence[str]) -> str:
        """One of a few words."""
        value = self._take(name)
        if not isinstance(value, str) or value not in words:
            choices = " or ".join(f'"{each}"' for each in words)
            raise InvalidInput(self._dotted(name), f"must be {choices}")
        return value

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
    if value.as_tuple().exponent < -6:  # type: ignore[operator]
        raise InvalidInput(name, "has more than 6 decimal places")
    return value


def canonical(value: Decimal) -> str:
    """The number without exponent and without trailing zeros."""
    return format(value.normalize(), "f")


def _is_name(text: str) -> bool:
    return 0 < len(text) <= _NAME_LENGTH_MAX and text.strip() == text and "." not in text
