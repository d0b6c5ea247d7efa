"""Parameters are refused by the dotted name of what is wrong with them."""

from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from tests.unit.engine.models.span_cc.file_tables import from_tables

TABLES: dict[str, Any] = {
    "commodities": [
        {
            "code": "ES",
            "currency": "USD",
            "price_risk_method": "cap",
            "price_scan_range": Decimal(6000),
            "minimum_method": "gross",
            "minimum_rates": [{"first": 0, "last": 99991299, "rate": 50}],
            "caps_option_value": True,
            "net_is_floored": False,
            "tiers": [
                {"number": 1, "first": 20260300, "last": 20260399},
                {"number": 2, "first": 20260400, "last": 20261299},
            ],
            "spreads": [
                {
                    "priority": 1,
                    "method": "flat",
                    "rate": Decimal("12.50"),
                    "legs": [
                        {"tier": 1, "ratio": 1, "side": "A"},
                        {"tier": 2, "ratio": 1, "side": "B"},
                    ],
                }
            ],
            "spot_rates": [{"period": 20260300, "spread_rate": 1, "outright_rate": 2}],
            "account_ratios": [
                {"account_type": "member", "maintenance": 1, "initial": Decimal("1.1")}
            ],
        },
        {
            "code": "NQ",
            "currency": "USD",
            "price_risk_method": "normal",
            "price_scan_range": 0,
            "minimum_method": "max",
            "minimum_rates": [],
            "caps_option_value": False,
            "net_is_floored": True,
            "tiers": [],
            "spreads": [],
            "spot_rates": [],
            "account_ratios": [],
        },
    ],
    "inter_spreads": [
        {
            "priority": 1,
            "method": "delta",
            "legs": [
                {
                    "commodity": "ES",
                    "ratio": 2,
                    "side": "A",
                    "credit_rate": Decimal("0.8"),
                    "is_required": True,
                },
                {
                    "commodity": "NQ",
                    "ratio": 1,
                    "side": "B",
                    "credit_rate": Decimal("0.8"),
                    "is_required": True,
                },
            ],
            "legs_min": 2,
        },
        {
            "priority": 2,
            "method": "scanning",
            "legs": [
                {
                    "commodity": "ES",
                    "ratio": 2,
                    "side": "A",
                    "credit_rate": 1,
                    "is_required": False,
                },
                {"commodity": "NQ", "ratio": 1, "side": "A", "credit_rate": 1, "is_required": True},
            ],
            "target": "NQ",
            "target_ratio": 1,
            "legs_min": 2,
        },
    ],
}

Change = tuple[str, Any]


def changed(path: str, value: object) -> dict[str, Any]:
    """The tables with what stands at a dotted path replaced."""
    tables = deepcopy(TABLES)
    *way, last = path.replace("[", ".").replace("]", "").split(".")
    part: Any = tables
    for step in way:
        part = part[int(step)] if step.isdigit() else part[step]
    if last.isdigit():
        part[int(last)] = value
    else:
        part[last] = value
    return tables


def test_tables_that_are_right_are_read_and_told_again() -> None:
    items = dict(from_tables(TABLES).items())
    assert items["commodities[0].spreads[0].rate"] == "12.5"
    assert items["commodities[0].tiers[1].last"] == "20261299"
    assert items["commodities[1].minimum_method"] == "max"
    assert items["inter_spreads[1].target"] == "NQ"


def test_the_order_of_commodities_and_spreads_changes_no_item() -> None:
    turned = {name: list(reversed(entries)) for name, entries in TABLES.items()}
    assert from_tables(turned).items() == from_tables(TABLES).items()


@pytest.mark.parametrize("name", ["tier", "period"])
def test_a_leg_is_in_a_tier_or_in_a_period(name: str) -> None:
    leg = {"ratio": 1, "side": "A", "tier": 1, "period": 20260300}
    del leg[name]
    assert from_tables(changed("commodities[0].spreads[0].legs[0]", leg))
    with pytest.raises(InvalidInput) as wrong:
        from_tables(changed("commodities[0].spreads[0].legs[0].tier", None))
    assert wrong.value.field == "commodities[0].spreads[0].legs[0].tier"


ES, LEG, INTER = "commodities[0]", "commodities[0].spreads[0].legs[1]", "inter_spreads[0].legs[1]"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("commodities[0].code", "NQ", "commodities"),
        ("commodities[0].price_scan_range", Decimal(-1), "commodities[0].price_scan_range"),
        ("commodities[0].price_scan_range", Decimal("NaN"), "commodities[0].price_scan_range"),
        ("commodities[0].price_scan_range", Decimal("1e-10"), "commodities[0].price_scan_range"),
        ("commodities[0].tiers[0].first", 20261300, "commodities[0].tiers[0].first"),
        ("commodities[0].tiers[0].last", 20260200, "commodities[0].tiers[0].last"),
        ("commodities[0].tiers[0].last", 20260400, "commodities[0].tiers"),
        ("commodities[0].tiers[0].number", 2, "commodities[0].tiers"),
        ("commodities[0].spreads[0].rate", -1, "commodities[0].spreads[0].rate"),
        ("commodities[0].spreads[0].legs", [], "commodities[0].spreads[0].legs"),
        ("commodities[0].spreads[0].legs[1].side", "A", "commodities[0].spreads[0].legs"),
        ("commodities[0].spreads[0].legs[1].ratio", 0, "commodities[0].spreads[0].legs[1].ratio"),
        ("commodities[0].spreads[0].legs[1].tier", 9, "commodities[0].spreads[0].legs[1].tier"),
        (f"{LEG}.period", 20260400, f"{LEG}.tier"),
        ("commodities[0].spreads[0].method", "per_month", "commodities[0].spreads[0].method"),
        (f"{ES}.spot_rates[0].outright_rate", -1, f"{ES}.spot_rates[0].outright_rate"),
        ("commodities[0].minimum_rates[0].rate", -1, "commodities[0].minimum_rates[0].rate"),
        ("commodities[0].minimum_rates[0].last", -1, "commodities[0].minimum_rates[0].last"),
        (f"{ES}.account_ratios[0].initial", Decimal("0.99"), f"{ES}.account_ratios[0].initial"),
        (f"{ES}.account_ratios[0].maintenance", 0, f"{ES}.account_ratios[0].maintenance"),
        ("inter_spreads[0].legs[1].commodity", "YM", "inter_spreads[0].legs"),
        ("inter_spreads[0].legs[1].commodity", "ES", "inter_spreads[0].legs"),
        (f"{INTER}.credit_rate", Decimal("1.01"), f"{INTER}.credit_rate"),
        ("inter_spreads[0].priority", 2, "inter_spreads"),
        ("inter_spreads[0].legs_min", 1, "inter_spreads[0].legs_min"),
        ("inter_spreads[0].target", "ES", "inter_spreads[0].target"),
        ("inter_spreads[1].target", "YM", "inter_spreads[1].target"),
        ("inter_spreads[1].legs_min", 3, "inter_spreads[1].legs_min"),
        ("inter_spreads[1].legs_min", 1, "inter_spreads[1].legs_min"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(path: str, value: object, field: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        from_tables(changed(path, value))
    assert wrong.value.field == field


def test_a_charge_of_price_risk_needs_one_that_is_bounded() -> None:
    """[SCC-07]"""
    tables = changed("commodities[0].spreads[0].method", "weighted")
    assert from_tables(tables)
    tables["commodities"][0]["price_risk_method"] = "normal"
    with pytest.raises(InvalidInput) as wrong:
        from_tables(tables)
    assert wrong.value.field == "commodities[0].spreads[0].method"


def test_legs_of_one_side_may_share_a_tier_but_no_part_of_one() -> None:
    """[SCC-07]"""
    tables = deepcopy(TABLES)
    legs = tables["commodities"][0]["spreads"][0]["legs"]
    legs.append({"tier": 2, "ratio": 1, "side": "B"})
    assert from_tables(tables)
    legs.append({"period": 20260600, "ratio": 1, "side": "B"})
    with pytest.raises(InvalidInput) as wrong:
        from_tables(tables)
    assert wrong.value.field == "commodities[0].spreads[0].legs"
