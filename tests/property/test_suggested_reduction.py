"""A suggested reduction, carried out at the marks, leaves an account margined. [MON-12]"""

from copy import deepcopy
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from margingate_engine.core.risk import Risk
from margingate_engine.models.strain import due_positions
from margingate_engine.monitoring.reduction import Reduction, suggested_reduction
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import held_fee
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.ledger.events import FillReported
from margingate_server.ledger.fold_orders import fill_position
from margingate_server.ledger.fold_wallets import FLAT, follow_fill
from tests.property.books import books
from tests.property.chain import World
from tests.property.test_every_model import MODEL_NAMES, tries, world_of


def positions_risk(portfolio: Portfolio, arrays: RiskArrays) -> Risk:
    return AccountRisk.of(replace(portfolio, legs={}, amendments={}), arrays).positions_risk


def due_of(portfolio: Portfolio, arrays: RiskArrays) -> set[int]:
    """Rows of positions that are due for liquidation by their own margin."""
    return set(due_positions(AccountRisk.of(portfolio.positions_only(), arrays)))


def traded(world: World, portfolio: Portfolio, reduction: Reduction) -> Portfolio:
    """The portfolio once the ledger has booked every step at its mark, fees of the tier paid."""
    after = deepcopy(portfolio)
    for step in reduction.steps:
        instrument = world.table.instruments[step.row]
        group = world.arrays.groups[world.arrays.group_i[step.row]]
        assert group is not None
        fee = held_fee(world.fees, instrument, abs(step.lots), step.mark_nano, group.index_nano)
        before = after.positions.get(step.row, FLAT).lots
        fill = FillReported(
            order_id="o",
            instrument=instrument.name,
            side=1 if step.lots > 0 else -1,
            lots=abs(step.lots),
            price_nano=step.mark_nano,
            flow=fill_flow(instrument, step.lots, step.mark_nano),
            fee=fee,
            coins=0,
            flag="",
        )
        fill_position(after, step.row, instrument, fill)
        follow_fill(after, step.row, before, 0)
    return after


def test_what_weighs_less_as_an_option_than_as_coins_stays() -> None:
    """[MON-12] Puts deep in the money leave coins when they are sold: some of them have to stay."""
    world = world_of("span")
    held = {"ETH_USDC-E1-3800-C": 90, "BTC-E0-71200-P": -12, "BTC-E1-103300-P": 6}
    portfolio = Portfolio(
        fees=world.fees,
        cash={"USD": -16_026_960_814},
        positions={world.table.row_by_name[name]: Position(lots) for name, lots in held.items()},
    )
    reduction = suggested_reduction(portfolio, world.arrays)
    assert reduction.is_enough
    closed = {step.row: step.lots for step in reduction.steps}
    assert -6 < closed[world.table.row_by_name["BTC-E1-103300-P"]] < 0


@pytest.mark.parametrize(
    ("cash", "held"),
    [
        (
            {"USD": -189_064_647_956, "BTC": 2_677_032_390_475},
            {"BTC-E3-67700-C": (22, 0), "BTC-E0-71200-C": (-58, 0)}
            | {"BTC_USDC-E2": (-1_616, 121_284_403_680)},
        ),
        (
            {"USD": -267_963_884_799, "BTC": 4_068_609_238_971},
            {"BTC-E1-78400-C": (-60, 0), "BTC-E3-78400-P": (-52, 0), "BTC-E0-103300-P": (23, 0)},
        ),
    ],
)
def test_what_is_enough_is_found_from_everything_closed_too(
    cash: dict[str, int], held: dict[str, tuple[int, int]]
) -> None:
    """[MON-12] Neither position by position nor in slices; the first leaves the largest, the
    second the smallest."""
    world = world_of("span")
    positions = {world.table.row_by_name[name]: Position(*each) for name, each in held.items()}
    portfolio = Portfolio(fees=world.fees, cash=cash, positions=positions)
    reduction = suggested_reduction(portfolio, world.arrays)
    assert reduction.is_enough
    assert positions_risk(traded(world, portfolio, reduction), world.arrays).is_margined


@pytest.mark.parametrize("name", ["span", *MODEL_NAMES])
def test_carried_out_at_the_marks_it_leaves_the_margin_that_it_says(name: str) -> None:
    """[MON-12] Enough, where it says so; no more than is held; nothing where nothing is short.

    Positions that are due by their own margin go first, and whole.
    """

    @tries(name, 30)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = world_of(name)
        portfolio = data.draw(books(world=world, orders_max=2)).portfolio
        arrays = world.arrays
        short = data.draw(st.sampled_from((-5, 1, 20, 60, 95)))
        risk = positions_risk(portfolio, arrays)
        assume(risk.initial > 0 and portfolio.positions)
        cash = portfolio.cash.get("USD", 0) - risk.headroom - risk.initial * short // 100
        portfolio.cash["USD"] = cash
        if name == "isolated":
            wallet = st.integers(0, risk.initial)
            portfolio.wallets = {row: data.draw(wallet) for row in portfolio.positions}
        else:
            assert positions_risk(portfolio, arrays).is_margined == (short < 0)
        before = deepcopy(portfolio)
        reduction = suggested_reduction(portfolio, arrays)
        assert portfolio == before
        assert reduction.before == positions_risk(portfolio, arrays)
        for step in reduction.steps:
            lots = portfolio.positions[step.row].lots
            assert (step.lots < 0) == (lots > 0)
            assert 0 < abs(step.lots) <= abs(lots)
        after = traded(world, portfolio, reduction)
        assert reduction.after == positions_risk(after, arrays)
        due, left_due = due_of(portfolio, arrays), due_of(after, arrays)
        assert reduction.is_enough == (reduction.after.is_margined and not left_due)
        assert not left_due & due
        assert {step.row for step in reduction.steps[: len(due)]} == due
        if due:
            return
        if reduction.before.is_margined:
            assert reduction.steps == ()
        else:
            assert reduction.after.headroom >= reduction.before.headroom

    look()
