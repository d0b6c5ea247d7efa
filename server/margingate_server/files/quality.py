"""Limits of market data from a file. docs/data-quality.md"""

from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal

from margingate_engine.core.amounts import NANO, PPM
from margingate_engine.core.errors import InvalidInput
from margingate_engine.quality.parameters import BOUNDS, QualityParameters, UnderlyingQuality
from margingate_server.files.toml_tables import Tables

DEFAULT = "default"


def _key_and_unit(attribute: str) -> tuple[str, int]:
    """How a file calls a limit, and how many units are one of the file's."""
    if attribute.endswith("_ppm"):
        return attribute.removesuffix("_ppm"), PPM
    if attribute.endswith("_ns"):
        return attribute.removesuffix("_ns") + "_seconds", NANO
    return attribute, 1


_ATTRIBUTE_BY_KEY = {_key_and_unit(each.name)[0]: each.name for each in fields(UnderlyingQuality)}


def parse_quality(tables: Tables) -> QualityParameters:
    """Limits by underlying; InvalidInput with the dotted name of what is missing or wrong.

    The table `default` names every limit; one of an underlying those that are its own.
    """
    if DEFAULT not in tables:
        raise InvalidInput(f"quality.{DEFAULT}", "is missing")
    usual = _limits(DEFAULT, tables[DEFAULT])
    for key in sorted(_ATTRIBUTE_BY_KEY.keys() - tables[DEFAULT].keys()):
        raise InvalidInput(f"quality.{DEFAULT}.{key}", "is missing")
    own = {name: {**usual, **_limits(name, table)} for name, table in tables.items()}
    made = {name: _made(name, limits) for name, limits in own.items()}
    return QualityParameters(otherwise=made.pop(DEFAULT), by_underlying=made)


def _limits(name: str, table: Mapping[str, object]) -> dict[str, int]:
    """Whole units by attribute, each within its bounds."""
    limits = {}
    for key, raw in table.items():
        path = f"quality.{name}.{key}"
        attribute = _ATTRIBUTE_BY_KEY.get(key)
        if attribute is None:
            raise InvalidInput(path, "is no limit of market data")
        limits[attribute] = _whole(raw, path, attribute)
    return limits


def _whole(raw: object, path: str, attribute: str) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise InvalidInput(path, "must be a number")
    number, unit = Decimal(raw), _key_and_unit(attribute)[1]
    least, most = (Decimal(bound) / unit for bound in BOUNDS[attribute])
    if not number.is_finite() or not least <= number <= most:
        raise InvalidInput(path, f"must lie in [{least.normalize():f}, {most.normalize():f}]")
    if number * unit != int(number * unit):
        raise InvalidInput(path, "has too many decimal places")
    return int(number * unit)


def _made(name: str, limits: Mapping[str, int]) -> UnderlyingQuality:
    """The limits together; InvalidInput names the key when they contradict each other."""
    try:
        return UnderlyingQuality(**limits)
    except InvalidInput as wrong:
        key = _key_and_unit(wrong.field)[0]
        raise InvalidInput(f"quality.{name}.{key}", wrong.problem) from None
