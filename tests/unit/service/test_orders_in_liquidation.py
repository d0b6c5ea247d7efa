"""Orders of an account in liquidation: by the figures of the instant and by the policy."""

import msgspec
import pytest

from margingate_engine.core.reasons import RejectReason
from margingate_engine.monitoring.states import MarginState
from tests.unit.engine.small_market import MARKS
from tests.unit.service.margin_figures import revalued
from tests.unit.service.small_desk import SECOND_NS, SmallDesk, small_desk, update

CLOSING = ("NEAR", -1, "91000")


@pytest.fixture
def sunk() -> SmallDesk:
    """Ten lots of NEAR below their maintenance margin; only liquidators may trade."""
    desk = small_desk().open(usd="20000")
    desk.hold(NEAR=10)
    desk.quote(update({**MARKS, "NEAR": 91_000.0}))
    policy = msgspec.structs.replace(desk.state.policy, liquidation_orders="none")
    desk.state.policy = policy
    return desk


def reason(desk: SmallDesk) -> RejectReason:
    """Why an order that closes a lot is refused, or NONE."""
    return RejectReason(desk.check(desk.leg(*CLOSING)).decision.reason)


def test_an_account_is_left_to_liquidators_where_the_policy_says_so(sunk: SmallDesk) -> None:
    """[MON-11]"""
    assert reason(sunk) is RejectReason.ACCOUNT_IN_LIQUIDATION
    usual = msgspec.structs.replace(sunk.state.policy, liquidation_orders="risk_reducing")
    sunk.state.policy = usual
    assert reason(sunk) is RejectReason.NONE


def test_what_was_published_has_no_part_in_it(sunk: SmallDesk) -> None:
    """[MON-11] Neither before anything was said, nor while a better state waits to be said."""
    assert sunk.account().margin_state is MarginState.HEALTHY
    assert reason(sunk) is RejectReason.ACCOUNT_IN_LIQUIDATION
    revalued(sunk)
    sunk.quote(update({**MARKS, "NEAR": 95_000.0}))
    revalued(sunk)
    assert sunk.account().margin_state is MarginState.LIQUIDATION
    decision = sunk.check(sunk.leg("NEAR", -1, "95000")).decision
    assert decision.reason == RejectReason.NONE


def test_the_refusal_binds_nothing(sunk: SmallDesk) -> None:
    """[MON-11] The same request is decided anew when the account has come out of it."""
    leg = sunk.leg("NEAR", -1, "91000")
    refused = sunk.check(leg, order_id="o", request_id="r").decision
    assert refused.reason == RejectReason.ACCOUNT_IN_LIQUIDATION
    sunk.deposit("1000")
    assert sunk.check(leg, order_id="o", request_id="r").decision.reason == RejectReason.NONE


def test_while_liquidation_is_suspended_closing_orders_pass(sunk: SmallDesk) -> None:
    """[MON-06] [MON-11]"""
    sunk.account().liquidation_not_before_ns = sunk.now_ns + SECOND_NS
    assert reason(sunk) is RejectReason.NONE
    sunk.now_ns += SECOND_NS
    assert reason(sunk) is RejectReason.ACCOUNT_IN_LIQUIDATION


def test_fills_and_releases_are_taken_all_the_same(sunk: SmallDesk) -> None:
    """[MON-11]"""
    sunk.state.policy = msgspec.structs.replace(
        sunk.state.policy, liquidation_orders="risk_reducing"
    )
    for order_id in ("filled", "released"):
        decision = sunk.check(sunk.leg(*CLOSING), order_id=order_id).decision
        assert decision.reason == RejectReason.NONE
    sunk.state.policy = msgspec.structs.replace(sunk.state.policy, liquidation_orders="none")
    sunk.fill("filled", *CLOSING)
    assert sunk.release("released").released_count == 1
    assert sunk.account().portfolio.positions[sunk.row("NEAR")].lots == 9
