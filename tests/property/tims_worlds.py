"""The chain under `tims` with every kind of tree, and the same for its slow reference."""

from copy import deepcopy
from decimal import Decimal
from functools import cache
from typing import Any

from margingate_engine.models.registry import model
from tests.property.bridge import reference_book
from tests.property.chain import FEES, World, worlds
from tests.property.model_worlds import TIMS
from tests.reference.tims_account import TimsBook

BEFORE_EXPIRY, AFTER_EXPIRY = 0, 4


def _tables(name: str) -> Any:
    tables: Any = deepcopy(TIMS)
    bitcoin, ether = tables["underlyings"]["BTC"], tables["underlyings"]["ETH"]
    match name:
        case "one product group, offset in part":
            pass
        case "one class group":
            ether["class_group"] = "bitcoin"
            del tables["class_groups"]["ether"]
        case "offset in part, no charges":
            for each in (bitcoin, ether):
                each.update(basis_rate=Decimal(0), contract_minimum=Decimal(0))
        case "offsets whole, minimums alone":
            tables["product_groups"]["coins"]["offset"] = Decimal(1)
            tables["portfolio_groups"]["crypto"]["offset"] = Decimal(1)
            bitcoin.update(basis_rate=Decimal(0), contract_minimum=Decimal(20_000))
        case "two product groups":
            tables["class_groups"]["ether"]["product_group"] = "second"
            tables["product_groups"]["second"] = {
                "portfolio_group": "crypto",
                "offset": Decimal(1),
            }
            tables["portfolio_groups"]["crypto"]["offset"] = Decimal("0.9")
        case "two product groups, past an expiry":
            tables["class_groups"]["ether"]["product_group"] = "second"
            tables["product_groups"]["second"] = {
                "portfolio_group": "crypto",
                "offset": Decimal("0.25"),
            }
            bitcoin.update(collateral_haircut=Decimal("0.05"), contract_minimum=Decimal(8_000))
            ether.update(basis_rate=Decimal("0.05"), contract_minimum=Decimal("0.1"))
        case "two portfolio groups, large minimums":
            tables["class_groups"]["ether"]["product_group"] = "second"
            tables["product_groups"]["second"] = {"portfolio_group": "apart", "offset": Decimal(0)}
            tables["portfolio_groups"]["apart"] = {"offset": Decimal(0)}
            bitcoin.update(contract_minimum=Decimal(9_000), basis_rate=Decimal(0))
            ether.update(contract_minimum=Decimal("0.123456"))
            tables["maintenance_fraction"] = Decimal("0.333333")
    return tables


NAMES = (
    "one product group, offset in part",
    "one class group",
    "offset in part, no charges",
    "offsets whole, minimums alone",
    "two product groups",
    "two product groups, past an expiry",
    "two portfolio groups, large minimums",
)


@cache
def tims_worlds() -> tuple[World, ...]:
    """One world for every way in which two underlyings may belong together."""
    return tuple(_world(name) for name in NAMES)


def _source(name: str) -> World:
    return worlds()[AFTER_EXPIRY if "past" in name else BEFORE_EXPIRY]


def _world(name: str) -> World:
    source, chosen = _source(name).arrays, model("tims", _tables(name))
    arrays = chosen.risk_arrays(source.table, source.snapshot)
    return World(name=name, model=chosen, arrays=arrays, fees=FEES)


@cache
def tims_reference(name: str) -> TimsBook:
    """The reference of the world of that name."""
    book = reference_book(_source(name))
    return TimsBook(book.instruments, book.market, _tables(name), book.fees)
