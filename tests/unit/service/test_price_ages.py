"""How old prices are by underlying, and when none of them lets an order pass."""

from math import inf

import numpy as np
import pytest

from margingate_server.feeds.feed import MarketUpdate
from margingate_server.service.freshness import age_seconds
from margingate_server.service.price_ages import (
    MarkAges,
    _age_seconds,
    index_ages,
    is_decidable,
    mark_ages,
)
from tests.unit.engine.small_market import MARKS, NANO, NEAR_NS
from tests.unit.service.small_desk import AGE_LIMITS, SECOND_NS, SmallDesk, small_desk, update


@pytest.fixture
def desk() -> SmallDesk:
    return small_desk()


def pass_time(desk: SmallDesk, seconds: int) -> None:
    desk.now_ns += seconds * SECOND_NS


def can_decide(desk: SmallDesk) -> bool:
    return is_decidable(desk.shard.market.view, desk.now_ns, AGE_LIMITS)


def of_index_alone() -> MarketUpdate:
    return update({})


def test_prices_are_infinitely_old_before_the_first(
    desk: SmallDesk,
) -> None:
    desk.quote()
    pass_time(desk, 3)
    assert index_ages(desk.shard.market.view, desk.now_ns) == {"BTC": 3.0}  # SOL has no parameters
    market = desk.shard.market
    never = market._unpriced(market.view.table, 9)
    assert index_ages(never, desk.now_ns) == {"BTC": inf}
    assert mark_ages(never, desk.now_ns) == {"BTC": MarkAges(inf, inf)}


def test_marks_have_a_median_and_an_oldest_spot_apart(desk: SmallDesk) -> None:
    priced = [name for name in MARKS if name != "SOL-PERPETUAL"]  # eleven
    desk.quote()
    for count, median in ((5, 6.0), (6, 1.0)):
        pass_time(desk, 5)
        desk.quote(update({name: MARKS[name] for name in priced[:count]}))
        pass_time(desk, 1)
        assert mark_ages(desk.shard.market.view, desk.now_ns)["BTC"].median == median
    assert mark_ages(desk.shard.market.view, desk.now_ns)["BTC"].oldest == 12.0


def test_what_has_expired_is_not_waited_for(desk: SmallDesk) -> None:
    desk.quote()
    pass_time(desk, 500)
    last = ("FAR-CALL", "FAR", "PERPETUAL", "COIN-PERPETUAL", "COIN-FAR")
    desk.quote(update({name: MARKS[name] for name in last}, market_time_ns=NEAR_NS))
    assert mark_ages(desk.shard.market.view, desk.now_ns) == {"BTC": MarkAges(0.0, 0.0)}


def test_no_order_can_be_decided_when_every_mark_is_old_however_fresh_the_index(
    desk: SmallDesk,
) -> None:
    desk.quote()
    assert can_decide(desk)
    for _ in range(7):
        pass_time(desk, 10)
        desk.quote(of_index_alone())
    assert not can_decide(desk)
    name = next(iter(MARKS))
    desk.quote(update({name: MARKS[name]}))
    assert can_decide(desk)


def test_no_order_can_be_decided_when_the_index_is_old_however_fresh_the_marks(
    desk: SmallDesk,
) -> None:
    desk.quote()
    pass_time(desk, 11)
    desk.quote(update(index=None))
    assert not can_decide(desk)


def test_nothing_can_be_decided_before_the_first_prices(desk: SmallDesk) -> None:
    market = desk.shard.market
    assert not is_decidable(market._unpriced(market.view.table, 9), desk.now_ns, AGE_LIMITS)


@pytest.mark.parametrize("age_ns", [-2 * NANO, -NANO, 0, 1, 3 * NANO])
def test_ages_of_columns_are_those_of_single_prices(age_ns: int) -> None:
    now_ns = 10**18
    observed_ns = np.array([now_ns - age_ns, -1])
    expected = [age_seconds(int(each), now_ns) for each in observed_ns]
    assert _age_seconds(observed_ns, now_ns).tolist() == expected
