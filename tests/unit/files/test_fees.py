"""The fee schedule from a file."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_server.files.fees import parse_fees
from margingate_server.files.toml_tables import read_tables


def table(**changes: object) -> dict[str, Any]:
    rate = {"maker": Decimal("-0.0001"), "taker": Decimal("0.0005")}
    usual: dict[str, Any] = {kind.value: dict(rate) for kind in InstrumentKind}
    usual["option"]["cap"] = Decimal("0.125")
    return {**usual, **changes}


def refusal(tables: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(InvalidInput) as refused:
        parse_fees(tables)
    return refused.value.field, refused.value.problem


def test_rates_are_read_exactly_by_tier_and_kind() -> None:
    tiers = parse_fees({"default": table(), "vip": table(spot={"maker": 0, "taker": 0})})
    option = tiers["default"][InstrumentKind.OPTION]
    assert (option.maker_ppm, option.taker_ppm, option.cap_ppm) == (-100, 500, 125_000)
    assert tiers["default"][InstrumentKind.FUTURE].cap_ppm is None
    assert tiers["vip"][InstrumentKind.SPOT].taker_ppm == 0


def test_the_built_in_schedule_is_one() -> None:
    tiers = parse_fees(read_tables(None, "fees.toml"))
    assert "default" in tiers
    assert tiers["default"][InstrumentKind.OPTION].taker_ppm == 300


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"swap": {}}, "default.swap"),
        ({"spot": 5}, "default.spot"),
        ({"spot": {"maker": 0}}, "default.spot"),
        ({"spot": {"maker": 0, "taker": 0, "cap": 0}}, "default.spot"),
        ({"spot": {"maker": 0, "taker": "0"}}, "default.spot: default.spot.taker"),
        ({"spot": {"maker": True, "taker": 0}}, "default.spot: default.spot.maker"),
        (
            {"spot": {"maker": Decimal("0.0000001"), "taker": 0}},
            "default.spot: default.spot.maker",
        ),
        ({"spot": {"maker": Decimal("0.2"), "taker": 0}}, "default.spot: fee"),
        (
            {"option": {"maker": 0, "taker": 0, "cap": 2}},
            "default.option: fee cap",
        ),
    ],
)
def test_a_wrong_rate_is_named(changes: dict[str, object], field: str) -> None:
    assert refusal({"default": table(**changes)})[0] == field


@pytest.mark.parametrize("odd", ["nan", "inf"])
def test_a_rate_must_be_a_number(odd: str) -> None:
    rate = {"maker": Decimal(odd), "taker": 0}
    assert refusal({"default": table(spot=rate)})[0] == "default.spot: default.spot.maker"


def test_every_kind_must_have_a_rate_and_there_must_be_a_tier() -> None:
    lacking = table()
    del lacking["spot"]
    assert refusal({"default": lacking}) == ("default.spot", "is missing")
    assert refusal({})[0] == "fees"


def test_a_file_is_read_instead_of_the_default(tmp_path: Path) -> None:
    path = tmp_path / "fees.toml"
    path.write_text("[gold]\nspot = { maker = 0.0, taker = 0.00015 }\n")
    assert read_tables(path, "fees.toml") == {
        "gold": {"spot": {"maker": Decimal("0.0"), "taker": Decimal("0.00015")}}
    }
