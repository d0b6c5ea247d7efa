"""The hand-made market under a venue's standard ratios."""

from collections.abc import Mapping
from decimal import Decimal

from margingate_engine.models.registry import model
from tests.unit.engine.small_market import SmallMarket, small_market

STANDARD: Mapping[str, object] = {
    "short_initial": Decimal("0.15"),
    "short_initial_minimum": Decimal("0.1"),
    "short_maintenance": Decimal("0.075"),
    "put_maintenance_of_mark": Decimal("0.075"),
    "future_initial": Decimal("0.02"),
    "future_initial_slope": Decimal("0.00005"),
    "future_maintenance": Decimal("0.01"),
    "future_maintenance_slope": Decimal("0.00005"),
    "collateral_haircut": Decimal(0),
}


def standard_market(
    name: str = "cross",
    *,
    marks: Mapping[str, float] | None = None,
    index: float = 100_000.0,
    market_time_ns: int = 0,
    **parameters: object,
) -> SmallMarket:
    """The market by the model of that name, with changes of its parameters."""
    plain = small_market(marks=marks, index=index, market_time_ns=market_time_ns)
    chosen = model(name, {"BTC": {**STANDARD, **parameters}})
    arrays = chosen.risk_arrays(plain.table, plain.arrays.snapshot)
    return SmallMarket(arrays=arrays, fees=plain.fees)
