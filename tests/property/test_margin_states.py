"""What a margin state restricts, and how far away liquidation is, under every model."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from margingate_engine.check.decide import decide
from margingate_engine.check.question import Policy
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Risk
from margingate_engine.models.isolated import top_ups
from margingate_engine.models.strain import largest_strain_ppm
from margingate_engine.monitoring.liquidation import GRID_PPM, Direction, LiquidationSearch
from margingate_engine.monitoring.moved_market import moved_market
from margingate_engine.monitoring.states import Bounds, MarginState, state_of
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.margin_model import Regime
from margingate_engine.portfolio.part import own_market
from margingate_engine.portfolio.risk_arrays import RiskArrays
from tests.property.books import Book, books
from tests.property.orders import ask, requested_legs
from tests.property.test_every_model import MODEL_NAMES, tries, world_of

EVERY_NAME = ("span", *MODEL_NAMES)
BOUNDS = Bounds(ratio_ppm=800_000, headroom_ppm=100_000)
BORROW = (("USD", 10**16), ("BTC", 10**16), ("ETH", 10**16))


def positions_risk(portfolio: Portfolio, arrays: RiskArrays) -> Risk:
    return AccountRisk.of(replace(portfolio, legs={}, amendments={}), arrays).positions_risk


def with_equity(book: Book, percent: int) -> Risk:
    """Margin of the book's positions once its cash gives it so much of their initial margin."""
    risk = positions_risk(book.portfolio, book.world.arrays)
    assume(risk.initial > 0)
    cash = book.portfolio.cash
    cash["USD"] = cash.get("USD", 0) + risk.initial * percent // 100 - risk.equity
    if book.world.model.regime is Regime.ISOLATED:
        positions = AccountRisk.of(book.portfolio.positions_only(), book.world.arrays)
        book.portfolio.wallets = top_ups(positions)
    return positions_risk(book.portfolio, book.world.arrays)


def strain_ppm(portfolio: Portfolio, arrays: RiskArrays) -> int:
    return largest_strain_ppm(AccountRisk.of(portfolio.positions_only(), arrays))


@pytest.mark.parametrize("name", EVERY_NAME)
def test_an_order_passes_by_the_state_of_its_instant(name: str) -> None:
    """[MON-10] [MON-11] [MON-15]"""

    @tries(name, 60)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        book = data.draw(books(world=world_of(name), orders_max=2))
        risk = with_equity(book, data.draw(st.sampled_from((-10, 30, 70, 90, 99, 105, 300))))
        wallets = book.portfolio.wallets
        for row in data.draw(st.sets(st.sampled_from(sorted(wallets)))) if wallets else ():
            wallets[row] //= 2
        strain = strain_ppm(book.portfolio, book.world.arrays)
        leg, state = data.draw(requested_legs(book)), state_of(risk, BOUNDS, strain)
        policy = Policy(borrow_limit_by_asset=BORROW)
        outcome = decide(ask(book, leg, policy=policy).question)
        if state >= MarginState.MARGIN_CALL and outcome.is_accepted:
            assert outcome.is_risk_reducing
        if state >= MarginState.MARGIN_CALL and outcome.before is not None:
            assert outcome.is_accepted or outcome.reason is RejectReason.STILL_UNDERMARGINED
        strict = replace(policy, may_trade_in_liquidation=False)
        left = decide(ask(book, leg, policy=strict).question)
        if outcome.before is not None and state is MarginState.LIQUIDATION:
            assert left.reason is RejectReason.ACCOUNT_IN_LIQUIDATION
        else:
            assert left.reason is outcome.reason

    look()


@pytest.mark.parametrize("name", EVERY_NAME)
def test_liquidation_begins_at_the_move_that_is_said_and_at_no_step_before(name: str) -> None:
    """[MON-13] [MON-15] By the whole market, while the search looks at what is held alone."""

    @tries(name, 8)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = world_of(name)
        book = data.draw(books(world=world, orders_max=0))
        with_equity(book, data.draw(st.sampled_from((100, 130, 200))))
        portfolio, direction = book.portfolio, data.draw(st.sampled_from(Direction))
        underlying = data.draw(st.sampled_from(("BTC", "ETH")))
        own, table, snapshot = own_market(portfolio, world.table, world.arrays.snapshot)
        assume(underlying in table.underlyings)
        search = LiquidationSearch(model=world.model, table=table, snapshot=snapshot)
        move = search.move(own, underlying, direction)

        def is_liquidated(move_ppm: int) -> bool:
            moved = moved_market(world.table, world.arrays.snapshot, underlying, move_ppm)
            arrays = world.model.risk_arrays(world.table, moved)
            then = positions_risk(portfolio, arrays)
            return then.equity < then.maintenance or strain_ppm(portfolio, arrays) >= 10**6

        if is_liquidated(0):
            assert move is not None
            assert move.move_ppm == 0
            return
        before = [
            each for each in GRID_PPM[direction] if move is None or abs(each) < abs(move.move_ppm)
        ]
        for step in data.draw(st.lists(st.sampled_from(before), max_size=3)) if before else ():
            assert not is_liquidated(step)
        if move is not None:
            assert move.move_ppm * direction > 0
            assert is_liquidated(move.move_ppm)

    look()
