"""Fills, entries, releases and cash, by hand. [SPAN-06]"""

from fractions import Fraction

from tests.reference.account import Position
from tests.reference.contracts import USD as CASH
from tests.reference.small_world import COIN, USD, execution, hold, order, small_oracle


def test_a_future_keeps_its_entry_and_realises_what_is_closed() -> None:
    oracle = small_oracle()
    account = oracle.accounts["a"]
    oracle.fill("a", "x", execution("NEAR", 1, 3, "100000"), fee=0)
    assert account.positions["NEAR"] == Position(3, -30_000 * USD)
    oracle.fill("a", "x", execution("NEAR", -1, 1, "101000"), fee=0)
    assert account.positions["NEAR"] == Position(2, -20_000 * USD)
    assert account.cash[CASH] == 100 * USD


def test_a_fill_that_turns_a_future_splits_its_flow() -> None:
    oracle = small_oracle()
    account = oracle.accounts["a"]
    oracle.fill("a", "x", execution("NEAR", 1, 1, "100000"), fee=0)
    oracle.fill("a", "x", execution("NEAR", -1, 3, "101000"), fee=0)
    assert account.positions["NEAR"] == Position(-2, 20_200 * USD)
    assert account.cash[CASH] == 100 * USD


def test_entries_of_inverse_futures_are_rounded_down() -> None:
    oracle = small_oracle()
    account = oracle.accounts["a"]
    oracle.fill("a", "x", execution("COIN-PERPETUAL", -1, 1, "90000"), fee=0)
    assert account.positions["COIN-PERPETUAL"] == Position(-1, -111_111_112)
    oracle.fill("a", "x", execution("COIN-PERPETUAL", 1, 2, "90000"), fee=0)
    assert account.positions["COIN-PERPETUAL"] == Position(1, 111_111_111)
    assert account.cash["BTC"] == -1


def test_spot_moves_coins_and_cash_and_leaves_no_position() -> None:
    oracle = small_oracle()
    account = oracle.accounts["a"]
    oracle.fill("a", "x", execution("BTC", 1, 5, "100000"), fee=7)
    assert (account.cash["BTC"], account.cash[CASH]) == (COIN // 2, -50_000 * USD - 7)
    assert not account.positions


def test_an_option_pays_its_premium_in_its_own_asset() -> None:
    oracle = small_oracle()
    account = oracle.accounts["a"]
    oracle.fill("a", "x", execution("COIN-CALL", -1, 2, "0.1"), fee=COIN // 1000)
    assert account.cash["BTC"] == 2 * COIN // 100 - COIN // 1000
    assert account.positions["COIN-CALL"] == Position(-2, 0)


def test_partial_fills_shrink_the_hold_until_nothing_is_open() -> None:
    oracle = small_oracle()
    oracle.accounts["a"].cash[CASH] = 10_000 * USD
    assert oracle.check("a", order("NEAR", 1, 3, "101000")).accepted
    oracle.fill("a", "o", execution("NEAR", 1, 2, "101000"), fee=0)
    assert oracle.accounts["a"].orders["o"].legs[0].lots == 1
    oracle.fill("a", "o", execution("NEAR", 1, 1, "101000"), fee=0)
    assert not oracle.accounts["a"].orders
    assert oracle.check("a", order("NEAR", 1, 1, "101000")).reason == "DUPLICATE_ORDER_ID"


def test_hold_then_release_restores_the_margin() -> None:
    oracle = small_oracle()
    oracle.accounts["a"].cash[CASH] = 10_000 * USD
    hold(oracle, "CALL", -2, Fraction(200))
    before = oracle.risk("a")
    assert oracle.check("a", order("PUT", -1, 1, "10")).accepted
    assert oracle.risk("a").initial > before.initial
    assert oracle.release("a", "o")
    assert oracle.risk("a") == before
    assert not oracle.release("a", "o")
