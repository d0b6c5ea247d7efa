"""How far a coin may move, against what follows on paper. [MON-13]"""

from dataclasses import replace

import pytest

from margingate_engine.core.errors import MissingData
from margingate_engine.market.part import market_part
from margingate_engine.monitoring.liquidation import (
    GRID_PPM,
    Direction,
    LiquidationMove,
    LiquidationSearch,
)
from margingate_engine.portfolio.holdings import Portfolio
from tests.unit.engine.small_market import COIN, SmallMarket, small_market

MARKET = small_market()
DOWN, UP = Direction.DOWN, Direction.UP


def search(market: SmallMarket = MARKET) -> LiquidationSearch:
    return LiquidationSearch(
        model=market.arrays.model, table=market.table, snapshot=market.arrays.snapshot
    )


def moves(portfolio: Portfolio) -> tuple[LiquidationMove | None, LiquidationMove | None]:
    found = search()
    return found.move(portfolio, "BTC", DOWN), found.move(portfolio, "BTC", UP)


def is_at(move: LiquidationMove | None, share: float) -> bool:
    """Whether the move is the exact one, or beyond it by less than a hundredth of a percent."""
    assert move is not None
    beyond_ppm = abs(move.move_ppm) - abs(share) * 1e6
    return move.move_ppm * share > 0 and 0 <= beyond_ppm <= 100


def test_a_future_is_liquidated_where_its_loss_meets_its_maintenance() -> None:
    """One coin at 101,000 requires 12 % of its price: 20,000 USD last to 81,000 / 0.88."""
    down, up = moves(MARKET.portfolio(20_000, NEAR=10))
    assert is_at(down, 81_000 / 0.88 / 101_000 - 1)
    assert up is None
    assert down is not None
    assert down.index_nano == 100_000 * (10**6 + down.move_ppm) * 1_000
    down, up = moves(MARKET.portfolio(20_000, NEAR=-10))
    assert down is None
    assert is_at(up, 121_000 / 1.12 / 101_000 - 1)


def test_a_short_straddle_is_liquidated_either_way() -> None:
    down, up = moves(MARKET.portfolio(40_000, CALL=-10, PUT=-10))
    assert down is not None
    assert up is not None
    assert down.move_ppm < -120_000
    assert up.move_ppm > 120_000


def test_a_coin_that_covers_its_call_never_is() -> None:
    assert moves(MARKET.portfolio(20_000, coins=COIN, COIN_CALL=-10)) == (None, None)


def test_who_is_in_liquidation_needs_no_move() -> None:
    portfolio = MARKET.portfolio(10_000, NEAR=10)
    still = LiquidationMove(underlying="BTC", move_ppm=0, index_nano=100_000 * 10**9)
    assert moves(portfolio) == (still, still)


def test_open_orders_have_no_part_in_it() -> None:
    portfolio = MARKET.portfolio(20_000, NEAR=10)
    plain = moves(portfolio)
    portfolio.legs["o"] = (MARKET.open_leg("NEAR", 100, "101000"),)
    assert moves(portfolio) == plain


def test_markets_are_moved_once_for_all_accounts() -> None:
    shared = search()
    shared.move(MARKET.portfolio(20_000, NEAR=10), "BTC", DOWN)
    made = dict(shared._arrays)
    assert len(made) == 1 + 12 + 8  # none, the grid to 10 %, halves of 8 to 10 %
    shared.move(MARKET.portfolio(20_000, NEAR=10), "BTC", DOWN)
    assert shared._arrays == made
    shared.move(MARKET.portfolio(30_000, NEAR=10), "BTC", DOWN)
    assert len(shared._arrays) < 2 * len(made)
    assert all(made[key] is shared._arrays[key] for key in made)


def test_a_market_of_what_is_held_alone_gives_the_same() -> None:
    portfolio = MARKET.portfolio(20_000, NEAR=10)
    table, snapshot = market_part(MARKET.table, MARKET.arrays.snapshot, portfolio.positions)
    part = LiquidationSearch(model=MARKET.arrays.model, table=table, snapshot=snapshot)
    own = replace(portfolio, positions={0: portfolio.positions[MARKET.row("NEAR")]}, cash={
        "USD": portfolio.cash["USD"]
    })  # fmt: skip
    assert part.move(own, "BTC", DOWN) == moves(portfolio)[0]


def test_without_a_price_there_is_no_answer() -> None:
    lacking = small_market(marks={"NEAR": 0})
    with pytest.raises(MissingData):
        search(lacking).move(MARKET.portfolio(20_000, NEAR=10), "BTC", DOWN)


def test_the_grid_goes_outward_to_its_ends() -> None:
    for direction, last in ((DOWN, -950_000), (UP, 4_000_000)):
        grid = [0, *GRID_PPM[direction]]
        assert grid[-1] == last
        assert grid == sorted(grid, reverse=direction is DOWN)
        assert len(set(grid)) == len(grid)
