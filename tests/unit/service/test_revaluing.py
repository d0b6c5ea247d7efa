"""Figures of all accounts, worked out beside the decisions: those of each account by itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.ledger.numbers import PolicyNumbers
from margingate_server.service import revaluing
from margingate_server.service.revaluing import Change, ModelColumns, Revaluing
from margingate_server.service.terms import Terms
from tests.unit.engine.small_market import MARKS
from tests.unit.service.margin_figures import figures_of
from tests.unit.service.regime_desk import change, regime_desk
from tests.unit.service.small_desk import (
    AGE_LIMITS,
    SECOND_NS,
    SOME_FEES,
    SmallDesk,
    small_desk,
    small_model,
    update,
)


class Revalued:
    """A desk whose accounts are revalued; `figures` takes what changed first."""

    def __init__(self, desk: SmallDesk) -> None:
        self.desk = desk
        self.revaluing = Revaluing(desk.shard, AGE_LIMITS)

    def figures(self) -> AccountFigures:
        while taken := self.revaluing.take(2):
            self.revaluing.put(taken)
        assert self.revaluing.failures.taken() == []
        return self.revaluing.figures(self.desk.shard.market.view, self.desk.now_ns)

    def assert_each_is_its_own(self) -> AccountFigures:
        found, expected = self.figures(), figures_of(self.desk)
        place = [found.accounts.index(name) for name in expected.accounts]
        assert len(found.accounts) == len(expected.accounts)
        for name in ("is_known_a", "equity_a", "initial_a", "maintenance_a", "headroom_a"):
            found_a, expected_a = getattr(found, name)[place], getattr(expected, name)
            assert found_a.tolist() == expected_a.tolist(), name
        known = found.is_known_a[place]
        assert found.version_a[place][known].tolist() == expected.version_a[known].tolist()
        return found


@pytest.fixture
def held() -> Revalued:
    """Three accounts with positions, one with orders, one with coins and one with nothing."""
    desk = small_desk()
    for account in "abcd":
        desk.open(account, usd="20000")
    desk.open("e", coins="1.5").open("f")
    desk.hold("a", NEAR=10)
    desk.hold("b", NEAR=-1, CALL=2)
    desk.hold("c", PERPETUAL=5)
    desk.check(desk.leg("NEAR", 1, "100000"), account="d")
    return Revalued(desk)


def test_every_account_has_the_figures_that_it_has_alone(held: Revalued) -> None:
    found = held.assert_each_is_its_own()
    assert found.is_known_a.all()
    assert np.count_nonzero(found.initial_a) >= 4
    assert found.arrays is held.desk.shard.market.view.arrays


def test_figures_follow_prices_fills_orders_and_cash(held: Revalued) -> None:
    held.figures()
    held.desk.quote(update({**MARKS, "NEAR": 97_000}))
    held.assert_each_is_its_own()
    held.desk.hold("b", CALL=-4)
    held.desk.deposit("-100", account="c")
    held.desk.check(held.desk.leg("PERPETUAL", 2, "100000"), account="a")
    held.assert_each_is_its_own()


def test_coins_that_no_column_holds_are_margined_alone(held: Revalued) -> None:
    """Ten million coins are 1e19 units; at 900 million USD they are beyond any figures."""
    held.desk.deposit("10000000", "BTC", "d")
    found = held.assert_each_is_its_own()
    place = found.accounts.index("d")
    assert found.is_known_a[place]
    assert found.equity_a[place] > 10**18 // 2
    held.desk.quote(update(index=900_000_000.0))
    assert not held.figures().is_known_a[place]


def test_what_prices_took_out_of_columns_is_margined_alone_with_its_next_change(
    held: Revalued,
) -> None:
    """A million lots of ten USD are a hundred coins, and ten million at a USD a coin."""
    held.desk.hold("a", **{"COIN-PERPETUAL": 10**6})
    found = held.assert_each_is_its_own()
    place = found.accounts.index("a")
    fallen = dict.fromkeys(("COIN-PERPETUAL", "COIN-FAR", "NEAR", "FAR", "PERPETUAL"), 1.0)
    held.desk.quote(update({**MARKS, **fallen}, index=1.0))
    assert not held.figures().is_known_a[place]
    held.desk.deposit("1", account="a")
    assert held.assert_each_is_its_own().is_known_a[place]


def test_only_accounts_that_changed_are_taken(held: Revalued) -> None:
    held.figures()
    held.desk.deposit("5", account="c")
    held.desk.deposit("5", account="c")
    assert [each.account for each in held.revaluing.take(10)] == ["c"]
    assert held.revaluing.take(10) == []


def test_no_more_accounts_are_taken_at_once_than_asked(held: Revalued) -> None:
    assert [len(held.revaluing.take(4)) for _ in range(3)] == [4, 2, 0]


def test_accounts_keep_their_order_and_the_same_tuple_while_none_is_new(held: Revalued) -> None:
    before = held.figures().accounts
    held.desk.deposit("5", account="c")
    assert held.figures().accounts is before
    held.desk.open("g")
    assert held.figures().accounts == (*before, "g")


def test_who_rests_on_an_old_price_is_not_known(held: Revalued) -> None:
    held.desk.now_ns += 61 * SECOND_NS
    held.desk.quote(update({"NEAR": MARKS["NEAR"]}))
    found = held.assert_each_is_its_own()
    known = {
        name for name, is_known in zip(found.accounts, found.is_known_a, strict=True) if is_known
    }
    assert known == {"a", "d", "e", "f"}


def test_without_an_index_only_who_has_nothing_of_it_is_known(held: Revalued) -> None:
    held.desk.now_ns += 11 * SECOND_NS
    held.desk.quote(update(index=None))
    found = held.assert_each_is_its_own()
    assert found.accounts[int(np.flatnonzero(found.is_known_a)[0])] == "f"
    assert np.count_nonzero(found.is_known_a) == 1


def test_a_pending_change_of_an_order_is_worked_out_too(held: Revalued) -> None:
    desk = held.desk
    desk.check(desk.leg("NEAR", 1, "100000"), order_id="o", account="a")
    desk.amend("o", desk.amend_leg("NEAR", 2, "100100"))
    assert desk.account("a").portfolio.amendments
    assert held.assert_each_is_its_own().is_known_a.all()
    desk.confirm("o")
    assert held.assert_each_is_its_own().is_known_a.all()


def test_accounts_of_other_models_are_worked_out_one_by_one_and_come_back() -> None:
    desk = regime_desk().open("a", usd="200000")
    held = Revalued(desk)
    desk.hold("a", NEAR=3)
    span = held.assert_each_is_its_own()
    change(desk, "cross")
    cross = held.assert_each_is_its_own()
    assert cross.initial_a.tolist() != span.initial_a.tolist()
    change(desk, "span")
    assert held.assert_each_is_its_own().initial_a.tolist() == span.initial_a.tolist()


def test_new_parameters_have_every_account_taken_again(held: Revalued) -> None:
    held.figures()
    charged = Terms(
        model=small_model(),
        tiers={"default": SOME_FEES, "charged": SOME_FEES},
        policy=PolicyNumbers(),
        others={},
    )
    charged.bring_into_force(held.desk.shard, held.desk.now_ns)
    held.assert_each_is_its_own()
    charged.bring_into_force(held.desk.shard, held.desk.now_ns)
    assert held.revaluing.take(10) == []


def test_what_changed_since_the_latest_figures_is_told(held: Revalued) -> None:
    def changed() -> Change:
        return held.revaluing.changed(held.desk.shard.market.view, held.desk.now_ns)

    assert changed() is Change.PRICES
    held.figures()
    assert changed() is Change.NOTHING
    held.desk.quote(update())
    assert changed() is Change.NOTHING
    held.desk.deposit("5", account="c")
    held.revaluing.put(held.revaluing.take(1))
    assert changed() is Change.HOLDINGS
    held.desk.now_ns += 61 * SECOND_NS
    assert changed() is Change.PRICES
    held.figures()
    held.desk.quote(update({**MARKS, "NEAR": 97_000}))
    assert changed() is Change.PRICES


def but_for(account: str, genuine: Callable[..., Any]) -> Callable[..., Any]:
    """The function; it fails where it is given the name of an account, or what that one has."""

    def of_others(*given: Any) -> Any:
        if any(account in (each, getattr(each, "account", None)) for each in given):
            raise RuntimeError("planted")
        return genuine(*given)

    return of_others


def failed(held: Revalued) -> list[str]:
    return [each.account for each in held.revaluing.failures.taken()]


def unknown(figures: AccountFigures) -> set[str]:
    places = np.flatnonzero(~figures.is_known_a).tolist()
    return {figures.accounts[place] for place in places}


@pytest.mark.parametrize(
    ("owner", "name"), [(revaluing, "holdings_of"), (ModelColumns, "put")], ids=["copied", "put in"]
)
def test_an_account_that_cannot_be_taken_is_unknown_and_costs_nobody_else_anything(
    held: Revalued, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str
) -> None:
    held.figures()
    for account in "abcde":
        held.desk.deposit("5", account=account)
    with monkeypatch.context() as planted:
        planted.setattr(owner, name, but_for("b", getattr(owner, name)))
        held.revaluing.put(held.revaluing.take(10))
        assert failed(held) == ["b"]
        found = held.figures()
        assert unknown(found) == {"b"}
        places = [found.accounts.index(each) for each in "acde"]
        versions = [held.desk.account(each).version for each in "acde"]
        assert found.version_a[places].tolist() == versions
        change = held.revaluing.changed(held.desk.shard.market.view, held.desk.now_ns)
        assert change is Change.HOLDINGS, "figures come again without a change of anything else"
    assert held.assert_each_is_its_own().is_known_a.all(), "it was taken once more"
    assert not held.revaluing.take(10)


def test_a_new_account_that_fails_leaves_room_for_those_after_it(
    held: Revalued, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as planted:
        planted.setattr(revaluing, "holdings_of", but_for("b", revaluing.holdings_of))
        held.revaluing.put(held.revaluing.take(10))
        found = held.revaluing.figures(held.desk.shard.market.view, held.desk.now_ns)
    assert unknown(found) == set(failed(held)) == {"b"}
    assert held.assert_each_is_its_own().is_known_a.all()


def test_an_account_that_fails_by_itself_is_unknown_alone(
    held: Revalued, monkeypatch: pytest.MonkeyPatch
) -> None:
    held.desk.deposit("10000000", "BTC", "d")  # more than columns hold
    found = held.assert_each_is_its_own()

    def broken(*_: object) -> None:
        raise OverflowError("planted")

    with monkeypatch.context() as planted:
        planted.setattr(AccountRisk, "of", broken)
        made = held.revaluing.figures(held.desk.shard.market.view, held.desk.now_ns)
    assert unknown(made) == set(failed(held)) == {"d"}
    assert made.version_a.tolist() == found.version_a.tolist()
    assert held.assert_each_is_its_own().is_known_a.all()
