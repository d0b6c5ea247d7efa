"""Wallets of who comes to be margined by isolated. Ten lots of NEAR require 2,020. [ISO-06]"""

from decimal import Decimal

import pytest

from margingate_engine.core.reasons import RejectReason
from margingate_engine.models.isolated import free_wallet, position_risks_of
from margingate_server.ledger.events import decode_event
from margingate_server.ledger.regime_events import RegimeFellBack, RegimeSet
from margingate_server.ledger.wallet_events import WalletNumbers
from margingate_server.service.expiry import with_lag
from margingate_server.service.refusals import NotNow
from margingate_server.service.regimes import RegimeAnswer
from tests.unit.engine.small_market import MARKS, USD
from tests.unit.service.regime_desk import GRACE_NS, change
from tests.unit.service.small_desk import SECOND_NS, SmallDesk, folded_again, update
from tests.unit.service.wallet_desk import CROSS_ASKS, move, wallet, wallet_desk

HELD = {"NEAR": 10, "CALL": -1, "PUT": 2}


def in_cross(desk: SmallDesk, **lots: int) -> SmallDesk:
    """Account a with positions at their marks, under cross."""
    change(desk, "cross", is_forced=True)
    desk.hold(**lots)
    return desk


def opened(usd: str) -> SmallDesk:
    return wallet_desk().open(usd=usd)


def wallets(desk: SmallDesk) -> dict[str, Decimal | int]:
    return {name: wallet(desk, name) for name in sorted(HELD)}


def preview(desk: SmallDesk) -> RegimeAnswer:
    return desk.desk.regimes.preview("a", "isolated", desk.now_ns)


def last_event(desk: SmallDesk) -> object:
    return decode_event(desk.events()[-1].body)


def test_each_position_comes_with_its_initial_margin() -> None:
    desk = in_cross(opened("10000"), **HELD)
    told = preview(desk)
    made = change(desk, "isolated")
    assert wallets(desk) == {"CALL": 1_020, "NEAR": 2_020, "PUT": 0}
    assert made.after == told.after == desk.full_risk().risk == desk.kept_risk().risk
    each = position_risks_of(desk.full_risk().groups[0])
    assert not any(one.is_liquidatable for one in each)
    assert free_wallet(desk.full_risk()) == desk.full_risk().risk.headroom
    event = last_event(desk)
    assert isinstance(event, RegimeSet)
    assert event.wallets == (
        WalletNumbers("CALL", 1_020 * USD),
        WalletNumbers("NEAR", 2_020 * USD),
    )
    assert folded_again(desk).accounts["a"].portfolio.wallets == desk.account().portfolio.wallets


def test_what_a_position_has_gained_or_lost_is_counted() -> None:
    """Ten lots gain or lose 1,000 and require 2,040 and 2,000 then."""
    for mark, topped_up in ((102_000.0, 1_040), (100_000.0, 3_000)):
        desk = in_cross(opened("10000"), NEAR=10)
        desk.quote(update(marks={**MARKS, "NEAR": mark}))
        change(desk, "isolated")
        assert wallet(desk, "NEAR") == topped_up


def test_a_gain_beyond_the_margin_stays_with_its_position() -> None:
    desk = in_cross(opened("10000"), NEAR=10)
    desk.quote(update(marks={**MARKS, "NEAR": 104_000.0}))
    change(desk, "isolated")
    assert wallet(desk, "NEAR") == 0
    assert free_wallet(desk.full_risk()) == 10_000 * USD


def test_a_change_is_refused_where_the_free_wallet_does_not_reach() -> None:
    """3,040 are required by both; of 2,500 the first of the names takes what it lacks"""
    desk = in_cross(opened("2500"), **HELD)
    with pytest.raises(NotNow) as raised:
        change(desk, "isolated")
    assert raised.value.reason is RejectReason.INSUFFICIENT_INITIAL_MARGIN
    assert preview(desk).refusal is RejectReason.INSUFFICIENT_INITIAL_MARGIN
    change(desk, "isolated", is_forced=True)
    assert wallets(desk) == {"CALL": 1_020, "NEAR": 1_480, "PUT": 0}


def test_a_forced_change_without_prices_tops_nothing_up() -> None:
    desk = in_cross(opened("10000"), NEAR=10)
    desk.fill("venue", "SOL-PERPETUAL", 1, "150", fee="0")
    change(desk, "isolated", is_forced=True)
    assert desk.account().portfolio.wallets == {}


def test_the_same_model_by_its_name_keeps_the_wallets() -> None:
    """Accounts open under isolated: to choose it changes nothing."""
    desk = opened("10000")
    desk.fill("venue", "NEAR", 10, "101000", fee="0")
    move(desk, "NEAR", "500")
    assert desk.account().model == ""
    for _ in range(2):
        change(desk, "isolated")
        assert wallet(desk, "NEAR") == 2_520
    assert folded_again(desk).accounts["a"].portfolio.wallets == desk.account().portfolio.wallets


@pytest.mark.parametrize(("usd", "near"), [("10000", 2_020), ("2500", 1_480)])
def test_a_fall_back_tops_up_what_it_can(usd: str, near: int) -> None:
    desk = in_cross(wallet_desk(CROSS_ASKS).open(usd=usd), **HELD)
    for monotonic_ns in (SECOND_NS, SECOND_NS, SECOND_NS + with_lag(GRACE_NS)):
        desk.desk.qualifications.look(monotonic_ns, desk.now_ns)
    fell = last_event(desk)
    assert isinstance(fell, RegimeFellBack)
    assert desk.account().model == "isolated"
    assert wallets(desk) == {"CALL": 1_020, "NEAR": near, "PUT": 0}
    assert fell.shortfall == max(0, 3_040 * USD - int(usd) * USD)
    assert fell.shortfall == max(0, -desk.kept_risk().positions_risk.headroom)
    assert folded_again(desk).accounts["a"].portfolio.wallets == desk.account().portfolio.wallets
