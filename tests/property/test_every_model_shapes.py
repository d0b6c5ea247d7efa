"""What requirements of every model keep when books grow, are hedged or are put together."""

from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from margingate_engine.core.arrays import IntArray
from margingate_engine.core.instruments import InstrumentKind, Settlement
from margingate_engine.models.registry import model
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.property.books import positions
from tests.property.chain import FEES, PARAMETERS, World, chain
from tests.property.effort import examples
from tests.property.model_worlds import TIMS
from tests.property.test_every_model import MODEL_NAMES, tries, world_of
from tests.unit.engine.models.var.tables import tables

Lots = dict[int, int]
HOMOGENEOUS = ("span", "tims", "var", "var ranked", "var parametric")
LOTS_MAX = 10**7
LOT_NOISE = 4
"""Units that rounding may come to for one lot of a book."""


def initial(world: World, lots: Lots, coins: int = 0) -> int:
    held = {row: Position(count) for row, count in lots.items() if count}
    cash = {"BTC": coins} if coins else {}
    return AccountRisk.of(Portfolio(fees={}, cash=cash, positions=held), world.arrays).risk.initial


def lots_of(data: st.DataObject, world: World) -> Lots:
    return {row: held.lots for row, held in data.draw(positions(world)).items()}


@pytest.mark.parametrize("name", ["span", *MODEL_NAMES])
def test_a_book_several_times_the_size_never_requires_less(name: str) -> None:
    """Many times as much where a model has no slope; coins and what is owed in coins left out."""
    world = world_of(name)

    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        lots = lots_of(data, world)
        times = data.draw(st.integers(2, 30))
        once, many = (
            initial(world, {row: factor * count for row, count in lots.items()})
            for factor in (1, times)
        )
        noise = LOT_NOISE * times * (1 + sum(map(abs, lots.values())))
        assert many >= once - noise
        if name in HOMOGENEOUS:
            assert abs(many - times * once) <= noise

    look()


@cache
def scan_world(name: str) -> World:
    """A model of which scenarios are all there is, and few enough of them to be made at will."""
    few = {"lookback_days": 20, "confidence": Decimal("0.9")}
    no_basis: dict[str, Any] = {"basis_rate": Decimal(0)}
    if name.startswith("var"):
        raw: dict[str, Any] = tables(**VAR_SETTINGS[name], **few)  # type: ignore[arg-type]
        raw.update({coin: {**raw[coin], **no_basis} for coin in ("BTC", "ETH")})
    elif name == "tims":
        none = {**no_basis, "contract_minimum": Decimal(0)}
        underlyings: Any = TIMS["underlyings"]
        raw = {**TIMS, "underlyings": {key: {**each, **none} for key, each in underlyings.items()}}
    else:
        none = {**no_basis, "short_option_minimum": Decimal(0)}
        raw = {key: {**each, **none} for key, each in PARAMETERS.items()}
    made = model(name.split(maxsplit=1)[0], raw)
    return World(name=name, model=made, arrays=made.risk_arrays(*chain()), fees=FEES)


VAR_SETTINGS: dict[str, dict[str, object]] = {
    "var": {"estimator": "es"},
    "var ranked": {"estimator": "var"},
}
SCANNING = ("span", "tims", *VAR_SETTINGS)


@st.composite
def gains(draw: st.DrawFn, world: World) -> Lots:
    """Many lots of options and linear futures that gain in each scenario, each some amount."""
    table, pnl_ir = world.arrays.table, world.arrays.pnl_ir
    rows = [
        row
        for row, each in enumerate(table.instruments)
        if each.underlying == "BTC"
        and each.kind is not InstrumentKind.SPOT
        and (each.kind is InstrumentKind.OPTION or each.settlement is Settlement.LINEAR)
    ]
    pnl_is = pnl_ir[rows, :-1].astype(np.float64)
    pnl_is /= np.abs(pnl_is).max()  # the solver gives up on coefficients of 1e9
    gain_s = [draw(st.integers(-10, 1_000)) for _ in range(pnl_is.shape[1])]
    gain_i = pnl_is @ np.array(gain_s)
    found = linprog(
        -gain_i / max(1.0, np.abs(gain_i).max()),
        A_ub=-pnl_is.T,
        b_ub=-np.abs(pnl_is).sum(axis=0),  # more than rounding to whole lots can take
        bounds=(-LOTS_MAX, LOTS_MAX),
    )
    assert found.x is not None, found.message
    lots = np.rint(found.x).astype(np.int64)
    return {row: int(count) for row, count in zip(rows, lots.tolist(), strict=True) if count}


def total_pnl(world: World, lots: Lots) -> IntArray:
    pnl_ir = world.arrays.pnl_ir
    total_r: IntArray = np.zeros_like(pnl_ir[0])
    for row, count in lots.items():
        total_r = total_r + count * pnl_ir[row]
    return total_r


@pytest.mark.parametrize("name", SCANNING)
def test_what_loses_nowhere_never_raises_a_requirement(name: str) -> None:
    """A hedge that gains in every scenario, whatever is held beside it."""
    world = scan_world(name)

    @examples(40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        lots, added = lots_of(data, world), data.draw(gains(world))
        gained_r = total_pnl(world, added)
        assert gained_r.min() >= 0
        assert gained_r.max() > 0
        both = {row: lots.get(row, 0) + added.get(row, 0) for row in {*lots, *added}}
        assert initial(world, both) <= initial(world, lots)

    look()


@examples(60)
@given(st.data())
def test_expected_shortfall_is_coherent_as_it_is_served(data: st.DataObject) -> None:
    """[VAR-09] two books together require no more than apart: offset cap, blend and floor too."""
    world = scan_world("var")
    first, second = lots_of(data, world), lots_of(data, world)
    both = {row: first.get(row, 0) + second.get(row, 0) for row in {*first, *second}}
    noise = LOT_NOISE * (1 + sum(map(abs, (*first.values(), *second.values()))))
    assert initial(world, both) <= initial(world, first) + initial(world, second) + noise


@cache
def drawn_worlds() -> tuple[World, World, float]:
    """`parametric`, `gaussian` of many worlds and the sampling error of the latter, relative."""
    made = []
    count = 20_000
    for method in ("parametric", "gaussian"):
        raw: dict[str, Any] = tables(
            method=method, scenario_count=count, offset_cap=Decimal("0.8"), estimator="var"
        )
        raw.update({coin: {**raw[coin], "basis_rate": Decimal(0)} for coin in ("BTC", "ETH")})
        each = model("var", raw)
        made.append(World(name=method, model=each, arrays=each.risk_arrays(*chain()), fees=FEES))
    beyond, density, quantile = 0.01, 0.02665, 2.326
    return made[0], made[1], float(np.sqrt(beyond / count) / density / quantile)


@examples(10)
@given(st.data())
def test_parametric_agrees_with_drawn_worlds_on_books_without_options(data: st.DataObject) -> None:
    """[VAR-12] within four sampling errors, and what a log change is more than a relative one"""
    parametric, drawn, error = drawn_worlds()
    lots = lots_of(data, parametric)
    futures = {
        row: count
        for row, count in lots.items()
        if parametric.table.instruments[row].kind is not InstrumentKind.OPTION
    }
    coins = data.draw(st.integers(-(10**13), 10**13))
    expected, found = (initial(each, futures, coins) for each in (parametric, drawn))
    of_moves = 0.04
    noise = LOT_NOISE * (1 + sum(map(abs, futures.values())))
    assert abs(found - expected) <= (4 * error + of_moves) * expected + noise
