"""What a parameter file may say. [TIMS-01, TIMS-04 to TIMS-06]"""

import tomllib
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.tims.parameters import MinimumKind, TimsParameters

TEXT = (Path(__file__).parent / "crypto.toml").read_text()
RAW: dict[str, Any] = tomllib.loads(TEXT, parse_float=Decimal)


def changed(change: Callable[[dict[str, Any]], object]) -> TimsParameters:
    raw = deepcopy(RAW)
    change(raw)
    return TimsParameters.from_mapping(raw)


def refused(change: Callable[[dict[str, Any]], object]) -> str:
    with pytest.raises(InvalidInput) as wrong:
        changed(change)
    return wrong.value.field


def test_the_proposed_set_is_read() -> None:
    parameters = TimsParameters.from_mapping(RAW)
    assert parameters.maintenance_ppm == 800_000
    assert parameters.class_groups["ETH"].range_up == Decimal("0.18")
    assert parameters.groups.portfolio_group_of("SOL") == "crypto"
    assert parameters.groups.offset_ppm_by_product_group == {"large": 500_000, "other": 0}


def test_a_minimum_is_usd_per_coin_or_a_part_of_the_index() -> None:
    bitcoin = TimsParameters.from_mapping(RAW).underlyings["BTC"]
    assert bitcoin.contract_minimum_kind is MinimumKind.RELATIVE
    assert bitcoin.minimum_per_coin(70_000.0) == pytest.approx(262.5)
    usd = changed(lambda raw: raw["underlyings"]["BTC"].update(contract_minimum_kind="usd"))
    assert usd.underlyings["BTC"].minimum_per_coin(70_000.0) == 0.00375


@pytest.mark.parametrize("path", [name for name, _ in TimsParameters.from_mapping(RAW).items()])
def test_nothing_has_a_default_and_what_is_missing_is_named(path: str) -> None:
    *tables, name = path.split(".")

    def drop(raw: dict[str, Any]) -> None:
        for table in tables:
            raw = raw[table]
        del raw[name]

    assert refused(drop) == path


@pytest.mark.parametrize(
    ("path", "inside", "outside"),
    [
        ("maintenance_fraction", ("0.000001", "1"), ("0", "1.000001")),
        ("underlyings.BTC.contract_minimum", ("0", "0.999999"), ("-0.000001", "1")),
        ("underlyings.BTC.basis_rate", ("0", "0.999999"), ("-0.000001", "1")),
        ("underlyings.BTC.collateral_haircut", ("0", "0.999999"), ("-0.000001", "1")),
        ("class_groups.BTC.range_down", ("0.000001", "0.999999"), ("0", "1", "0.1234567")),
        ("class_groups.BTC.range_up", ("0.000001", "0.999999"), ("0", "1")),
        ("product_groups.large.offset", ("0", "1"), ("-0.000001", "1.000001", "0.1234567")),
        ("portfolio_groups.crypto.offset", ("0", "1"), ("-0.000001", "1.000001")),
    ],
)
def test_every_number_keeps_to_its_bounds_and_is_named_beyond_them(
    path: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    *tables, name = path.split(".")

    def put(value: object) -> Callable[[dict[str, Any]], None]:
        def change(raw: dict[str, Any]) -> None:
            for table in tables:
                raw = raw[table]
            raw[name] = value

        return change

    for text in inside:
        assert dict(changed(put(Decimal(text))).items())[path] == text
    for value in (*map(Decimal, (*outside, "NaN", "Infinity")), "0.5", True, 0.5, None):
        assert refused(put(value)) == path


def test_an_amount_in_usd_has_wider_bounds() -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["underlyings"]["BTC"].update(contract_minimum_kind="usd", contract_minimum=10**6)

    assert dict(changed(change).items())["underlyings.BTC.contract_minimum"] == "1000000"


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("offsett", lambda raw: raw.update(offsett=1)),
        ("underlyings.BTC.rate", lambda raw: raw["underlyings"]["BTC"].update(rate=1)),
        ("class_groups.BTC.rate", lambda raw: raw["class_groups"]["BTC"].update(rate=1)),
        ("product_groups.large.rate", lambda raw: raw["product_groups"]["large"].update(rate=1)),
        ("portfolio_groups.crypto.a", lambda raw: raw["portfolio_groups"]["crypto"].update(a=1)),
        ("underlyings", lambda raw: raw.update(underlyings={})),
        ("underlyings.BTC", lambda raw: raw["underlyings"].update(BTC=1)),
        ("underlyings.A.B", lambda raw: raw["underlyings"].update({"A.B": {}})),
        (
            "underlyings.BTC.contract_minimum_kind",
            lambda raw: raw["underlyings"]["BTC"].update(contract_minimum_kind="percent"),
        ),
        (
            "underlyings.BTC.class_group",
            lambda raw: raw["underlyings"]["BTC"].update(class_group=1),
        ),
    ],
)
def test_what_does_not_belong_is_refused_by_its_path(
    field: str, change: Callable[[dict[str, Any]], object]
) -> None:
    assert refused(change) == field


@pytest.mark.parametrize(
    ("field", "change"),
    [
        (
            "underlyings.BTC.class_group",
            lambda raw: raw["underlyings"]["BTC"].update(class_group="BCH"),
        ),
        (
            "class_groups.BTC.product_group",
            lambda raw: raw["class_groups"]["BTC"].update(product_group="small"),
        ),
        (
            "product_groups.large.portfolio_group",
            lambda raw: raw["product_groups"]["large"].update(portfolio_group="shares"),
        ),
        (
            "class_groups.BCH",
            lambda raw: raw["class_groups"].update(BCH=raw["class_groups"]["BTC"]),
        ),
        (
            "product_groups.small",
            lambda raw: raw["product_groups"].update(small=raw["product_groups"]["large"]),
        ),
        ("portfolio_groups.all", lambda raw: raw["portfolio_groups"].update(all={"offset": 1})),
        (
            "underlyings.btc",
            lambda raw: raw["underlyings"].update(btc=raw["underlyings"]["BTC"]),
        ),
    ],
)
def test_groups_without_loose_ends_and_twins(
    field: str, change: Callable[[dict[str, Any]], object]
) -> None:
    assert refused(change) == field


def test_the_digest_is_of_the_values_and_not_of_their_order_or_spelling() -> None:
    same = tomllib.loads(TEXT.replace("0.15", "0.150"), parse_float=Decimal)
    same = {name: same[name] for name in reversed(same)}
    first = TimsParameters.from_mapping(RAW).digest()
    assert TimsParameters.from_mapping(same).digest() == first
    other = changed(lambda raw: raw["product_groups"]["other"].update(offset=Decimal("0.000001")))
    assert other.digest() != first
