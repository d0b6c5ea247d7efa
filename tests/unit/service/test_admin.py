"""What risk officers do, and what a retry of it is answered."""

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import KillSwitchEngaged, KillSwitchReleased
from margingate_server.ledger.numbers import LimitNumbers
from margingate_server.service.refusals import RequestConflict, UnknownName
from tests.unit.service.small_desk import SmallDesk, small_desk


def funded() -> SmallDesk:
    return small_desk().open(usd="1000000").open("b", usd="1000000")


def reason(desk: SmallDesk, name: str, lots: int, price: str, account: str = "a") -> RejectReason:
    return RejectReason(desk.check(desk.leg(name, lots, price), account=account).decision.reason)


def engage(desk: SmallDesk, scope: str, subject: str = "", mode: str = "block_all") -> None:
    event = KillSwitchEngaged(
        request_id=desk.fresh_id(),
        request_digest="d",
        scope=scope,
        subject=subject,
        mode=mode,
        reason="why",
    )
    desk.desk.admin.engage_kill_switch(event, desk.now_ns)


def lift(desk: SmallDesk, scope: str, subject: str = "", request_id: str = "") -> bool:
    event = KillSwitchReleased(
        request_id=request_id or desk.fresh_id(),
        request_digest="d",
        scope=scope,
        subject=subject,
    )
    return desk.desk.admin.release_kill_switch(event, desk.now_ns)[0]


def suspend(desk: SmallDesk, request_id: str = "") -> tuple[bool, int]:
    return desk.desk.admin.suspend("a", "", request_id or desk.fresh_id(), "d", desk.now_ns)


def resume(desk: SmallDesk, request_id: str = "") -> tuple[bool, int]:
    return desk.desk.admin.resume("a", request_id or desk.fresh_id(), "d", desk.now_ns)


def test_a_suspended_account_gets_no_order_through_and_others_do() -> None:
    desk = funded()
    suspend(desk)
    assert reason(desk, "CALL", 1, "200") is RejectReason.ACCOUNT_SUSPENDED
    assert reason(desk, "CALL", 1, "200", "b") is RejectReason.NONE
    resume(desk)
    assert reason(desk, "CALL", 1, "200") is RejectReason.NONE


def test_releases_and_fills_go_on_under_suspension_and_kill_switch() -> None:
    desk = funded()
    desk.check(desk.leg("NEAR", 2, "101000"), order_id="o")
    suspend(desk)
    engage(desk, "all")
    assert desk.fill("o", "NEAR", 1, "101000").flag == ""
    assert desk.release("o").released_count == 1


def test_suspending_twice_changes_once() -> None:
    desk = funded()
    assert suspend(desk)[0] is True
    assert suspend(desk)[0] is False
    assert resume(desk)[0] is True
    assert resume(desk)[0] is False


def test_retries_are_answered_like_the_first_and_change_nothing() -> None:
    desk = funded()
    assert suspend(desk, "s") == suspend(desk, "s") == (True, desk.state.last_seq)
    first = resume(desk, "r")
    assert first[0] is True
    suspended = suspend(desk)
    # What is in force now is shown beside it, and must be durable, too.
    assert resume(desk, "r") == (True, suspended[1])
    assert desk.account().is_suspended
    engage(desk, "all")
    assert lift(desk, "all", request_id="k") is True
    engage(desk, "all")
    assert lift(desk, "all", request_id="k") is True
    assert ("all", "") in desk.state.kill_switches


def test_a_request_of_the_same_bytes_but_another_kind_is_a_conflict() -> None:
    desk = funded()
    resume(desk, "r")
    with pytest.raises(RequestConflict):
        suspend(desk, "r")
    assert not desk.account().is_suspended
    desk.desk.orders.release_all("a", "all", "d", desk.now_ns)
    with pytest.raises(RequestConflict):
        suspend(desk, "all")


@pytest.mark.parametrize(
    ("scope", "subject", "is_refused_a", "is_refused_b"),
    [
        ("all", "", True, True),
        ("account", "a", True, False),
        ("underlying", "BTC", True, True),
        ("underlying", "SOL", False, False),
    ],
)
def test_a_kill_switch_covers_its_scope_and_nothing_else(
    scope: str, subject: str, is_refused_a: bool, is_refused_b: bool
) -> None:
    desk = funded()
    engage(desk, scope, subject)
    for account, is_refused in (("a", is_refused_a), ("b", is_refused_b)):
        expected = RejectReason.KILL_SWITCH if is_refused else RejectReason.NONE
        assert reason(desk, "CALL", 1, "200", account) is expected
    assert lift(desk, scope, subject) is True
    assert lift(desk, scope, subject) is False
    assert reason(desk, "CALL", 1, "200") is RejectReason.NONE


def test_reduce_only_lets_pass_what_reduces_risk_and_nothing_else() -> None:
    desk = funded()
    desk.hold(NEAR=5)
    engage(desk, "account", "a", "reduce_only")
    assert reason(desk, "NEAR", 1, "101000") is RejectReason.KILL_SWITCH
    assert reason(desk, "CALL", 1, "200") is RejectReason.KILL_SWITCH
    assert reason(desk, "NEAR", -6, "101000") is RejectReason.KILL_SWITCH
    assert reason(desk, "NEAR", -5, "101000") is RejectReason.NONE
    assert reason(desk, "NEAR", -1, "101000") is RejectReason.KILL_SWITCH


def test_the_stricter_of_two_switches_counts() -> None:
    desk = funded()
    desk.hold(NEAR=5)
    engage(desk, "all", mode="reduce_only")
    engage(desk, "underlying", "BTC")
    assert reason(desk, "NEAR", -1, "101000") is RejectReason.KILL_SWITCH
    lift(desk, "underlying", "BTC")
    assert reason(desk, "NEAR", -1, "101000") is RejectReason.NONE


def test_a_kill_switch_needs_a_subject_that_exists() -> None:
    desk = funded()
    for scope, subject, error in (
        ("all", "x", InvalidInput),
        ("account", "nobody", UnknownName),
        ("underlying", "DOGE", InvalidInput),
    ):
        with pytest.raises(error):
            engage(desk, scope, subject)
        with pytest.raises(error):
            lift(desk, scope, subject)
    assert desk.state.kill_switches == {}


def test_an_account_sees_the_switches_that_may_cover_it() -> None:
    desk = funded()
    engage(desk, "all")
    engage(desk, "account", "a")
    engage(desk, "account", "b")
    engage(desk, "underlying", "BTC")
    scopes = [(each.scope, each.subject) for each in desk.desk.admin.kill_switches("a")]
    assert scopes == [("account", "a"), ("all", ""), ("underlying", "BTC")]
    assert len(desk.desk.admin.kill_switches("")) == 4


def test_own_limits_come_before_the_default_one_by_one() -> None:
    desk = funded()
    admin = desk.desk.admin
    default = LimitNumbers(quantity_nano_max=10**9, collar_ppm=50_000)
    own = LimitNumbers(quantity_nano_max=3 * 10**8, notional_micro_max=5 * 10**10)
    admin.set_limits("", default, "r", "d", desk.now_ns)
    joined, seq = admin.set_limits("a", own, "s", "d", desk.now_ns)
    assert joined == LimitNumbers(
        quantity_nano_max=3 * 10**8, notional_micro_max=5 * 10**10, collar_ppm=50_000
    )
    assert admin.limits("a") == (own, joined)
    assert admin.limits("b") == (LimitNumbers(), default)
    assert admin.limits("") == (default, default)
    assert admin.set_limits("a", own, "s", "d", desk.now_ns) == (joined, seq)


def test_limits_refuse_what_exceeds_them() -> None:
    desk = funded()
    limits = LimitNumbers(
        quantity_nano_max=3 * 10**8,
        quantity_usd_nano_max=20 * 10**9,
        notional_micro_max=25_000 * 10**6,
        collar_ppm=10_000,
    )
    desk.desk.admin.set_limits("a", limits, "r", "d", desk.now_ns)
    assert reason(desk, "CALL", 4, "200") is RejectReason.MAX_ORDER_QUANTITY
    assert reason(desk, "CALL", 3, "200") is RejectReason.MAX_ORDER_NOTIONAL
    assert reason(desk, "CALL", 2, "200") is RejectReason.NONE
    assert reason(desk, "COIN-PERPETUAL", 3, "100000") is RejectReason.MAX_ORDER_QUANTITY
    assert reason(desk, "NEAR", 1, "102010.5") is RejectReason.PRICE_COLLAR
    assert reason(desk, "NEAR", 1, "102010") is RejectReason.NONE
    assert reason(desk, "NEAR", 4, "101000", "b") is RejectReason.NONE


def test_limits_of_an_unknown_account_are_not_set() -> None:
    desk = funded()
    with pytest.raises(UnknownName):
        desk.desk.admin.set_limits("nobody", LimitNumbers(), "r", "d", desk.now_ns)
    with pytest.raises(UnknownName):
        desk.desk.admin.limits("nobody")
