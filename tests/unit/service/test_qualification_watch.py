"""Grace and fall back: events of the upkeep, by a clock that never goes back."""

from typing import Any

import pytest

from margingate_engine.core.reasons import RejectReason
from margingate_engine.models.cross import CrossModel
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.ledger.regime_events import (
    QualificationLost,
    QualificationRegained,
    RegimeFellBack,
)
from margingate_server.service import qualification_watch
from margingate_server.service.checking import max_size
from margingate_server.service.desk import Desk
from margingate_server.service.expiry import with_lag
from margingate_server.service.qualification_watch import RegimeEvent
from margingate_server.service.regimes import RegimeCommand
from tests.unit.service.regime_desk import (
    GRACE_NS,
    LIQUIDATION_GRACE_NS,
    SPAN_ASKS,
    change,
    experienced,
    regime_desk,
)
from tests.unit.service.small_desk import AGE_LIMITS, SECOND_NS, SmallDesk, folded_again

T0_NS = 5 * SECOND_NS


def look(desk: SmallDesk, monotonic_ns: int = T0_NS) -> list[RegimeEvent]:
    """What one round of the upkeep made of it."""
    happened: list[RegimeEvent] = []
    while True:
        events, seq = desk.desk.qualifications.look(monotonic_ns, desk.now_ns)
        assert (seq == desk.state.last_seq) is bool(events)
        happened += events
        if not desk.desk.qualifications.is_behind:
            return happened


@pytest.fixture
def poor() -> SmallDesk:
    """Qualified once, and just below what remaining takes."""
    desk = regime_desk(SPAN_ASKS).open(usd="100000")
    experienced(desk)
    change(desk, "span")
    desk.deposit("-25000.000001")
    return desk


def test_who_has_what_it_takes_to_remain_is_left_alone() -> None:
    desk = regime_desk(SPAN_ASKS).open(usd="100000").open(account="b", usd="1")
    experienced(desk)
    change(desk, "span")
    desk.deposit("-25000")
    assert look(desk) == []
    assert look(desk, 100 * GRACE_NS) == []
    assert desk.account("b").unqualified_since_ns == 0


def test_below_it_only_reducing_orders_pass(poor: SmallDesk) -> None:
    poor.hold(NEAR=2)
    (lost,) = look(poor)
    assert isinstance(lost, QualificationLost)
    assert (lost.account, lost.equity) == ("a", 74_999_999_999)
    assert poor.account().unqualified_since_ns == poor.now_ns
    assert look(poor) == []
    refused = poor.check(poor.leg("NEAR", 1, "101000")).decision
    assert refused.reason == RejectReason.NOT_QUALIFIED
    assert not refused.is_risk_reducing
    assert poor.check(poor.leg("NEAR", -1, "101000")).decision.reason == RejectReason.NONE


def test_what_entering_takes_ends_the_grace_period_and_remaining_does_not(
    poor: SmallDesk,
) -> None:
    look(poor)
    poor.deposit("24999.999999")
    assert look(poor) == []
    poor.deposit("0.000002")
    (back,) = look(poor)
    assert isinstance(back, QualificationRegained)
    assert poor.account().unqualified_since_ns == 0
    assert poor.check(poor.leg("NEAR", 1, "101000")).decision.reason == RejectReason.NONE
    assert look(poor, 10 * GRACE_NS) == []
    assert poor.account().model == "span"


def test_after_the_whole_period_the_account_falls_back(poor: SmallDesk) -> None:
    poor.hold(NEAR=20, FAR=-20)
    look(poor)
    look(poor, T0_NS)
    over_ns = T0_NS + with_lag(GRACE_NS)
    assert look(poor, over_ns - 1) == []
    (fell,) = look(poor, over_ns)
    assert isinstance(fell, RegimeFellBack)
    assert fell.model == "cross"
    assert fell.liquidation_not_before_ns == poor.now_ns + LIQUIDATION_GRACE_NS
    account = poor.account()
    assert (account.model, account.unqualified_since_ns) == ("cross", 0)
    assert account.liquidation_not_before_ns == fell.liquidation_not_before_ns
    assert fell.shortfall == max(0, -poor.kept_risk().positions_risk.headroom)
    assert look(poor, 10 * over_ns) == []
    change(poor, "cross")
    assert poor.account().liquidation_not_before_ns == 0


def test_what_is_missing_after_a_fall_back_is_told(poor: SmallDesk) -> None:
    """Longs and shorts of two futures, of which cross nets nothing."""
    poor.hold(NEAR=200, FAR=-200)
    look(poor)
    look(poor)
    assert poor.kept_risk().arrays.model.name == "span"
    (fell,) = look(poor, T0_NS + with_lag(GRACE_NS))
    assert isinstance(fell, RegimeFellBack)
    assert fell.shortfall == -poor.kept_risk().positions_risk.headroom > 0
    refused = poor.check(poor.leg("NEAR", 1, "101000")).decision
    assert refused.reason == RejectReason.STILL_UNDERMARGINED
    assert poor.check(poor.leg("NEAR", -1, "101000")).decision.reason == RejectReason.NONE


def test_no_jump_of_the_wall_clock_and_no_restart_ends_the_period_early(poor: SmallDesk) -> None:
    look(poor)
    look(poor, T0_NS)
    poor.now_ns += 100 * GRACE_NS
    poor.quote()
    assert look(poor, T0_NS + with_lag(GRACE_NS) - 1) == []
    poor.desk = Desk(poor.shard, AGE_LIMITS)
    assert look(poor, T0_NS + with_lag(GRACE_NS)) == []
    assert look(poor, T0_NS + 2 * with_lag(GRACE_NS) - 1) == []
    assert look(poor, T0_NS + 2 * with_lag(GRACE_NS))


def test_nobody_is_judged_on_an_old_price(poor: SmallDesk) -> None:
    poor.hold(NEAR=1)
    poor.now_ns += 11 * SECOND_NS
    assert look(poor) == []
    poor.quote()
    assert look(poor)


def test_a_change_of_the_regime_ends_the_period(poor: SmallDesk) -> None:
    look(poor)
    look(poor)
    change(poor, "cross")
    assert poor.account().unqualified_since_ns == 0
    change(poor, "span", is_forced=True)
    (lost,) = look(poor, T0_NS + GRACE_NS)
    assert isinstance(lost, QualificationLost)
    # The period is a new one.
    assert look(poor, T0_NS + with_lag(GRACE_NS)) == []


def test_when_nothing_is_asked_any_more_the_period_ends(poor: SmallDesk) -> None:
    look(poor)
    poor.state.policy = type(poor.state.policy)()
    (back,) = look(poor)
    assert isinstance(back, QualificationRegained)


def test_many_accounts_take_many_short_turns(
    poor: SmallDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qualification_watch, "JUDGED_MAX", 2)
    for number in range(5):
        poor.open(account=f"n{number}", usd="1")
        poor.account(f"n{number}").model = "span"
    sizes = []
    while True:
        events, _ = poor.desk.qualifications.look(T0_NS, poor.now_ns)
        sizes.append(len(events))
        if not poor.desk.qualifications.is_behind:
            break
    assert sizes == [2, 2, 2]


def test_the_largest_order_follows_the_gate(poor: SmallDesk) -> None:
    poor.hold(NEAR=5)
    look(poor)
    selling = poor.order(poor.leg("NEAR", -1, "101000"))
    largest, reason = max_size(poor.desk.checking.asked("a", selling, poor.now_ns))
    assert (largest, reason) == (5, RejectReason.NOT_QUALIFIED)
    buying = poor.order(poor.leg("NEAR", 1, "101000"))
    none, _ = max_size(poor.desk.checking.asked("a", buying, poor.now_ns))
    assert none == 0


def test_all_of_it_is_folded_again(poor: SmallDesk) -> None:
    look(poor)
    assert folded_again(poor).accounts["a"].unqualified_since_ns == poor.now_ns
    look(poor)
    look(poor, T0_NS + with_lag(GRACE_NS))
    again = folded_again(poor).accounts["a"]
    kept = poor.account()
    assert (again.model, again.liquidation_not_before_ns, again.unqualified_since_ns) == (
        kept.model,
        kept.liquidation_not_before_ns,
        0,
    )
    assert kept.liquidation_not_before_ns > 0


def test_arrays_of_the_model_that_many_fall_back_to_are_worked_out_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = regime_desk(SPAN_ASKS)
    for account in ("a", "b", "c"):
        desk.open(account=account, usd="100000")
        command = RegimeCommand(
            account=account,
            model="span",
            request_id=desk.fresh_id(),
            digest="d",
            is_forced=True,
            reason="why",
        )
        desk.desk.regimes.set_regime(command, desk.now_ns)
        desk.deposit("-50000", account=account)
    assert len(look(desk)) == 3
    look(desk)
    worked_out = []
    whole = CrossModel.risk_arrays

    def counted(model: CrossModel, *market: Any) -> RiskArrays:
        worked_out.append(model)
        return whole(model, *market)

    monkeypatch.setattr(CrossModel, "risk_arrays", counted)
    fallen = look(desk, 2 * GRACE_NS)
    assert [type(each) for each in fallen] == [RegimeFellBack] * 3
    assert len(worked_out) == 1
