"""Parameters of the model `var`: its settings and the history that its worlds are made of.

The history is a parameter like any other: a decision must be taken again from what was stored.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

import numpy as np

from margingate_engine.core.amounts import decimal_places
from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.var.settings import Method, VarSettings, number, number_text
from margingate_engine.scenarios.history import ReturnHistory
from margingate_engine.statistics.ewma import WARM_UP_DAYS
from margingate_engine.statistics.tail import tail_size

SETTINGS = "settings"
"""Table of the settings; every other table is an underlying."""

_RETURN_MAX = Decimal(5)
_PLACES_MAX = 12
_RATIOS = ("basis_rate", "collateral_haircut")


@dataclass(frozen=True, slots=True, kw_only=True)
class VarUnderlying:
    """One underlying: daily log changes of price and vol, oldest first, and its charges.

    stressed_*: days of another period, which count as one more set of worlds.
    """

    returns: tuple[Decimal, ...]
    vol_returns: tuple[Decimal, ...]
    stressed_returns: tuple[Decimal, ...]
    stressed_vol_returns: tuple[Decimal, ...]
    basis_rate: Decimal
    collateral_haircut: Decimal

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        for name in _RATIOS:
            value: Decimal = getattr(self, name)
            if not 0 <= value < 1:
                raise InvalidInput(name, "must lie in [0, 1)")
            if decimal_places(value) > 6:
                raise InvalidInput(name, "has more than 6 decimal places")
        for kind in ("", "stressed_"):
            if len(getattr(self, f"{kind}returns")) != len(getattr(self, f"{kind}vol_returns")):
                raise InvalidInput(f"{kind}vol_returns", f"must be as many as {kind}returns")

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "VarUnderlying":
        """One table of a file; InvalidInput with the name of what is wrong."""
        names = {each.name for each in fields(cls)}
        for name in sorted(names ^ set(raw)):
            problem = "is missing" if name in names else "is not a parameter of var"
            raise InvalidInput(name, problem)
        ratios = {name: number(name, raw[name]) for name in _RATIOS}
        lists = {name: _returns(name, raw[name]) for name in names - set(_RATIOS)}
        return cls(**ratios, **lists)  # type: ignore[arg-type]

    def items(self) -> list[tuple[str, str]]:
        """Names and values as canonical text, by name; a history is its numbers in one line."""
        texts = {name: number_text(getattr(self, name)) for name in _RATIOS}
        for each in fields(self):
            if each.name not in texts:
                texts[each.name] = f"[{' '.join(map(number_text, getattr(self, each.name)))}]"
        return sorted(texts.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class VarParameters:
    """Settings, and by name the underlyings; their histories have the same dates. [VAR-01]"""

    settings: VarSettings
    underlyings: Mapping[str, VarUnderlying]

    def __post_init__(self) -> None:
        """Refuse histories that do not belong together or do not reach back far enough."""
        if not self.underlyings:
            raise InvalidInput("underlyings", "must be one at least")
        first_name = min(self.underlyings)
        first = self.underlyings[first_name]
        for name, each in sorted(self.underlyings.items()):
            for field in ("returns", "stressed_returns"):
                if len(getattr(each, field)) != len(getattr(first, field)):
                    raise InvalidInput(f"{name}.{field}", f"must be as many as of {first_name}")
        days = days_needed(self.settings)
        if len(first.returns) < days:
            raise InvalidInput(f"{first_name}.returns", f"must be {days} at least")
        if not self.settings.stressed_weight:
            return
        count = self.settings.worlds_of(len(first.stressed_returns))
        if tail_size(count, self.settings.confidence) < 1:
            problem = "leave less than one scenario beyond the confidence"
            raise InvalidInput(f"{first_name}.stressed_returns", problem)

    @classmethod
    def from_mapping(cls, tables: Mapping[str, Mapping[str, object]]) -> "VarParameters":
        """Parameters from a file's tables; InvalidInput with the dotted name of what is wrong."""
        if SETTINGS not in tables:
            raise InvalidInput(SETTINGS, "is missing")
        try:
            settings = VarSettings.from_mapping(tables[SETTINGS])
        except InvalidInput as wrong:
            raise InvalidInput(f"{SETTINGS}.{wrong.field}", wrong.problem) from None
        underlyings = {}
        for name in sorted(tables.keys() - {SETTINGS}):
            try:
                underlyings[name] = VarUnderlying.from_mapping(tables[name])
            except InvalidInput as wrong:
                raise InvalidInput(f"{name}.{wrong.field}", wrong.problem) from None
        return cls(settings=settings, underlyings=underlyings)

    def items(self) -> list[tuple[str, str, str]]:
        """Table, name and value of every parameter, as canonical text, in order."""
        rows = [(SETTINGS, name, value) for name, value in self.settings.items()]
        for underlying, table in self.underlyings.items():
            rows += [(underlying, name, value) for name, value in table.items()]
        return sorted(rows)

    def digest(self) -> str:
        """Hexadecimal sha256 of every parameter, whatever the order of the file."""
        lines = [f"{table}.{name}={value}" for table, name, value in self.items()]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def history(self) -> ReturnHistory:
        """All daily changes, underlyings by name."""
        return self._history("returns", "vol_returns")

    def stressed_history(self) -> ReturnHistory:
        """Daily changes of the stressed period."""
        return self._history("stressed_returns", "stressed_vol_returns")

    def _history(self, spot: str, vol: str) -> ReturnHistory:
        names = tuple(sorted(self.underlyings))
        return ReturnHistory(
            underlyings=names,
            spot_tu=_columns([getattr(self.underlyings[name], spot) for name in names]),
            vol_tu=_columns([getattr(self.underlyings[name], vol) for name in names]),
        )


def days_needed(settings: VarSettings) -> int:
    """Daily changes that the worlds of these settings are made of. [VAR-03 to VAR-06]"""
    warm_up = WARM_UP_DAYS if settings.method is Method.FILTERED else 0
    return max(settings.lookback_days + warm_up, settings.floor_days)


def _returns(name: str, raw: object) -> tuple[Decimal, ...]:
    if isinstance(raw, str) and raw[:1] == "[" and raw[-1:] == "]":  # as `items` writes it
        raw = raw[1:-1].split()
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise InvalidInput(name, "must be a list of numbers")
    changes = tuple(number(f"{name}[{place}]", each) for place, each in enumerate(raw))
    for place, change in enumerate(changes):
        if abs(change) > _RETURN_MAX:
            raise InvalidInput(f"{name}[{place}]", f"must lie in [-{_RETURN_MAX}, {_RETURN_MAX}]")
        if decimal_places(change) > _PLACES_MAX:
            raise InvalidInput(f"{name}[{place}]", f"has more than {_PLACES_MAX} decimal places")
    return changes


def _columns(lists: Sequence[Sequence[Decimal]]) -> FloatArray:
    return np.array([[float(each) for each in column] for column in lists]).T
