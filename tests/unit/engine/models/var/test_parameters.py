"""Parameters: bounds, names of what is wrong, canonical text."""

from decimal import Decimal
from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.var.parameters import VarParameters, days_needed
from tests.unit.engine.models.var.tables import parameters, settings, tables


def refused(raw: dict[str, dict[str, object]]) -> str:
    with pytest.raises(InvalidInput) as wrong:
        VarParameters.from_mapping(raw)
    return wrong.value.field


@pytest.mark.parametrize(
    ("name", "inside", "outside"),
    [
        ("confidence", ("0.9", "0.995"), ("0.899999", "1")),
        ("horizon_days", ("1", "30"), ("0", "31")),
        ("lookback_days", ("200", "10000"), ("19", "10001")),
        ("decay", ("0.8", "1"), ("0.799999", "1.000001")),
        ("ratio_floor", ("0", "1"), ("-0.1", "1.1")),
        ("ratio_cap", ("1", "100"), ("0.9", "100.1")),
        ("degrees_of_freedom", ("2.1", "100"), ("2", "101")),
        ("seed", ("0", "9007199254740991"), ("-1", "9007199254740992")),
        ("scenario_count", ("100", "100000"), ("99", "100001")),
        ("look_ahead_days", ("0", "10"), ("-0.1", "10.1")),
        ("stressed_weight", ("0", "1"), ("-0.1", "1.1")),
        ("floor_days", ("0", "10000"), ("-1", "10001")),
        ("buffer", ("0", "1"), ("-0.1", "1.1")),
        ("buffer_drawn", ("0", "1"), ("-0.1", "1.1")),
        ("offset_cap", ("0", "0.8"), ("-0.1", "0.800001")),
        ("maintenance_fraction", ("0.000001", "1"), ("0", "1.1")),
    ],
)
def test_every_setting_keeps_to_its_bounds_and_is_named_beyond_them(
    name: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    # 99 % of a short look-back has no tail: the confidence gives way, the bound is what is tested.
    for text in inside:
        at = {"confidence": Decimal("0.9"), "lookback_days": 1000, name: Decimal(text)}
        assert dict(settings(**at).items())[name] == text
    for text in outside:
        with pytest.raises(InvalidInput) as wrong:
            settings(**{name: Decimal(text)})
        assert wrong.value.field == name


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"method": "magic"}, "method"),
        ({"method": ["historical"]}, "method"),
        ({"estimator": "ES"}, "estimator"),
        ({"quantile_rule": ""}, "quantile_rule"),
        ({"horizon_rule": "root"}, "horizon_rule"),
        ({"confidence": True}, "confidence"),
        ({"confidence": Decimal("NaN")}, "confidence"),
        ({"confidence": "many"}, "confidence"),
        ({"confidence": Decimal("0.9900001")}, "confidence"),
        ({"horizon_days": Decimal("1.5")}, "horizon_days"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"lookback_days": 99}, "lookback_days"),
        ({"lookback_days": 100, "horizon_days": 2}, "lookback_days"),
        ({"method": "gaussian", "confidence": "0.999", "scenario_count": 999}, "scenario_count"),
        ({"floor_days": 99}, "floor_days"),
        ({"method": "parametric", "floor_days": 500}, "floor_days"),
        ({"method": "parametric", "stressed_weight": Decimal("0.25")}, "stressed_weight"),
    ],
)
def test_a_setting_that_means_nothing_is_named(changes: dict[str, Any], field: str) -> None:
    assert refused(tables(**changes)) == f"settings.{field}"


def test_whatever_is_missing_is_named() -> None:
    without_settings = tables()
    del without_settings["settings"]
    assert refused(without_settings) == "settings"
    assert refused({"settings": tables()["settings"]}) == "underlyings"
    for table in ("settings", "BTC"):
        for name in tables()[table]:
            raw = tables()
            del raw[table][name]
            assert refused(raw) == f"{table}.{name}"


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("returns", [Decimal("0.1")] * 299, "BTC.vol_returns"),
        ("vol_returns", [Decimal("0.1")] * 301, "BTC.vol_returns"),
        ("stressed_returns", [Decimal("0.1")], "BTC.stressed_vol_returns"),
        ("returns", "0.1", "BTC.returns"),
        ("returns", [Decimal("5.1")] * 300, "BTC.returns[0]"),
        ("returns", [Decimal(0), Decimal("Infinity")], "BTC.returns[1]"),
        ("returns", [Decimal("0.1234567890123")], "BTC.returns[0]"),
        ("returns", [[]], "BTC.returns[0]"),
        ("basis_rate", Decimal(1), "BTC.basis_rate"),
        ("basis_rate", Decimal("0.0000001"), "BTC.basis_rate"),
        ("collateral_haircut", Decimal("-0.1"), "BTC.collateral_haircut"),
        ("beta", 1, "BTC.beta"),
    ],
)
def test_a_table_of_an_underlying_that_means_nothing_is_named(
    name: str, value: object, field: str
) -> None:
    """[VAR-01]"""
    raw = tables()
    raw["BTC"][name] = value
    assert refused(raw) == field


def test_underlyings_have_the_same_dates() -> None:
    """[VAR-01]"""
    raw = tables()
    raw["ETH"]["returns"] = raw["ETH"]["returns"][1:]  # type: ignore[index]
    raw["ETH"]["vol_returns"] = raw["ETH"]["vol_returns"][1:]  # type: ignore[index]
    assert refused(raw) == "ETH.returns"
    raw = tables(stressed_days=120)
    raw["ETH"]["stressed_returns"] = raw["ETH"]["stressed_vol_returns"] = []
    assert refused(raw) == "ETH.stressed_returns"


def test_histories_reach_back_as_far_as_the_settings_look() -> None:
    """[VAR-01]"""
    assert refused(tables(days=249)) == "BTC.returns"
    assert parameters(days=250).history().spot_tu.shape == (250, 2)
    assert days_needed(settings(method="filtered")) == 280
    assert refused(tables(days=279, method="filtered")) == "BTC.returns"
    assert refused(tables(days=300, floor_days=301)) == "BTC.returns"
    assert refused(tables(stressed_weight=Decimal("0.25"))) == "BTC.stressed_returns"
    assert refused(tables(stressed_days=99, stressed_weight="0.25")) == "BTC.stressed_returns"


def test_the_digest_knows_every_number_and_no_order() -> None:
    raw = tables(stressed_days=120)
    digest = VarParameters.from_mapping(raw).digest()
    turned = {name: dict(reversed(raw[name].items())) for name in reversed(raw)}
    assert VarParameters.from_mapping(turned).digest() == digest
    raw["ETH"]["stressed_returns"][-1] += Decimal("0.000001")  # type: ignore[index]
    assert VarParameters.from_mapping(raw).digest() != digest


def test_numbers_have_one_text_however_they_were_written() -> None:
    plain, padded = parameters(), parameters(confidence="0.9900", seed=Decimal("20261121.0"))
    assert plain.items() == padded.items()
    rows = {(table, name): value for table, name, value in plain.items()}
    assert rows["settings", "offset_cap"] == "0.8"
    assert rows["settings", "floor_days"] == "0"
    assert len(rows["BTC", "returns"].split()) == 300
    assert rows["BTC", "stressed_returns"] == "[]"


def test_canonical_text_makes_the_same_parameters_again() -> None:
    plain = parameters(stressed_days=120)
    raw: dict[str, dict[str, object]] = {"settings": {}, "BTC": {}, "ETH": {}}
    for table, name, value in plain.items():
        raw[table][name] = value
    assert VarParameters.from_mapping(raw) == plain
