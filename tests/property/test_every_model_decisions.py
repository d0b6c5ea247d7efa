"""What every model must accept and refuse in a margin call, and what a short at its mark takes."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.check.decide import Outcome, decide
from margingate_engine.check.question import Policy, Question, RequestedLeg
from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.orders import Side
from margingate_engine.models.registry import model
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_engine.portfolio.margin_model import EquityBasis
from tests.property.books import Book, books
from tests.property.chain import World, chain
from tests.property.model_worlds import PARAMETERS, model_world
from tests.property.orders import ask, requested_legs
from tests.property.test_every_model import MODEL_NAMES, tries, world_of

EVERY_NAME = ("span", *MODEL_NAMES)
CALL, PUT = "BTC_USDC-E2-78400-C", "BTC_USDC-E2-71200-P"
COIN_CALL = "BTC-E2-78400-C"
PERPETUAL = "BTC_USDC-PERPETUAL"
SHORT_LOTS = 20
RICH, PREMIUM_COINS = 10**13, 9 * 10**10
LOT_NOISE = 4
"""Units that rounding and its reserve may come to for one lot."""


def leg(world: World, name: str, lots: int) -> OpenLeg:
    """So many signed lots at the first tick that is no better than the mark."""
    row = world.table.row_by_name[name]
    mark_nano = mark_price_nano(world.arrays, row)
    tick_nano = world.table.instruments[row].tick_nano_at(mark_nano)
    ticks = -(-mark_nano // tick_nano) if lots > 0 else mark_nano // tick_nano
    side = Side.BUY if lots > 0 else Side.SELL
    return OpenLeg(row=row, side=side, lots=abs(lots), price_nano=ticks * tick_nano)


def margin_call(world: World, name: str, **resting: OpenLeg) -> Portfolio:
    """Shorts whose account has half of what they and the orders require.

    Coins pay for what is bought back in coins, and are too few to be hedged by the shorts.
    """
    row = world.table.row_by_name[name]
    portfolio = Portfolio(fees=world.fees, positions={row: Position(-SHORT_LOTS)})
    portfolio.legs.update({key: (each,) for key, each in resting.items()})
    portfolio.cash.update(USD=RICH, BTC=PREMIUM_COINS if name == COIN_CALL else 0)
    risk = AccountRisk.of(portfolio, world.arrays).risk
    portfolio.cash["USD"] = RICH - risk.equity + risk.initial // 2
    return portfolio


def answer(world: World, portfolio: Portfolio, wanted: OpenLeg) -> Outcome:
    lot_nano = world.table.instruments[wanted.row].lot_nano
    requested = RequestedLeg(
        row=wanted.row,
        side=wanted.side,
        quantity=whole(wanted.lots * lot_nano, NANO),
        limit=whole(wanted.price_nano, NANO),
    )
    # What is paid is not the matter here: whoever closes may borrow the premium.
    policy = Policy(borrow_limit_by_asset=(("USD", 10**16), ("BTC", 10**16)))
    outcome = decide(ask(Book(world=world, portfolio=portfolio), requested, policy=policy).question)
    assert outcome.before is not None
    assert not outcome.before.is_margined
    return outcome


@pytest.mark.parametrize("name", EVERY_NAME)
@pytest.mark.parametrize("lots", [1, SHORT_LOTS // 2, SHORT_LOTS])
@pytest.mark.parametrize("call", [CALL, COIN_CALL])
def test_closing_shorts_in_a_margin_call_is_accepted(name: str, lots: int, call: str) -> None:
    """[DEC-02]"""
    world = world_of(name)
    assert answer(world, margin_call(world, call), leg(world, call, lots)).is_accepted


@pytest.mark.parametrize("name", EVERY_NAME)
@pytest.mark.parametrize("lots", [1, SHORT_LOTS // 2, SHORT_LOTS])
def test_closing_a_future_in_a_margin_call_is_accepted(name: str, lots: int) -> None:
    """[DEC-02]"""
    world = world_of(name)
    portfolio = margin_call(world, PERPETUAL)
    assert answer(world, portfolio, leg(world, PERPETUAL, lots)).is_accepted


@pytest.mark.parametrize("name", EVERY_NAME)
def test_selling_new_puts_against_short_calls_is_not(name: str) -> None:
    """[DEC-02]"""
    world = world_of(name)
    assert not answer(world, margin_call(world, CALL), leg(world, PUT, -5)).is_accepted


@pytest.mark.parametrize("name", EVERY_NAME)
def test_new_shorts_behind_a_large_resting_order_are_not(name: str) -> None:
    """[DEC-02] whatever the resting order's worst fill covers up"""
    world = world_of(name)
    portfolio = margin_call(world, CALL, resting=leg(world, CALL, -400))
    assert not answer(world, portfolio, leg(world, PUT, -1)).is_accepted
    assert not answer(world, portfolio, leg(world, CALL, -1)).is_accepted


@pytest.mark.parametrize("name", EVERY_NAME)
def test_closing_what_a_resting_order_closes_already_is_not(name: str) -> None:
    """[DEC-02]"""
    world = world_of(name)
    portfolio = margin_call(world, CALL, resting=leg(world, CALL, SHORT_LOTS))
    assert not answer(world, portfolio, leg(world, CALL, SHORT_LOTS)).is_accepted


@pytest.mark.parametrize("name", EVERY_NAME)
@pytest.mark.parametrize("call", [CALL, COIN_CALL])
def test_a_short_at_its_mark_takes_its_requirement_less_what_equity_gains(
    name: str, call: str
) -> None:
    """With option value equity stays and headroom falls by IM; without, cash comes in: IM - mark.

    Coins that are paid have a requirement of their own, so the call in coins is sold for dollars.
    """
    world = world_of(name)
    row, lots = world.table.row_by_name[call], 30
    before = Portfolio(fees=world.fees, cash={"USD": RICH})
    premium = -lots * value_micro(world, row)
    after = replace(before, cash={"USD": RICH - premium}, positions={row: Position(-lots)}, legs={})
    risk = AccountRisk.of(after, world.arrays).risk
    change = risk.headroom - AccountRisk.of(before, world.arrays).risk.headroom
    has_value = world.model.equity_basis is EquityBasis.WITH_OPTION_VALUE
    expected = -risk.initial + (0 if has_value else -premium)
    assert abs(change - expected) <= LOT_NOISE * lots
    assert change < 0


def value_micro(world: World, row: int) -> int:
    """What a lot costs at its mark, 1e-6 USD."""
    instrument = world.table.instruments[row]
    flow = -fill_flow(instrument, 1, mark_price_nano(world.arrays, row))
    if instrument.settlement_asset == "USD":
        return flow
    group = world.arrays.groups[world.arrays.group_i[row]]
    assert group is not None
    return flow * group.index_nano // 10**15


def told(outcome: Outcome) -> dict[str, Any]:
    """An outcome without its hold, whose arrays have no truth of their own."""
    return {
        each.name: getattr(outcome, each.name) for each in fields(outcome) if each.name != "hold"
    }


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_decision_is_taken_again_from_what_was_stored(name: str) -> None:
    """By a model made anew from the same parameters, its account put together in another order."""
    table, snapshot = chain()
    again = model(name.split(maxsplit=1)[0], PARAMETERS[name]).risk_arrays(table, snapshot)

    @tries(name, 25)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        book = data.draw(books(orders_max=3, several=True, world=model_world(name)))
        question = ask(book, data.draw(requested_legs(book))).question
        assert told(decide(question)) == told(decide(remade(question, again)))

    look()


def remade(question: Question, arrays: Any) -> Question:
    held = question.portfolio
    turned = {
        part: dict(reversed(getattr(held, part).items()))
        for part in ("cash", "positions", "legs", "amendments")
    }
    portfolio = replace(held, **turned)
    return replace(
        question,
        portfolio=portfolio,
        arrays=arrays,
        account=AccountRisk.of(portfolio, arrays),
    )
