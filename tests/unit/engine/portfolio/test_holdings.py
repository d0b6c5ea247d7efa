"""Holdings and their copies."""

from dataclasses import FrozenInstanceError

import pytest

from margingate_engine.portfolio.holdings import Portfolio, Position
from tests.unit.engine.small_market import small_market

MARKET = small_market()


def with_orders() -> Portfolio:
    held = MARKET.portfolio(10, 5, NEAR=1)
    held.wallets[MARKET.row("NEAR")] = 7
    held.legs["o"] = held.amendments["o"] = (MARKET.open_leg("CALL", -1, "200"),)
    return held


def test_a_position_is_one_for_all_copies_and_never_changes() -> None:
    position = Position(1)
    with pytest.raises(FrozenInstanceError):
        position.lots = 2  # type: ignore[misc]


def test_positions_without_their_orders_are_changed_apart_from_the_account() -> None:
    held, row = with_orders(), MARKET.row("NEAR")
    alone = held.positions_only()
    assert (alone.legs, alone.amendments) == ({}, {})
    assert (alone.cash, alone.positions, alone.wallets, alone.fees) == (
        held.cash, held.positions, held.wallets, held.fees,
    )  # fmt: skip
    alone.cash["USD"] = alone.wallets[row] = 0
    alone.positions[row] = Position(-1)
    alone.legs["p"] = ()
    assert held == with_orders()
