"""The tables of a parameter file of the model `span_cc`. Bounds: docs/methodology/span-files.md."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from enum import Enum
from typing import ClassVar

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.parameter_table import ParameterTable
from margingate_engine.models.span_cc.kinds import PriceRiskMethod, Side
from margingate_engine.models.span_parameters import SpanParameters, VolShift

MODEL_NAME = "span_cc"
TIERS_MAX = 100
_RATIO, _RATE = ("0.000001", "10000"), ("0", "1")


@dataclass(frozen=True, kw_only=True)
class ScanTable(ParameterTable):
    """Of one underlying: how it is scanned, and what is charged at its delivery. [SCC-23]"""

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
    collateral_haircut: Decimal
    price_risk_method: PriceRiskMethod
    delivery_days: Decimal
    delivery_spread_rate: Decimal
    delivery_outright_rate: Decimal

    MODEL: ClassVar[str] = MODEL_NAME
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "delivery_days": ("0", "36500"),
        "delivery_spread_rate": _RATE,
        "delivery_outright_rate": _RATE,
    }
    WORDS: ClassVar[Mapping[str, type[Enum]]] = {
        "vol_shift_kind": VolShift,
        "price_risk_method": PriceRiskMethod,
    }

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        super().__post_init__()
        check_whole("delivery_days", self.delivery_days)
        _ = self.span

    @property
    def span(self) -> SpanParameters:
        """The same for the scan of the model `span`, without its basis charge. [SCC-22]"""
        names = {each.name for each in fields(SpanParameters)} & {
            each.name for each in fields(self)
        }
        return SpanParameters(
            basis_rate=Decimal(0),
            maintenance_fraction=Decimal(1),
            **{name: getattr(self, name) for name in names},
        )


class FlatOrWeighted(Enum):
    """What the rate of a calendar spread is a part of. [SCC-07]"""

    FLAT = "flat"
    WEIGHTED = "weighted"


@dataclass(frozen=True, kw_only=True)
class CalendarTable(ParameterTable):
    """One calendar spread: deltas of tier a against opposite ones of tier b. [SCC-07, SCC-24]"""

    priority: Decimal
    method: FlatOrWeighted
    rate: Decimal
    tier_a: Decimal
    ratio_a: Decimal
    tier_b: Decimal
    ratio_b: Decimal

    MODEL: ClassVar[str] = MODEL_NAME
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "priority": ("1", "1000000"),
        "rate": _RATE,
        "tier_a": ("1", str(TIERS_MAX)),
        "ratio_a": _RATIO,
        "tier_b": ("1", str(TIERS_MAX)),
        "ratio_b": _RATIO,
    }
    WORDS: ClassVar[Mapping[str, type[Enum]]] = {"method": FlatOrWeighted}

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        super().__post_init__()
        for name in ("priority", "tier_a", "tier_b"):
            check_whole(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class LegTable(ParameterTable):
    """One underlying of a spread between several. [SCC-11, SCC-26]"""

    side: Side
    ratio: Decimal
    credit_rate: Decimal

    MODEL: ClassVar[str] = MODEL_NAME
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = {"ratio": _RATIO, "credit_rate": _RATE}
    WORDS: ClassVar[Mapping[str, type[Enum]]] = {"side": Side}


@dataclass(frozen=True, kw_only=True)
class PriorityTable(ParameterTable):
    """What a spread between underlyings has beside its legs."""

    priority: Decimal

    MODEL: ClassVar[str] = MODEL_NAME
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = {"priority": ("1", "1000000")}

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        super().__post_init__()
        check_whole("priority", self.priority)


@dataclass(frozen=True, kw_only=True)
class RatioTable(ParameterTable):
    """What a type of account multiplies risk with. [SCC-27]"""

    maintenance: Decimal
    initial: Decimal

    MODEL: ClassVar[str] = MODEL_NAME
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = {
        "maintenance": ("0.000001", "100"),
        "initial": ("1", "100"),
    }

    def __post_init__(self) -> None:
        """Refuse initial margins below the risk: an entry loss would count in part only."""
        super().__post_init__()
        if self.maintenance * self.initial < 1:
            raise InvalidInput("initial", "times maintenance must not be below 1")


@dataclass(frozen=True, kw_only=True)
class WeightTable(ParameterTable):
    """Weights of the seven delta points; all but the first count for both directions. [SCC-04]"""

    unchanged: Decimal
    third: Decimal
    two_thirds: Decimal
    full: Decimal

    MODEL: ClassVar[str] = MODEL_NAME
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = dict.fromkeys(
        ("unchanged", "third", "two_thirds", "full"), _RATE
    )

    def __post_init__(self) -> None:
        """Refuse weights that do not sum to 1, or to the .998 that one exchange prints."""
        super().__post_init__()
        total = self.unchanged + 2 * (self.third + self.two_thirds + self.full)
        if not Decimal("0.99") <= total <= 1:
            raise InvalidInput("unchanged", "and twice the others must sum to 1")

    @property
    def weight_p(self) -> FloatArray:
        """The seven weights in the order of the delta points."""
        sides = (self.third, self.third, self.two_thirds, self.two_thirds, self.full, self.full)
        return np.array([float(each) for each in (self.unchanged, *sides)])


def check_whole(name: str, value: Decimal) -> None:
    """InvalidInput naming the parameter unless it is a whole number."""
    if value != value.to_integral_value():
        raise InvalidInput(name, "must be a whole number")
