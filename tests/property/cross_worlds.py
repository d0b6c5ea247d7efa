"""The chain under `cross` and `isolated`, and the same for their slow reference."""

from decimal import Decimal
from functools import cache

from margingate_engine.models.registry import model
from tests.property.bridge import reference_book
from tests.property.chain import FEES, World, worlds
from tests.reference.cross import CrossBook, Ratios

STANDARD: dict[str, object] = {
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
STEEP: dict[str, object] = {
    **STANDARD,
    "put_maintenance_of_mark": Decimal("0.9"),
    "future_initial_slope": Decimal("0.5"),
    "future_maintenance_slope": Decimal("0.4"),
    "collateral_haircut": Decimal("0.08"),
}
TABLES = {"standard": STANDARD, "steep, haircut": STEEP, "after the first expiry": STEEP}
BEFORE_EXPIRY, AFTER_EXPIRY = 0, 4


@cache
def cross_worlds(name: str = "cross") -> tuple[World, ...]:
    """The chain with a venue's figures, with extreme ones, and past an expiry."""
    return tuple(_world(name, each) for each in TABLES)


def _world(name: str, key: str) -> World:
    source = worlds()[AFTER_EXPIRY if "expiry" in key else BEFORE_EXPIRY].arrays
    chosen = model(name, dict.fromkeys(("BTC", "ETH"), TABLES[key]))
    arrays = chosen.risk_arrays(source.table, source.snapshot)
    return World(name=key, model=chosen, arrays=arrays, fees=FEES)


@cache
def cross_reference(key: str) -> CrossBook:
    """The reference of the world of that name."""
    book = reference_book(worlds()[AFTER_EXPIRY if "expiry" in key else BEFORE_EXPIRY])
    ratios = dict.fromkeys(("BTC", "ETH"), Ratios.of(TABLES[key]))
    return CrossBook(book.instruments, book.market, ratios, book.fees)
