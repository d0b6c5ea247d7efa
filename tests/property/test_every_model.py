"""What holds of every model of the registry, each on the same chain."""

import random
from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.core.risk import Exactness
from margingate_engine.models.registry import MODELS
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import hold_of
from margingate_engine.portfolio.holdings import Portfolio
from tests.property.books import CASH, books
from tests.property.chain import World, worlds
from tests.property.effort import examples
from tests.property.every_fill import worst_of_all_fills
from tests.property.fills import fill
from tests.property.legs import rows, signed_lots
from tests.property.model_worlds import PARAMETERS, model_world
from tests.property.open_orders import open_orders
from tests.property.test_incremental import ORDER_STEPS, Walk, full
from tests.property.totals import totals_of

MODEL_NAMES = tuple(PARAMETERS)


def world_of(name: str) -> World:
    return worlds()[0] if name == "span" else model_world(name)


def tries(name: str, count: int) -> settings:
    """As many examples, but fewer where each is a program to solve."""
    return examples(count // 8 if name == "strategy" else count)


def test_every_model_of_the_registry_is_tried_here() -> None:
    assert {name.split()[0] for name in (*MODEL_NAMES, "span")} == set(MODELS)


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_after_any_changes_the_totals_are_those_of_a_full_calculation(name: str) -> None:
    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = model_world(name)
        book = data.draw(books(several=True, world=world))
        walk = Walk(book)
        for _ in range(data.draw(st.integers(1, 10))):
            step = data.draw(st.sampled_from(("trade", "pay", *ORDER_STEPS)))
            if step == "trade":
                row = data.draw(rows(world, spot=False))
                walk.trade(row, data.draw(signed_lots(world, row)), 0)
            elif step == "pay":
                asset = data.draw(st.sampled_from(sorted(CASH)))
                walk.pay(asset, data.draw(CASH[asset]))
            else:
                walk.step(data, world, step)
        assert totals_of(walk.account) == totals_of(full(book, walk.portfolio))

    look()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_the_order_of_positions_orders_and_cash_changes_nothing(name: str) -> None:
    @tries(name, 30)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        book = data.draw(books(several=True, world=model_world(name)))
        source = random.Random(data.draw(st.integers(0, 2**32)))
        shuffled = deepcopy(book.portfolio)
        for part in ("cash", "positions", "legs", "amendments"):
            items = list(getattr(shuffled, part).items())
            source.shuffle(items)
            setattr(shuffled, part, dict(items))
        assert totals_of(full(book)) == totals_of(full(book, shuffled))

    look()


@pytest.mark.parametrize("name", ["span", *MODEL_NAMES])
def test_no_combination_of_fills_leaves_less_headroom_than_is_held(name: str) -> None:
    """None, half and all of each of up to four orders; more of them in the long run."""

    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = world_of(name)
        book = data.draw(books(orders_max=4, world=world))
        assert full(book).risk.headroom <= worst_of_all_fills(world, book.portfolio)

    look()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_any_fill_at_the_limit_leaves_headroom_unchanged_or_higher(name: str) -> None:
    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = model_world(name)
        book = data.draw(books(orders_max=4, world=world))
        portfolio = deepcopy(book.portfolio)
        before = full(book).risk.headroom
        for key, (leg,) in book.portfolio.legs.items():
            lots = data.draw(st.sampled_from((0, 1, (leg.lots + 1) // 2, leg.lots)))
            if lots:
                fill(world, portfolio, key, leg, lots)
                after = AccountRisk.of(portfolio, world.arrays).risk.headroom
                assert after >= before
                before = after

    look()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_a_hold_never_lowers_initial_margin_and_comes_off_exactly(name: str) -> None:
    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        world = model_world(name)
        account = full(data.draw(books(orders_max=3, several=True, world=world)))
        before, totals = account.risk, totals_of(account)
        hold = hold_of(world.arrays, world.fees, data.draw(open_orders(world)).accepted)
        account.hold(hold)
        assert account.risk.initial >= before.initial
        assert (account.risk.equity, account.risk.maintenance) == (
            before.equity,
            before.maintenance,
        )
        account.release(hold)
        assert totals_of(account) == totals

    look()


@pytest.mark.parametrize("name", MODEL_NAMES)
def test_positions_need_initial_margin_no_smaller_than_maintenance(name: str) -> None:
    @tries(name, 40)
    @given(st.data())
    def look(data: st.DataObject) -> None:
        book = data.draw(books(orders_max=0, world=model_world(name)))
        risk = full(book).positions_risk
        assert risk.initial >= risk.maintenance

    look()


@pytest.mark.parametrize("name", ["span", *MODEL_NAMES])
def test_a_model_says_what_its_equity_is_and_how_good_its_worst_fill(name: str) -> None:
    made = world_of(name).model
    assert made.name == name.split(maxsplit=1)[0]
    assert made.worst_fill in set(Exactness)
    empty = AccountRisk.of(Portfolio(fees={}), world_of(name).arrays)
    assert (empty.risk.equity, empty.risk.initial, empty.risk.maintenance) == (0, 0, 0)
