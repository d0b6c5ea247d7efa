"""The model `span_cc` on the hand-made market: BTC at 100,000, SOL at 150, vols of nearly zero."""

from collections.abc import Mapping
from copy import deepcopy
from decimal import Decimal
from typing import Any

from margingate_engine.models.span_cc.model import SpanCcModel
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.risk_arrays import RiskArrays
from tests.property.span_cc_tables import calendar
from tests.unit.engine.small_market import NO_FEES, SmallMarket, small_market

BTC: dict[str, object] = {
    "price_scan_range": Decimal("0.15"),
    "vol_shift_kind": "relative",
    "vol_scan_range": Decimal("0.45"),
    "vol_tenor_power": Decimal("0.3"),
    "vol_tenor_floor_days": Decimal(7),
    "vol_floor_up": Decimal(0),
    "extreme_multiple": Decimal(3),
    "extreme_cover": Decimal("0.33"),
    "look_ahead_days": Decimal(0),
    "short_option_minimum": Decimal("0.01"),
    "collateral_haircut": Decimal(0),
    "price_risk_method": "cap",
    "delivery_days": Decimal(0),
    "delivery_spread_rate": Decimal("0.002"),
    "delivery_outright_rate": Decimal("0.01"),
    "tiers": {"1": Decimal(0), "2": Decimal(8), "3": Decimal(60)},
    "calendar_spreads": {
        "within 1": calendar(1, "0.001", (1, 1)),
        "2 to 3": calendar(2, "0.01", (2, 3)),
    },
}
TABLES: dict[str, Any] = {
    "account_type": "member",
    "account_types": {
        "member": {"maintenance": Decimal(1), "initial": Decimal(1)},
        "customer": {"maintenance": Decimal("0.8"), "initial": Decimal("1.3")},
    },
    "delta_weights": {
        "unchanged": Decimal("0.27"),
        "third": Decimal("0.217"),
        "two_thirds": Decimal("0.111"),
        "full": Decimal("0.037"),
    },
    "underlyings": {"BTC": BTC, "SOL": BTC},
    "inter_spreads": {
        "coins": {
            "priority": Decimal(1),
            "legs": {
                "BTC": {"side": "A", "ratio": Decimal(1), "credit_rate": Decimal("0.6")},
                "SOL": {"side": "B", "ratio": Decimal(2), "credit_rate": Decimal("0.5")},
            },
        },
    },
}


def tables(changes: Mapping[str, object] | None = None) -> dict[str, Any]:
    """The tables with other values by dotted path; None takes a name away."""
    changed = deepcopy(TABLES)
    for path, value in (changes or {}).items():
        table: dict[str, Any] = changed
        *parts, name = path.split(".")
        for part in parts:
            table = table[part]
        if value is None:
            del table[name]
        else:
            table[name] = value
    return changed


def coins(
    changes: Mapping[str, object] | None = None, *, market_time_ns: int = 0, fees: FeeTier = NO_FEES
) -> SmallMarket:
    """The market under the model, with other parameters by dotted path."""
    span: RiskArrays = small_market(market_time_ns=market_time_ns).arrays
    model = SpanCcModel.from_mapping(tables(changes))
    return SmallMarket(arrays=model.risk_arrays(span.table, span.snapshot), fees=fees)
