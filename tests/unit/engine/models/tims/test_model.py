"""The model on a table: coins, basis and what is combined. [TIMS-03, TIMS-06]"""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from margingate_engine.models.tims.model import TimsModel
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from tests.unit.engine.models.tims.crypto_market import SNAPSHOT, TABLE

TEXT = (Path(__file__).parent / "crypto.toml").read_text()
MODEL = TimsModel.from_mapping(tomllib.loads(TEXT, parse_float=Decimal))
ARRAYS: RiskArrays = MODEL.risk_arrays(TABLE, SNAPSHOT)
COIN, USD = 10**12, 10**6


def group() -> GroupArrays:
    (found,) = (each for each in ARRAYS.groups if each is not None)
    return found


def held(coin_pico: int = 0, **lots: int) -> GroupTotals:
    totals = GroupTotals.empty(ARRAYS, group())
    totals.move_coin(coin_pico)
    for name, count in lots.items():
        row = TABLE.row(name.replace("_", "-"))
        assert row is not None
        totals.move_position(row, count)
    return totals


def required(totals: GroupTotals) -> int:
    return sum(each.total for each in MODEL.requirements({0: MODEL.group_margin(0, totals, ())}))


def test_a_coin_loses_what_its_price_loses() -> None:
    """One BTC at 100,000: -15 % to +15 % in steps of 3 %."""
    steps = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
    assert group().coin_rows(COIN) == [step * 3_000 * USD for step in steps]
    assert group().coin_rows(-1) == [-(step * 3_000 * USD) // COIN for step in steps]
    assert required(held(COIN)) == 15_000 * USD


def test_a_coin_hedged_by_the_future_requires_the_contract_minimum_or_the_basis() -> None:
    """1 coin of 100,000 against ten lots of 0.1 at 100,000: the minimum is 0.375 % of 100,000.

    The perpetual is another bucket than spot, so 1 % of 100,000 is charged for the basis.
    """
    assert required(held(COIN, PERPETUAL=-10)) == 1_000 * USD
    assert required(held(COIN, PERPETUAL=-9)) == (1_500 + 900) * USD


def test_maintenance_is_the_files_part_of_it() -> None:
    margins = {0: MODEL.group_margin(0, held(COIN), ())}
    assert MODEL.maintenance(margins) == pytest.approx(0.8 * 15_000 * USD)
