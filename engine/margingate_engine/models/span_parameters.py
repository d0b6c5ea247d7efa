"""Parameters of the model `span`: typed, bounded, digestible. Bounds: docs/methodology/span.md."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import Enum

from margingate_engine.core.errors import InvalidInput


class VolShift(Enum):
    """How the volatility scan range is meant."""

    RELATIVE = "relative"
    ABSOLUTE = "absolute"


_BOUNDS: dict[str, tuple[str, str]] = {
    "price_scan_range": ("0.000001", "0.999999"),
    "vol_scan_range": ("0", "5"),
    "vol_tenor_power": ("0", "1"),
    "vol_tenor_floor_days": ("1", "365"),
    "vol_floor_up": ("0", "5"),
    "extreme_multiple": ("1", "10"),
    "extreme_cover": ("0.000001", "1"),
    "look_ahead_days": ("0", "10"),
    "short_option_minimum": ("0", "0.999999"),
    "basis_rate": ("0", "0.999999"),
    "maintenance_fraction": ("0.000001", "1"),
    "collateral_haircut": ("0", "0.999999"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanParameters:
    """Parameters of one underlying, all required; ratios are whole multiples of 1e-6."""

    price_scan_range: Decimal
    vol_shift_kind: VolShift
    vol_scan_range: Decimal
    vol_tenor_power: Decimal
    vol_tenor_floor_days: Decimal
    vol_floor_up: Decimal
    extreme_multiple: Decimal
    extreme_cover: Decimal
    look_ahead_days: Decimal
    short_option_minimum: Decimal
    basis_rate: Decimal
    maintenance_fraction: Decimal
    collateral_haircut: Decimal

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        for name, (low, high) in _BOUNDS.items():
            value: Decimal = getattr(self, name)
            if not Decimal(low) <= value <= Decimal(high):
                raise InvalidInput(name, f"must lie in [{low}, {high}]")
            if value.as_tuple().exponent < -6:  # type: ignore[operator]
                raise InvalidInput(name, "has more than 6 decimal places")
        if self.extreme_multiple * self.price_scan_range >= 1:
            raise InvalidInput("extreme_multiple", "times price_scan_range must stay below 1")

    @classmethod
    def from_mapping(cls, underlying: str, raw: Mapping[str, object]) -> "SpanParameters":
        """Parameters from a table of a file; InvalidInput with the dotted name of what is wrong."""
        names = {each.name for each in fields(cls)}
        for name in sorted(names ^ set(raw)):
            problem = "is missing" if name in names else "is not a parameter of span"
            raise InvalidInput(f"{underlying}.{name}", problem)
        values = {name: _parsed(f"{underlying}.{name}", name, raw[name]) for name in names}
        try:
            return cls(**values)  # type: ignore[arg-type]
        except InvalidInput as wrong:
            raise InvalidInput(f"{underlying}.{wrong.field}", wrong.problem) from None

    def items(self) -> list[tuple[str, str]]:
        """Names and values as canonical text, by name."""
        return sorted((each.name, _text(getattr(self, each.name))) for each in fields(self))


def digest(parameters: Mapping[str, SpanParameters]) -> str:
    """Hexadecimal sha256 of every parameter of every underlying, whatever the order of the file."""
    lines = [
        f"{underlying}.{name}={value}"
        for underlying in sorted(parameters)
        for name, value in parameters[underlying].items()
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _parsed(path: str, name: str, value: object) -> Decimal | VolShift:
    if name == "vol_shift_kind":
        try:
            return VolShift(value)
        except ValueError:
            raise InvalidInput(path, 'must be "relative" or "absolute"') from None
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise InvalidInput(path, "must be a number")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise InvalidInput(path, "must be a number") from None
    if not number.is_finite():
        raise InvalidInput(path, "must be finite")
    return number


def _text(value: Decimal | VolShift) -> str:
    return value.value if isinstance(value, VolShift) else format(value.normalize(), "f")
