"""From a wrong price to a refused order: nothing is decided on what is in doubt."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from margingate_engine.core.amounts import PPM
from margingate_engine.core.arrays import read_only
from margingate_engine.core.reasons import RejectReason
from margingate_engine.monitoring.states import MarginState
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.quality.doubt import Doubt
from margingate_engine.quality.parameters import QualityParameters
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.service.margin_states import instant_of
from margingate_server.service.refusals import NotNow
from margingate_server.service.settlement import ExpiryPrice
from tests.unit.engine.quality.chain import LIMITS
from tests.unit.engine.small_market import MARKS, NANO, NEAR_NS
from tests.unit.service.small_desk import (
    AGE_LIMITS,
    MARKET_TIME_NS,
    SECOND_NS,
    SmallDesk,
    small_desk,
    update,
)

# The small market's marks are intrinsic values: they agree with no vol.
LOOSE = replace(
    LIMITS,
    mark_gap_ppm=10 * PPM,
    parity_gap_ppm=10 * PPM,
    forward_gap_ppm=10 * PPM,
    interpolated_width_ppm=10 * PPM,
)
VOL = 0.5


def prices(
    at_seconds: float = 0.0, *, vols: Mapping[str, float] | None = None, factor: float = 1.0
) -> MarketUpdate:
    """The small market's prices, all of them `factor` times as high, with vols of 50 %."""
    base = update(market_time_ns=MARKET_TIME_NS + round(at_seconds * SECOND_NS))
    vol_i = np.where(base.mark_vol_i > 0, VOL, 0.0)
    for name, vol in (vols or {}).items():
        vol_i[base.names.index(name)] = vol
    return replace(
        base,
        index_by_underlying={"BTC": 100_000.0 * factor},
        mark_price_i=base.mark_price_i * factor,
        forward_price_i=base.forward_price_i * factor,
        mark_vol_i=vol_i,
    )


def judged_desk() -> SmallDesk:
    """A desk whose market judges prices, and an account with money."""
    desk = small_desk()
    quote(desk, 0.0)
    desk.shard.market.quality = QualityParameters(otherwise=LOOSE, by_underlying={})
    return desk.open(usd="1000000")


def quote(desk: SmallDesk, at_seconds: float, **asked: object) -> None:
    desk.now_ns += SECOND_NS
    desk.quote(prices(at_seconds, **asked))  # type: ignore[arg-type]


def decided(
    desk: SmallDesk, name: str, lots: int, limit: str, account: str = "a"
) -> tuple[RejectReason, str]:
    decision = desk.check(desk.leg(name, lots, limit), account=account).decision
    return RejectReason(decision.reason), decision.detail


def state(desk: SmallDesk) -> MarginState:
    account = desk.account()
    numbers = desk.state.policy.monitoring
    view = desk.shard.view_of(account)
    return instant_of(account, view, numbers, AGE_LIMITS, desk.now_ns).state


def initial(desk: SmallDesk) -> int:
    risk = desk.shard.view_of(desk.account()).risk
    assert risk is not None
    return risk.risk.initial


def test_a_spike_moves_no_margin_and_lets_no_order_pass_until_a_good_price_comes() -> None:
    desk = judged_desk()
    desk.hold(CALL=-2, NEAR=3)
    before = initial(desk)
    quote(desk, 0.0, factor=10.0)
    assert initial(desk) == before
    assert desk.shard.market.view.snapshot.index_nano_u[0] == 100_000 * 10**9
    assert decided(desk, "NEAR", 1, "101000") == (
        RejectReason.MARKET_DATA_SUSPECT,
        "price of BTC is in doubt: the index jumped and is not confirmed yet",
    )
    quote(desk, 2.0)
    assert decided(desk, "NEAR", 1, "101000")[0] is RejectReason.NONE


def test_the_same_order_may_be_asked_again_by_its_id_after_a_doubt() -> None:
    desk = judged_desk()
    quote(desk, 1.0, factor=10.0)
    leg = desk.leg("NEAR", 1, "101000")
    refused = desk.check(leg, request_id="r", order_id="o").decision
    assert refused.reason == RejectReason.MARKET_DATA_SUSPECT
    quote(desk, 2.0)
    assert desk.check(leg, request_id="r", order_id="o").decision.reason == RejectReason.NONE


def test_only_who_rests_on_a_doubtful_price_is_refused() -> None:
    desk = judged_desk()
    desk.hold(FAR=1)
    desk.open("b", usd="1000000")
    view = desk.shard.market.view
    doubt_i = view.snapshot.doubt_i.copy()
    doubt_i[desk.row("FAR")] = Doubt.PRICE_JUMP
    desk.shard.market.view = replace(
        view, snapshot=replace(view.snapshot, doubt_i=read_only(doubt_i))
    )
    words = "price of FAR is in doubt: its price jumped and is not confirmed yet"
    assert decided(desk, "CALL", 1, "200") == (RejectReason.MARKET_DATA_SUSPECT, words)
    assert decided(desk, "CALL", 1, "200", "b")[0] is RejectReason.NONE
    assert decided(desk, "FAR", 1, "104000", "b") == (RejectReason.MARKET_DATA_SUSPECT, words)
    with pytest.raises(NotNow) as refused:
        desk.deposit("-1")
    assert (refused.value.reason, refused.value.subject) == (
        RejectReason.MARKET_DATA_SUSPECT,
        "FAR",
    )


def test_a_coin_whose_index_is_in_doubt_is_no_collateral_to_rest_on() -> None:
    desk = judged_desk()
    desk.open("b", coins="1")
    quote(desk, 1.0, factor=10.0)
    with pytest.raises(NotNow) as refused:
        desk.deposit("-0.1", "BTC", "b")
    assert refused.value.reason is RejectReason.MARKET_DATA_SUSPECT


def test_too_old_comes_before_in_doubt() -> None:
    desk = judged_desk()
    quote(desk, 1.0, factor=10.0)
    desk.now_ns += 10 * SECOND_NS
    assert decided(desk, "NEAR", 1, "101000")[0] is RejectReason.MARKET_DATA_STALE


def test_an_interpolated_vol_costs_the_surcharge_and_nothing_else() -> None:
    desk = judged_desk()
    desk.hold(PUT=-4, NEAR=1)
    quote(desk, 1.0, vols={"PUT": 0.0})
    snapshot, row = desk.shard.market.view.snapshot, desk.row("PUT")
    ppm = int(snapshot.surcharge_ppm_i[row])
    assert snapshot.vol_nano_i[row] == VOL * 10**9
    assert 2_500 < ppm < 25_000
    notional = desk.shard.market.view.arrays.notional_i[row]
    certain = replace(snapshot, surcharge_ppm_i=np.zeros_like(snapshot.surcharge_ppm_i))
    arrays = desk.shard.market.model.risk_arrays(desk.shard.market.view.table, certain)
    without = AccountRisk.of(desk.account().portfolio, arrays).risk
    assert initial(desk) - without.initial == 4 * -(-notional * ppm // PPM)


def test_what_differs_in_doubt_alone_is_no_new_market_to_be_margined_by() -> None:
    desk = judged_desk()
    version = desk.shard.market.view.snapshot.version
    arrays = desk.shard.market.view.arrays
    desk.now_ns += SECOND_NS
    desk.quote(replace(prices(), index_by_underlying={"BTC": 10**6}))
    assert desk.shard.market.view.snapshot.doubt_u[0] == Doubt.INDEX_JUMP
    assert desk.shard.market.view.snapshot.version == version
    assert desk.shard.market.view.arrays is arrays


def test_listing_keeps_what_is_known_of_doubts() -> None:
    desk = judged_desk()
    quote(desk, 1.0, factor=10.0)
    market = desk.shard.market
    new = replace(market.view.table.instruments[-1], name="ETH-PERPETUAL", underlying="ETH")
    market.view = market.planned_listing([new])
    assert market.view.has_doubt
    quote(desk, 2.0, factor=10.0)
    quote(desk, 3.0, factor=10.0)
    assert market.view.snapshot.index_nano_u[0] == 10**15
    assert not market.view.has_doubt


def test_after_a_restart_the_first_prices_have_nothing_to_be_a_jump_from() -> None:
    desk = judged_desk()
    market = desk.shard.market
    restarted = type(market)(market.model, market.view.table, 100, quality=market.quality)
    restarted.remember(market.view.snapshot)
    restarted.view = restarted.planned_update(prices(1.0, factor=2.0), desk.now_ns)
    assert restarted.view.snapshot.index_nano_u[0] == 200_000 * 10**9
    assert not restarted.view.has_doubt


def test_a_market_that_judges_nothing_takes_prices_as_they_come() -> None:
    desk = judged_desk()
    desk.shard.market.quality = None
    quote(desk, 1.0, factor=10.0)
    assert desk.shard.market.view.snapshot.index_nano_u[0] == 10**15
    assert not desk.shard.market.view.has_doubt
    assert set(MARKS) <= set(desk.shard.market.view.table.row_by_name)


def test_who_holds_what_expired_in_doubt_waits_for_its_settlement() -> None:
    desk = judged_desk()
    desk.hold(NEAR=1, CALL=-2)
    desk.open("b", usd="1000000")
    last = (NEAR_NS - MARKET_TIME_NS) / SECOND_NS - 1
    quote(desk, last)
    quote(desk, last)
    wrong = prices(last)
    marks = wrong.mark_price_i.copy()
    marks[wrong.names.index("NEAR")] *= 1.2
    desk.quote(replace(wrong, mark_price_i=marks))
    for later in (1, 2, 60):
        quote(desk, last + later)
        reason, words = decided(desk, "FAR", 1, "104000")
        assert reason is RejectReason.MARKET_DATA_SUSPECT
        assert words.startswith("price of NEAR is in doubt")
        assert state(desk) is MarginState.UNKNOWN
        assert decided(desk, "FAR", 1, "104000", "b")[0] is RejectReason.NONE
    price = ExpiryPrice(underlying="BTC", expiry_ns=NEAR_NS, price_nano=101_000 * NANO)
    desk.desk.settling.settle([price], desk.now_ns)
    assert decided(desk, "FAR", 1, "104000")[0] is RejectReason.NONE
    assert state(desk) is not MarginState.UNKNOWN
    quote(desk, last + 61)
    assert not desk.shard.market.view.has_doubt
