"""Everything of the model `var` that is not history. Bounds: docs/methodology/var.md."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from enum import Enum

from margingate_engine.core.amounts import decimal_places
from margingate_engine.core.errors import InvalidInput
from margingate_engine.scenarios.horizon import HorizonRule
from margingate_engine.statistics.tail import tail_size


class Method(Enum):
    """Where the worlds come from."""

    HISTORICAL = "historical"
    FILTERED = "filtered"
    GAUSSIAN = "gaussian"
    STUDENT_T = "student_t"
    PARAMETRIC = "parametric"

    @property
    def is_drawn(self) -> bool:
        """The worlds are random numbers of a seed."""
        return self in {Method.GAUSSIAN, Method.STUDENT_T}


class Estimator(Enum):
    """What is taken from the losses: value at risk or expected shortfall."""

    VALUE_AT_RISK = "var"
    EXPECTED_SHORTFALL = "es"


class QuantileRule(Enum):
    """Value at risk is one of the losses, or lies between two."""

    RANKED = "ranked"
    INTERPOLATED = "interpolated"


_BOUNDS: dict[str, tuple[str, str]] = {
    "confidence": ("0.9", "0.9999"),
    "horizon_days": ("1", "30"),
    "lookback_days": ("20", "10000"),
    "decay": ("0.8", "1"),
    "ratio_floor": ("0", "1"),
    "ratio_cap": ("1", "100"),
    "degrees_of_freedom": ("2.1", "100"),
    "seed": ("0", "9007199254740991"),
    "scenario_count": ("100", "100000"),
    "look_ahead_days": ("0", "10"),
    "stressed_weight": ("0", "1"),
    "floor_days": ("0", "10000"),
    "buffer": ("0", "1"),
    "buffer_drawn": ("0", "1"),
    "offset_cap": ("0", "0.8"),
    "maintenance_fraction": ("0.000001", "1"),
}
_WHOLE = {"horizon_days", "lookback_days", "seed", "scenario_count", "floor_days"}
_CHOICES: dict[str, type[Enum]] = {
    "method": Method,
    "horizon_rule": HorizonRule,
    "estimator": Estimator,
    "quantile_rule": QuantileRule,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VarSettings:
    """All required; whole numbers where they count something, else at most 6 decimal places."""

    method: Method
    confidence: Decimal
    horizon_days: int
    horizon_rule: HorizonRule
    lookback_days: int
    decay: Decimal
    ratio_floor: Decimal
    ratio_cap: Decimal
    degrees_of_freedom: Decimal
    seed: int
    scenario_count: int
    look_ahead_days: Decimal
    estimator: Estimator
    quantile_rule: QuantileRule
    stressed_weight: Decimal
    floor_days: int
    buffer: Decimal
    buffer_drawn: Decimal
    offset_cap: Decimal
    maintenance_fraction: Decimal

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        for name, (low, high) in _BOUNDS.items():
            value = Decimal(getattr(self, name))
            if not Decimal(low) <= value <= Decimal(high):
                raise InvalidInput(name, f"must lie in [{low}, {high}]")
            if decimal_places(value) > 6:
                raise InvalidInput(name, "has more than 6 decimal places")
        is_without_worlds = self.method is Method.PARAMETRIC
        if is_without_worlds and (self.stressed_weight or self.floor_days):
            name = "stressed_weight" if self.stressed_weight else "floor_days"
            raise InvalidInput(name, "must be 0 where the method is parametric")
        if self.method.is_drawn:
            self._refuse_a_short_tail("scenario_count", self.scenario_count)
        elif self.method is not Method.PARAMETRIC:
            self._refuse_a_short_tail("lookback_days", self.worlds_of(self.lookback_days))
        if self.floor_days:
            self._refuse_a_short_tail("floor_days", self.worlds_of(self.floor_days))

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "VarSettings":
        """Settings from a table of a file; InvalidInput with the name of what is wrong."""
        names = {each.name for each in fields(cls)}
        for name in sorted(names ^ set(raw)):
            problem = "is missing" if name in names else "is not a parameter of var"
            raise InvalidInput(name, problem)
        return cls(**{name: _parsed(name, raw[name]) for name in names})  # type: ignore[arg-type]

    def items(self) -> list[tuple[str, str]]:
        """Names and values as canonical text, by name."""
        return sorted((each.name, _text(getattr(self, each.name))) for each in fields(self))

    def worlds_of(self, days: int) -> int:
        """How many scenarios so many daily returns make. [VAR-02]"""
        is_overlapping = self.horizon_rule is HorizonRule.OVERLAPPING
        return days - (self.horizon_days - 1) if is_overlapping else days

    def _refuse_a_short_tail(self, name: str, count: int) -> None:
        if tail_size(count, self.confidence) < 1:
            raise InvalidInput(name, "leaves less than one scenario beyond the confidence")


def number(name: str, value: object) -> Decimal:
    """A finite number of a file; InvalidInput naming it otherwise."""
    if isinstance(value, bool) or not isinstance(value, (int, Decimal, str)):
        raise InvalidInput(name, "must be a number")
    try:
        parsed = Decimal(value)
    except InvalidOperation:
        raise InvalidInput(name, "must be a number") from None
    if not parsed.is_finite():
        raise InvalidInput(name, "must be finite")
    return parsed


def number_text(value: Decimal) -> str:
    """Canonical text: no exponent, no trailing zeros."""
    return format(value.normalize(), "f") if value else "0"


def _parsed(name: str, value: object) -> object:
    if name in _CHOICES:
        choice = _CHOICES[name]
        if value not in [each.value for each in choice]:
            words = ", ".join(f'"{each.value}"' for each in choice)
            raise InvalidInput(name, f"must be one of {words}")
        return choice(value)
    parsed = number(name, value)
    if name not in _WHOLE:
        return parsed
    if parsed != int(parsed):
        raise InvalidInput(name, "must be a whole number")
    return int(parsed)


def _text(value: Enum | Decimal | int) -> str:
    return str(value.value) if isinstance(value, Enum) else number_text(Decimal(value))
