"""Tables of parameters as a file gives them."""

from decimal import Decimal

import numpy as np

from margingate_engine.models.var.parameters import VarParameters
from margingate_engine.models.var.settings import VarSettings

SETTINGS: dict[str, object] = {
    "method": "historical",
    "confidence": Decimal("0.99"),
    "horizon_days": 1,
    "horizon_rule": "overlapping",
    "lookback_days": 250,
    "decay": Decimal("0.97"),
    "ratio_floor": Decimal("0.25"),
    "ratio_cap": Decimal(4),
    "degrees_of_freedom": Decimal(4),
    "seed": 20261121,
    "scenario_count": 1000,
    "look_ahead_days": Decimal(0),
    "estimator": "var",
    "quantile_rule": "ranked",
    "stressed_weight": Decimal(0),
    "floor_days": 0,
    "buffer": Decimal(0),
    "buffer_drawn": Decimal(0),
    "offset_cap": Decimal("0.8"),
    "maintenance_fraction": Decimal("0.8"),
}


def settings(**changes: object) -> VarSettings:
    return VarSettings.from_mapping({**SETTINGS, **changes})


def changes_of(seed: int, days: int, deviation: float) -> list[Decimal]:
    drawn = np.random.default_rng(seed).standard_normal(days) * deviation
    return [Decimal(f"{each:.6f}") for each in drawn]


def underlying(seed: int, days: int = 300, stressed_days: int = 0) -> dict[str, object]:
    return {
        "returns": changes_of(seed, days, 0.03),
        "vol_returns": changes_of(seed + 1, days, 0.05),
        "stressed_returns": changes_of(seed + 2, stressed_days, 0.08),
        "stressed_vol_returns": changes_of(seed + 3, stressed_days, 0.10),
        "basis_rate": Decimal("0.01"),
        "collateral_haircut": Decimal(0),
    }


def tables(
    days: int = 300, stressed_days: int = 0, **changes: object
) -> dict[str, dict[str, object]]:
    return {
        "settings": {**SETTINGS, **changes},
        "BTC": underlying(10, days, stressed_days),
        "ETH": underlying(20, days, stressed_days),
    }


def parameters(days: int = 300, stressed_days: int = 0, **changes: object) -> VarParameters:
    return VarParameters.from_mapping(tables(days, stressed_days, **changes))
