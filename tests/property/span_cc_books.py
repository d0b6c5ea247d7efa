"""Random SPAN files, books and orders, as plain tables and as the engine's own types."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

import numpy as np

from margingate_engine.models.span_cc.parameters import SpanCcParameters
from margingate_engine.models.span_cc.totals import CommodityTotals, ContractRisk, Right
from tests.unit.engine.models.span_cc.file_tables import from_tables

MICRO, NANO = 10**6, 10**9
CODES = ("C", "S", "W")
PERIODS = (20260300, 20260400, 20260600, 20260900, 20261200)
Table = dict[str, Any]
Positions = dict[str, list[tuple[int, int]]]
"""Per code: number of the contract, signed lots."""


@dataclass(frozen=True)
class World:
    """tables: as of a file. contracts: per code what one lot does, as plain tables."""

    tables: Table
    contracts: dict[str, list[Table]]

    @property
    def parameters(self) -> SpanCcParameters:
        return from_tables(self.tables)

    def risk(self, code: str, number: int) -> ContractRisk:
        raw = self.contracts[code][number]
        return ContractRisk(
            loss_s=np.array([loss * MICRO for loss in raw["loss"]], dtype=np.int64),
            delta_nano=int(raw["delta"] * NANO),
            period=raw["period"],
            right=Right(raw["right"]) if raw["right"] else None,
            minimum_period=raw["period"],
            option_value=raw["value"] * MICRO,
        )

    def totals(self, held: Positions) -> dict[str, CommodityTotals]:
        return {
            code: CommodityTotals.of(
                (self.risk(code, number), lots) for number, lots in positions if lots
            )
            for code, positions in held.items()
            if any(lots for _, lots in positions)
        }

    def plain(self, held: Positions) -> dict[str, list[Table]]:
        return {
            code: [{**self.contracts[code][n], "lots": lots} for n, lots in positions if lots]
            for code, positions in held.items()
            if any(lots for _, lots in positions)
        }


def world(random: Random) -> World:
    commodities = [commodity(random, code) for code in CODES]
    return World(
        tables={"commodities": commodities, "inter_spreads": inter_spreads(random)},
        contracts={code: contracts(random) for code in CODES},
    )


def commodity(random: Random, code: str) -> Table:
    return {
        "code": code,
        "currency": "USD",
        "price_risk_method": random.choice(["normal", "cap", "scanrange", "cap"]),
        "price_scan_range": Decimal(random.randint(100, 1_000)),
        "minimum_method": random.choice(["gross", "max"]),
        "minimum_rates": [
            {"first": 0, "last": 20260500, "rate": Decimal(random.randint(0, 300))},
            {"first": 20260501, "last": 99991299, "rate": Decimal(random.randint(0, 300))},
        ],
        "caps_option_value": random.random() < 0.5,
        "net_is_floored": False,
        "tiers": [
            {"number": 1, "first": 20260300, "last": 20260399},
            {"number": 2, "first": 20260400, "last": 20260699},
            {"number": 3, "first": 20260700, "last": 20261299},
        ],
        "spreads": [],
        "spot_rates": [
            {
                "period": period,
                "spread_rate": random.randint(0, 40),
                "outright_rate": random.randint(0, 40),
            }
            for period in random.sample(PERIODS, random.randint(0, 2))
        ],
        "account_ratios": [],
    }


def with_spreads(random: Random, tables: Table) -> None:
    """Put calendar spreads into every commodity."""
    for each in tables["commodities"]:
        each["spreads"] = [
            calendar_spread(random, each["price_risk_method"]) for _ in range(random.randint(0, 5))
        ]


def calendar_spread(random: Random, risk_method: str) -> Table:
    method = random.choice(["flat", "flat", "per_month", "weighted"])
    if method == "weighted" and risk_method == "normal":
        method = "flat"
    is_series = method == "per_month" or random.random() < 0.3
    places = random.sample(PERIODS if is_series else (1, 2, 3), random.choice([2, 2, 3]))
    sides = random.choice(["ABA", "ABB", "BAA"])
    rate = Decimal(random.randint(0, 100)) / (100 if method == "weighted" else 1)
    return {
        "priority": random.randint(1, 6),
        "method": method,
        "rate": rate,
        "legs": [
            {
                "period" if is_series else "tier": place,
                "ratio": Decimal(random.choice([1, 1, 1, 2, 3])),
                "side": side,
            }
            for place, side in zip(places, sides, strict=False)
        ],
    }


def inter_spreads(random: Random) -> list[Table]:
    found = []
    for priority in range(random.randint(0, 4)):
        codes = random.sample(CODES, random.choice([2, 2, 3]))
        rate = Decimal(random.randint(0, 100)) / 100
        legs = [
            {
                "commodity": code,
                "ratio": Decimal(random.choice([1, 1, 2, 3])),
                "side": random.choice("AB"),
                "credit_rate": rate,
                "is_required": random.random() < 0.3,
            }
            for code in codes
        ]
        spread: Table = {
            "priority": priority,
            "method": "delta",
            "legs": legs,
            "legs_min": len(legs),
        }
        if random.random() < 0.3:
            target = random.choice(legs)
            spread |= {"method": "scanning", "legs_min": 2}
            spread |= {"target": target["commodity"], "target_ratio": target["ratio"]}
        found.append(spread)
    return found


def contracts(random: Random) -> list[Table]:
    made = []
    for period in PERIODS:
        scan_range = random.randint(2, 300) * 3
        thirds = (0, 0, 1, 1, -1, -1, 2, 2, -2, -2, 3, 3, -3, -3, 2, -2)
        made.append(
            {
                "loss": [-third * scan_range // 3 for third in thirds],
                "delta": Decimal(1),
                "period": period,
                "right": "",
                "value": 0,
            }
        )
        made.append(
            {
                "loss": [random.randint(-400, 400) for _ in range(16)],
                "delta": Decimal(random.randint(-10_000, 10_000)) / 10_000,
                "period": period,
                "right": random.choice("CP"),
                "value": random.randint(0, 500),
            }
        )
    return made


def book(random: Random) -> Positions:
    return {
        code: [
            (number, random.choice([-1, 1]) * random.randint(1, 4))
            for number in random.sample(range(10), random.randint(0, 4))
        ]
        for code in CODES
    }
