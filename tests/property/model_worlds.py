"""The synthetic chain under every model but `span`, which has worlds of its own."""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

from margingate_engine.models.registry import model
from tests.property.chain import FEES, World, chain
from tests.property.span_cc_tables import TABLES as SPAN_CC
from tests.unit.engine.models.var.tables import tables

CROSS: dict[str, object] = {
    "short_initial": Decimal("0.15"),
    "short_initial_minimum": Decimal("0.1"),
    "short_maintenance": Decimal("0.075"),
    "put_maintenance_of_mark": Decimal("0.075"),
    "future_initial": Decimal("0.02"),
    "future_initial_slope": Decimal("0.00005"),
    "future_maintenance": Decimal("0.01"),
    "future_maintenance_slope": Decimal("0.00005"),
    "collateral_haircut": Decimal("0.05"),
}

TIMS: dict[str, object] = {
    "underlyings": {
        "BTC": {
            "class_group": "bitcoin",
            "contract_minimum_kind": "usd",
            "contract_minimum": Decimal(25),
            "basis_rate": Decimal("0.006"),
            "collateral_haircut": Decimal(0),
        },
        "ETH": {
            "class_group": "ether",
            "contract_minimum_kind": "relative",
            "contract_minimum": Decimal("0.002"),
            "basis_rate": Decimal(0),
            "collateral_haircut": Decimal("0.07"),
        },
    },
    "class_groups": {
        "bitcoin": {
            "product_group": "coins",
            "range_down": Decimal("0.15"),
            "range_up": Decimal("0.2"),
        },
        "ether": {
            "product_group": "coins",
            "range_down": Decimal("0.18"),
            "range_up": Decimal("0.24"),
        },
    },
    "product_groups": {"coins": {"portfolio_group": "crypto", "offset": Decimal("0.6")}},
    "portfolio_groups": {"crypto": {"offset": Decimal("0.3")}},
    "maintenance_fraction": Decimal("0.8"),
}

STRATEGY: dict[str, object] = {
    "option_initial_ratio": Decimal("0.15"),
    "option_initial_minimum_ratio": Decimal("0.1"),
    "option_maintenance_ratio": Decimal("0.12"),
    "option_maintenance_minimum_ratio": Decimal("0.075"),
    "leverage": Decimal(1),
    "spot_initial_ratio": Decimal("0.2"),
    "spot_maintenance_ratio": Decimal("0.1"),
    "short_spot_initial_ratio": Decimal("0.25"),
    "short_spot_maintenance_ratio": Decimal("0.15"),
    "short_spot_minimum": Decimal(0),
    "hedged_strike_ratio": Decimal("0.05"),
    "future_initial_ratio": Decimal("0.02"),
    "future_maintenance_ratio": Decimal("0.01"),
    "long_term_ratio": Decimal(1),
    "box_ratio": Decimal("0.5"),
    "exercise": "european",
    "secured_call": "underlying",
    "house_rules": [{"strategy": "conversion", "basis": "short_itm", "ratio": Decimal("0.5")}],
}

PARAMETERS: dict[str, Mapping[str, object]] = {
    "cross": {"BTC": CROSS, "ETH": {**CROSS, "collateral_haircut": Decimal(0)}},
    "isolated": {"BTC": CROSS, "ETH": {**CROSS, "collateral_haircut": Decimal(0)}},
    "span_cc": SPAN_CC,
    "span_cc dear": {**SPAN_CC, "account_type": "dear"},
    "strategy": {"BTC": STRATEGY, "ETH": {**STRATEGY, "house_rules": []}},
    "tims": TIMS,
    "var": tables(stressed_days=120, estimator="es", stressed_weight=Decimal("0.25")),
    "var parametric": tables(method="parametric", estimator="es"),
    "var ranked": tables(
        floor_days=200, buffer=Decimal("0.25"), buffer_drawn=Decimal("0.4"), lookback_days=200
    ),
}
"""By name of a model, with what else it is told apart by."""


@cache
def model_world(name: str) -> World:
    """The chain under one of the sets of parameters."""
    table, snapshot = chain()
    made = model(name.split(maxsplit=1)[0], PARAMETERS[name])
    return World(name=name, model=made, arrays=made.risk_arrays(table, snapshot), fees=FEES)
