"""SPAN parameters from plain tables, which are easier to draw and to change than the classes."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.parameters import SpanCcParameters


def from_tables(raw: Mapping[str, object]) -> SpanCcParameters:
    """The parameters; InvalidInput with the dotted path of what a class refuses."""
    made: SpanCcParameters = _made(SpanCcParameters, raw, "")
    return made


def _made(kind: Any, raw: Any, path: str) -> Any:
    if get_origin(kind) is UnionType:
        return None if raw is None else _made(get_args(kind)[0], raw, path)
    if get_origin(kind) is tuple:
        (each, _) = get_args(kind)
        return tuple(_made(each, entry, f"{path}[{n}]") for n, entry in enumerate(raw))
    if is_dataclass(kind):
        hints, dot = get_type_hints(kind), "." if path else ""
        names = [each.name for each in fields(kind)]
        values = {n: _made(hints[n], raw.get(n), f"{path}{dot}{n}") for n in names}
        try:
            return kind(**values)
        except InvalidInput as wrong:
            raise InvalidInput(f"{path}{dot}{wrong.field}", wrong.problem) from None
    return kind(raw) if issubclass(kind, (Enum, Decimal)) else raw
