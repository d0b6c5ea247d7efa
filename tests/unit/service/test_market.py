"""Market views: what is listed, what prices do, and what is refused whole."""

from dataclasses import replace

import numpy as np
import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.market.table import InstrumentTable
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.service.market import Market
from tests.unit.engine.small_market import DAY_NS, INSTRUMENTS, MARKS, NANO, option
from tests.unit.service.small_desk import SmallDesk, small_desk, update


def refused(desk: SmallDesk, wrong: MarketUpdate) -> str:
    """The field that an update is refused for; the view stays."""
    market = desk.shard.market
    before = market.view
    with pytest.raises(InvalidInput) as refusal:
        market.planned_update(wrong, desk.now_ns)
    assert market.view is before
    return refusal.value.field


def test_new_prices_make_a_new_version_with_new_risk_arrays() -> None:
    desk = small_desk()
    before = desk.shard.market.view
    desk.quote(update(index=110_000.0))
    after = desk.shard.market.view
    assert after.snapshot.version == before.snapshot.version + 1
    assert after.arrays is not before.arrays
    assert after.arrays.groups[0] is not None
    assert after.arrays.groups[0].index_nano == 110_000 * NANO


def test_the_same_prices_only_get_younger() -> None:
    desk = small_desk()
    before = desk.shard.market.view
    desk.now_ns += 7
    desk.quote()
    after = desk.shard.market.view
    assert after.arrays is before.arrays
    assert after.snapshot.version == before.snapshot.version
    assert set(after.snapshot.observed_ns_i[:12] - before.snapshot.observed_ns_i[:12]) == {7, 0}
    assert after.snapshot.observed_ns_u[0] == before.snapshot.observed_ns_u[0] + 7


@pytest.mark.parametrize(
    "changed",
    [
        {"mark_vol_i": np.array([0.5])},
        {"forward_price_i": np.array([99_999.0])},
        {"mark_price_i": np.array([201.0])},
        {"index_by_underlying": {"BTC": 99_999.0}},
        {"market_time_ns": DAY_NS + 1},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whatever_differs_makes_a_new_version(changed: dict[str, object]) -> None:
    desk = small_desk()
    before = desk.shard.market.view
    desk.quote(replace(update({"CALL": MARKS["CALL"]}), **changed))
    after = desk.shard.market.view
    assert after.snapshot.version == before.snapshot.version + 1
    assert after.arrays.snapshot is after.snapshot


def test_what_an_update_does_not_name_keeps_its_price_and_time() -> None:
    desk = small_desk()
    before = desk.shard.market.view.snapshot
    desk.now_ns += 7
    desk.quote(update({"NEAR": 99_000.0}, index=None))
    after, row = desk.shard.market.view.snapshot, desk.row("NEAR")
    changed = np.flatnonzero(after.mark_nano_i != before.mark_nano_i)
    assert list(changed) == list(np.flatnonzero(after.observed_ns_i != before.observed_ns_i))
    assert list(changed) == [row]
    assert np.array_equal(after.observed_ns_u, before.observed_ns_u)


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -1.0, 1e12])
def test_a_price_that_cannot_be_refuses_the_whole_update(price: float) -> None:
    desk = small_desk()
    assert refused(desk, update({**MARKS, "NEAR": price})) == "mark_prices"
    assert refused(desk, update(index=price)) == "indices"


def test_vols_and_forwards_are_judged_too() -> None:
    desk = small_desk()
    good = update({"CALL": 1.0})
    assert refused(desk, replace(good, mark_vol_i=np.array([np.nan]))) == "mark_vols"
    assert refused(desk, replace(good, forward_price_i=np.array([-1.0]))) == "forward_prices"


def test_lists_must_match_and_name_listed_instruments_once() -> None:
    desk = small_desk()
    good = update({"CALL": 1.0, "PUT": 1.0})
    assert refused(desk, replace(good, mark_price_i=np.array([1.0]))) == "mark_prices"
    assert refused(desk, replace(good, names=("CALL", "CALL"))) == "instruments"
    assert refused(desk, replace(good, names=("CALL", "X"))) == "instruments[1]"
    assert refused(desk, replace(good, index_by_underlying={"DOGE": 1.0})) == "indices"


def test_market_time_never_goes_back() -> None:
    desk = small_desk()
    desk.quote(update(market_time_ns=2 * DAY_NS))
    assert refused(desk, update(market_time_ns=2 * DAY_NS - 1)) == "market_time"


def test_market_time_may_be_five_seconds_ahead_of_the_server_and_not_more() -> None:
    desk = small_desk()
    limit_ns = desk.now_ns + 5 * NANO
    assert refused(desk, update(market_time_ns=limit_ns + 1)) == "market_time"
    desk.quote(update(market_time_ns=limit_ns))
    assert desk.shard.market.view.snapshot.market_time_ns == limit_ns


def test_listing_more_keeps_rows_and_prices() -> None:
    desk = small_desk()
    market = desk.shard.market
    before = market.view
    extra = replace(INSTRUMENTS[0], name="EXTRA")
    view = market.planned_listing((extra,))
    assert market.view is before
    assert [each.name for each in view.table.instruments[:-1]] == [e.name for e in INSTRUMENTS]
    assert view.arrays.priced_i == [*before.arrays.priced_i, False]
    assert np.array_equal(view.arrays.pnl_ir[:-1], before.arrays.pnl_ir)


def test_only_what_is_new_or_differs_is_to_be_listed() -> None:
    market = small_desk().shard.market
    halted = replace(INSTRUMENTS[3], is_halted=True)
    extra = replace(INSTRUMENTS[0], name="EXTRA")
    assert market.new_instruments(INSTRUMENTS) == ()
    assert market.new_instruments((*INSTRUMENTS[:3], halted, extra)) == (halted, extra)


def test_a_contract_cannot_change_under_its_name() -> None:
    market = small_desk().shard.market
    call = INSTRUMENTS[0]
    assert call.right is not None
    for other in (
        replace(call, lot_nano=NANO),
        replace(call, contract_nano=2 * NANO),
        replace(call, strike_nano=NANO),
        option("CALL", 112_000, call.right, inverse=True),
        option("CALL", 112_000, call.right, expiry_ns=5 * DAY_NS),
    ):
        with pytest.raises(InvalidInput):
            market.planned_listing((other,))
    market.planned_listing((replace(call, tick_nano=5), replace(call, is_halted=True)))


def test_a_changed_instrument_makes_a_new_version_even_without_a_new_row() -> None:
    market = small_desk().shard.market
    view = market.planned_listing((replace(INSTRUMENTS[3], is_halted=True),))
    assert view.snapshot.version == market.view.snapshot.version + 1
    assert view.arrays.snapshot is view.snapshot


def test_a_market_goes_on_from_another_with_its_prices_if_it_lists_the_same() -> None:
    former = small_desk().shard.market
    same = Market(former.model, InstrumentTable(former.view.table.instruments))
    same.take_over(former)
    assert same.view is former.view
    fewer = Market(former.model, InstrumentTable(former.view.table.instruments[:-1]))
    fewer.take_over(former)
    assert fewer.view.snapshot.version == former.view.snapshot.version + 1
    assert len(fewer.view.table) == len(former.view.table) - 1
    assert not any(fewer.view.arrays.priced_i)
    later = Market(former.model, InstrumentTable(()), 100)
    later.take_over(former)
    assert later.view.snapshot.version == 100
