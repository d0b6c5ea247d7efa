"""Limits of market data from TOML: every mistake is named."""

from decimal import Decimal
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.quality import parse_quality
from margingate_server.files.toml_tables import Tables, read_tables

BUILT_IN: Tables = read_tables(None, "quality.toml")


def changed(**limits: object) -> Tables:
    return {"default": {**BUILT_IN["default"], **limits}}


def test_what_is_built_in_is_whole_units_of_the_engine() -> None:
    limits = parse_quality(BUILT_IN).otherwise
    assert limits.index_jump_ppm == 50_000
    assert limits.jump_ns == 60 * 10**9
    assert limits.confirmations == 2
    assert limits.vol_max_ppm == 6_000_000
    assert limits.mark_gap_ppm == 2_000


def test_an_underlying_changes_what_it_names_and_has_the_rest_of_all() -> None:
    parameters = parse_quality({**BUILT_IN, "SOL": {"index_jump": Decimal("0.1")}})
    assert parameters.by_underlying["SOL"].index_jump_ppm == 100_000
    assert parameters.by_underlying["SOL"].confirm_ns == parameters.otherwise.confirm_ns
    assert parameters.otherwise.index_jump_ppm == 50_000
    assert list(parameters.by_underlying) == ["USDC", "USDT", "SOL"]


@pytest.mark.parametrize("coin", ["USDC", "USDT"])
def test_no_single_message_takes_a_dollar_coin_from_its_peg_to_below_the_built_in_threshold(
    coin: str,
) -> None:
    terms = read_tables(None, "collateral.toml")[coin]
    limits = parse_quality(BUILT_IN).by_underlying[coin]
    assert limits.is_dollar_coin
    threshold = terms["peg_threshold"]
    assert isinstance(threshold, Decimal)
    assert limits.index_jump_ppm < (1 - threshold) * 10**6 / 2


@pytest.mark.parametrize(
    ("tables", "field", "problem"),
    [
        ({}, "quality.default", "is missing"),
        ({"default": {}}, "quality.default.agree", "is missing"),
        (changed(speed=1), "quality.default.speed", "is no limit of market data"),
        (changed(agree="0.1"), "quality.default.agree", "must be a number"),
        (changed(agree=True), "quality.default.agree", "must be a number"),
        (changed(agree=Decimal("NaN")), "quality.default.agree", "must lie in [0.000001, 1]"),
        (changed(agree=Decimal("1.1")), "quality.default.agree", "must lie in [0.000001, 1]"),
        (changed(agree=Decimal("1e-7")), "quality.default.agree", "must lie in [0.000001, 1]"),
        (
            changed(agree=Decimal("0.1234567")),
            "quality.default.agree",
            "has too many decimal places",
        ),
        (changed(confirmations=0), "quality.default.confirmations", "must lie in [1, 100]"),
        (
            changed(confirm_seconds=3_601),
            "quality.default.confirm_seconds",
            "must lie in [0, 3600]",
        ),
        (
            changed(vol_min=Decimal("6.1")),
            "quality.default.vol_min",
            "must not be above vol_max",
        ),
        (
            {**BUILT_IN, "ETH": {"kept_seconds": 0}},
            "quality.ETH.kept_seconds",
            "must lie in [0.001, 3600]",
        ),
    ],
)
def test_a_mistake_is_named(tables: Tables, field: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as error:
        parse_quality(tables)
    assert (error.value.field, error.value.problem) == (field, problem)


def test_a_file_takes_the_place_of_what_is_built_in(tmp_path: Path) -> None:
    lines = [
        f"{key} = {0.04 if key == 'index_jump' else value}"
        for key, value in BUILT_IN["default"].items()
    ]
    path = tmp_path / "quality.toml"
    path.write_text("\n".join(["[default]", *lines]))
    assert parse_quality(read_tables(path, "quality.toml")).otherwise.index_jump_ppm == 40_000
