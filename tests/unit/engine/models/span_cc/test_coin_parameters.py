"""Parameters of the model `span_cc`: whatever is wrong is named by its dotted name. [SCC-27]"""

from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.coin_parameters import CoinParameters
from margingate_engine.models.span_cc.model import SpanCcModel
from tests.unit.engine.models.span_cc.coins import TABLES, tables

BTC = "underlyings.BTC"
SPREAD = f"{BTC}.calendar_spreads.within 1"


def test_every_parameter_is_told_and_counts() -> None:
    model = SpanCcModel.from_mapping(TABLES)
    items = {(path, name): value for path, name, value in model.parameter_items()}
    assert items["", "account_type"] == "member"
    assert items[f"{BTC}.tiers", "2"] == "8"
    assert items[f"{BTC}.calendar_spreads.2 to 3", "rate"] == "0.01"
    assert items["inter_spreads.coins.legs.SOL", "ratio"] == "2"
    other = SpanCcModel.from_mapping(tables({f"{SPREAD}.rate": Decimal("0.0011")}))
    assert other.parameters_digest != model.parameters_digest
    again = SpanCcModel.from_mapping(dict(reversed(TABLES.items())))
    assert again.parameters_digest == model.parameters_digest


def test_spreads_may_be_absent() -> None:
    changed = tables({"inter_spreads": None, f"{BTC}.calendar_spreads": None})
    assert CoinParameters.from_mapping(changed).underlyings["BTC"].spreads == {}


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("account_type", None, "account_type"),
        ("account_type", "dealer", "account_type"),
        ("account_type", "nan", "account_type"),
        ("account_types.member.initial", Decimal("0.99"), "account_types.member.initial"),
        ("account_types.customer.initial", Decimal("1.2"), "account_types.customer.initial"),
        ("account_types.a.b", {}, "account_types.a.b"),
        ("delta_weights", None, "delta_weights"),
        ("delta_weights.full", Decimal("0.038"), "delta_weights.unchanged"),
        ("delta_weights.unchanged", Decimal("0.25"), "delta_weights.unchanged"),
        ("underlyings", 5, "underlyings"),
        (f"{BTC}.vol_floor_up", None, f"{BTC}.vol_floor_up"),
        (f"{BTC}.basis_rate", Decimal("0.01"), f"{BTC}.basis_rate"),
        (f"{BTC}.price_scan_range", Decimal("0.4"), f"{BTC}.extreme_multiple"),
        (f"{BTC}.extreme_cover", Decimal(0), f"{BTC}.extreme_cover"),
        (f"{BTC}.delivery_days", Decimal("0.5"), f"{BTC}.delivery_days"),
        (f"{BTC}.delivery_outright_rate", Decimal("1.1"), f"{BTC}.delivery_outright_rate"),
        (f"{BTC}.tiers", {}, f"{BTC}.tiers.1"),
        (f"{BTC}.tiers", 5, f"{BTC}.tiers"),
        (f"{BTC}.tiers.1", Decimal(1), f"{BTC}.tiers.1"),
        (f"{BTC}.tiers.3", Decimal(8), f"{BTC}.tiers"),
        (f"{BTC}.tiers.3", Decimal("60.5"), f"{BTC}.tiers.3"),
        (f"{BTC}.tiers.3", Decimal(36_501), f"{BTC}.tiers"),
        (f"{BTC}.tiers.5", Decimal(100), f"{BTC}.tiers.4"),
        (f"{SPREAD}.tier_a", Decimal(4), f"{SPREAD}.tier_a"),
        (f"{SPREAD}.tier_b", Decimal(0), f"{SPREAD}.tier_b"),
        (f"{SPREAD}.rate", Decimal("-0.1"), f"{SPREAD}.rate"),
        (f"{SPREAD}.rate", Decimal("0.0000001"), f"{SPREAD}.rate"),
        (f"{SPREAD}.ratio_a", Decimal(0), f"{SPREAD}.ratio_a"),
        (f"{SPREAD}.method", "per_month", f"{SPREAD}.method"),
        (f"{SPREAD}.priority", Decimal(2), f"{BTC}.calendar_spreads.2 to 3.priority"),
        ("inter_spreads.coins.legs.BTC", None, "inter_spreads.coins.legs"),
        ("inter_spreads.coins.legs.SOL.side", "C", "inter_spreads.coins.legs.SOL.side"),
        (
            "inter_spreads.coins.legs.SOL.credit_rate",
            Decimal("1.1"),
            "inter_spreads.coins.legs.SOL.credit_rate",
        ),
        ("inter_spreads.coins.priority", Decimal("1.5"), "inter_spreads.coins.priority"),
        ("inter_spreads.coins.scanning", True, "inter_spreads.coins.scanning"),
        ("commodities", {}, "commodities"),
    ],
)
def test_what_is_wrong_is_refused_by_its_dotted_name(path: str, value: object, field: str) -> None:
    if path == "account_types.a.b":
        changed = tables({"account_types": {"a.b": {}, **TABLES["account_types"]}})
    else:
        changed = tables({path: value})
    with pytest.raises(InvalidInput) as refused:
        SpanCcModel.from_mapping(changed)
    assert refused.value.field == field


def test_a_weighted_charge_needs_a_price_risk_that_is_bounded() -> None:
    """[SCC-07]"""
    changes = {f"{BTC}.price_risk_method": "normal", f"{SPREAD}.method": "weighted"}
    with pytest.raises(InvalidInput) as refused:
        SpanCcModel.from_mapping(tables(changes))
    assert refused.value.field == f"{SPREAD}.method"
    for method in ("cap", "scanrange"):
        SpanCcModel.from_mapping(tables({**changes, f"{BTC}.price_risk_method": method}))


def test_a_spread_with_an_unknown_coin_and_two_of_one_priority_are_refused() -> None:
    """[SCC-26]"""
    coins = TABLES["inter_spreads"]["coins"]
    with pytest.raises(InvalidInput) as refused:
        SpanCcModel.from_mapping(tables({"inter_spreads.again": coins}))
    assert refused.value.field == "inter_spreads.again.priority"
    with pytest.raises(InvalidInput) as refused:
        SpanCcModel.from_mapping(tables({"underlyings.SOL": None}))
    assert refused.value.field == "inter_spreads.coins.legs.SOL"
