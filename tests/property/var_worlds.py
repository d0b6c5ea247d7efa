"""The chain under `var` with few worlds of every kind, and the same for its slow reference."""

import random
from decimal import Decimal
from functools import cache
from typing import Any

from margingate_engine.models.registry import model
from tests.property.bridge import reference_book
from tests.property.chain import FEES, World, worlds
from tests.reference.var_account import VarBook

BEFORE_EXPIRY, AFTER_EXPIRY = 0, 4

SETTINGS: dict[str, object] = {
    "method": "historical",
    "confidence": Decimal("0.95"),
    "horizon_days": 1,
    "horizon_rule": "overlapping",
    "lookback_days": 40,
    "decay": Decimal("0.94"),
    "ratio_floor": Decimal("0.5"),
    "ratio_cap": Decimal("1.5"),
    "degrees_of_freedom": Decimal(4),
    "seed": 1,
    "scenario_count": 100,
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
CHANGES: dict[str, dict[str, object]] = {
    "ranked": {},
    "shortfall, stressed, buffer, three days": {
        "estimator": "es",
        "confidence": Decimal("0.9612"),
        "horizon_days": 3,
        "stressed_weight": Decimal("0.25"),
        "buffer": Decimal("0.25"),
        "buffer_drawn": Decimal("0.4"),
        "offset_cap": Decimal("0.5"),
        "look_ahead_days": Decimal(1),
    },
    "filtered, interpolated, floor": {
        "method": "filtered",
        "quantile_rule": "interpolated",
        "confidence": Decimal("0.93"),
        "horizon_days": 2,
        "horizon_rule": "square_root",
        "floor_days": 55,
        "maintenance_fraction": Decimal("0.333333"),
    },
    "shortfall, no offset, past an expiry": {
        "estimator": "es",
        "offset_cap": Decimal(0),
        "look_ahead_days": Decimal("9.5"),
    },
}


def _changes(source: random.Random, days: int, deviation: float) -> list[Decimal]:
    return [Decimal(f"{source.gauss(0, deviation):.6f}") for _ in range(days)]


@cache
def _tables(name: str) -> Any:
    source = random.Random(7)
    charges = (("BTC", "0.006", "0"), ("ETH", "0.03", "0.07"))
    return {
        "settings": {**SETTINGS, **CHANGES[name]},
        **{
            coin: {
                "returns": _changes(source, 75, 0.03),
                "vol_returns": _changes(source, 75, 0.06),
                "stressed_returns": _changes(source, 33, 0.08),
                "stressed_vol_returns": _changes(source, 33, 0.1),
                "basis_rate": Decimal(basis_rate),
                "collateral_haircut": Decimal(haircut),
            }
            for coin, basis_rate, haircut in charges
        },
    }


@cache
def var_worlds() -> tuple[World, ...]:
    """One world for every set of settings."""
    return tuple(_world(name) for name in CHANGES)


def _source(name: str) -> World:
    return worlds()[AFTER_EXPIRY if "past" in name else BEFORE_EXPIRY]


def _world(name: str) -> World:
    source, chosen = _source(name).arrays, model("var", _tables(name))
    arrays = chosen.risk_arrays(source.table, source.snapshot)
    return World(name=name, model=chosen, arrays=arrays, fees=FEES)


@cache
def var_reference(name: str) -> VarBook:
    """The reference of the world of that name."""
    book = reference_book(_source(name))
    return VarBook(book.instruments, book.market, _tables(name), book.fees)
