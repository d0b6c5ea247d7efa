"""A table of parameters that are numbers or words of an enumeration: typed, bounded, canonical."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import ClassVar, Self

from margingate_engine.core.amounts import decimal_places
from margingate_engine.core.errors import InvalidInput


@dataclass(frozen=True)
class ParameterTable:
    """Base of the parameters of one underlying; ratios are whole multiples of 1e-6.

    A subclass names the model, the bounds of every number, and the enumeration of every word.
    """

    MODEL: ClassVar[str]
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]]
    WORDS: ClassVar[Mapping[str, type[Enum]]] = {}

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        for name, (low, high) in self.BOUNDS.items():
            value: Decimal = getattr(self, name)
            if not Decimal(low) <= value <= Decimal(high):
                raise InvalidInput(name, f"must lie in [{low}, {high}]")
            if decimal_places(value) > 6:
                raise InvalidInput(name, "has more than 6 decimal places")

    @classmethod
    def from_mapping(cls, underlying: str, raw: object) -> Self:
        """Parameters from a table of a file; InvalidInput with the dotted name of what is wrong."""
        if not isinstance(raw, Mapping):
            raise InvalidInput(underlying, "must be a table")
        names = {each.name for each in fields(cls)}
        for name in sorted(names ^ set(raw)):
            problem = "is missing" if name in names else f"is not a parameter of {cls.MODEL}"
            raise InvalidInput(f"{underlying}.{name}", problem)
        values = {name: cls._parsed(f"{underlying}.{name}", name, raw[name]) for name in names}
        try:
            return cls(**values)
        except InvalidInput as wrong:
            raise InvalidInput(f"{underlying}.{wrong.field}", wrong.problem) from None

    @classmethod
    def _parsed(cls, path: str, name: str, value: object) -> Decimal | Enum:
        words = cls.WORDS.get(name)
        return decimal_parameter(path, value) if words is None else word(path, words, value)

    def items(self) -> list[tuple[str, str]]:
        """Names and values as canonical text, by name."""
        return sorted((each.name, text(getattr(self, each.name))) for each in fields(self))


def tables_of(raw: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    """The tables of a file that has nothing else; InvalidInput names what is no table."""
    tables: dict[str, Mapping[str, object]] = {}
    for name, table in raw.items():
        if not isinstance(table, Mapping):
            raise InvalidInput(name, "must be a table")
        tables[name] = table
    return tables


def decimal_parameter(path: str, value: object) -> Decimal:
    """A finite number; InvalidInput naming `path` for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise InvalidInput(path, "must be a number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise InvalidInput(path, "must be a number") from None
    if not number.is_finite():
        raise InvalidInput(path, "must be finite")
    return number


def word(path: str, words: type[Enum], value: object) -> Enum:
    """A member of an enumeration by its value; InvalidInput naming `path` for anything else."""
    try:
        return words(value)
    except ValueError:
        names = [f'"{each.value}"' for each in words]
        raise InvalidInput(path, f"must be {' or '.join(names)}") from None


def text(value: Decimal | Enum) -> str:
    """A value as canonical text."""
    return str(value.value) if isinstance(value, Enum) else format(value.normalize(), "f")


def digest(items: Iterable[tuple[str, str, str]]) -> str:
    """Hexadecimal sha256 of (underlying, name, value), in whatever order they come."""
    lines = sorted(f"{underlying}.{name}={value}" for underlying, name, value in items)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
