"""Parameters of the model `span`. Bounds: docs/methodology/span.md."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import ClassVar

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.parameter_table import ParameterTable


class VolShift(Enum):
    """How the volatility scan range is meant."""

    RELATIVE = "relative"
    ABSOLUTE = "absolute"


@dataclass(frozen=True, kw_only=True)
class SpanParameters(ParameterTable):
    """Parameters of one underlying, all required."""

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

    MODEL: ClassVar[str] = "span"
    BOUNDS: ClassVar[Mapping[str, tuple[str, str]]] = {
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
    WORDS: ClassVar[Mapping[str, type[Enum]]] = {"vol_shift_kind": VolShift}

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        super().__post_init__()
        if self.extreme_multiple * self.price_scan_range >= 1:
            raise InvalidInput("extreme_multiple", "times price_scan_range must stay below 1")
