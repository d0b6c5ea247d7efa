"""What happens when no more request ids can be remembered: refused, not forgotten."""

from collections.abc import Callable

import pytest

from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger import requests
from margingate_server.ledger.requests import REMEMBERED_NS
from margingate_server.service.decisions import CheckCommand
from margingate_server.service.refusals import NotNow
from tests.unit.service.small_desk import SmallDesk, small_desk


def full_desk(monkeypatch: pytest.MonkeyPatch, room: int = 0) -> SmallDesk:
    """Account a with order o, under request id r, and room for `room` more ids."""
    desk = small_desk().open(usd="100000")
    assert desk.check(desk.leg("NEAR", 1, "101000"), order_id="o", request_id="r")
    monkeypatch.setattr(requests, "CAPACITY", len(desk.state.requests) + room)
    return desk


def command(desk: SmallDesk, request_id: str) -> CheckCommand:
    order = desk.order(desk.leg("NEAR", 1, "101000"), order_id=f"o-{request_id}")
    return CheckCommand(
        account="a", request_id=request_id, digest="d", order=order, sent_ns=desk.now_ns
    )


@pytest.mark.parametrize(
    "use",
    [
        lambda desk: desk.check(desk.leg("NEAR", 1, "101000")),
        lambda desk: desk.deposit("1"),
        lambda desk: desk.hold(NEAR=1),
        lambda desk: desk.open("b"),
        lambda desk: desk.amend("o", desk.amend_leg("NEAR", 2, "101000")),
    ],
)
def test_without_room_a_new_request_is_refused_and_changes_nothing(
    use: Callable[[SmallDesk], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = full_desk(monkeypatch)
    events = len(desk.events())
    with pytest.raises(NotNow) as refused:
        use(desk)
    assert (refused.value.reason, refused.value.subject) == (
        RejectReason.RATE_LIMIT,
        "request ids",
    )
    assert len(desk.events()) == events


def test_without_room_retries_releases_fills_and_controls_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = full_desk(monkeypatch)
    assert desk.check(desk.leg("NEAR", 1, "101000"), order_id="o", request_id="r").is_replayed
    desk.fill("o", "NEAR", 1, "101000", fill_id="f")
    assert desk.fill("o", "NEAR", 1, "101000", fill_id="f").is_replayed
    assert desk.desk.orders.release_all("a", "s", "d", desk.now_ns).released_count == 0
    assert desk.desk.admin.suspend("a", "", "t", "d", desk.now_ns)[0]


@pytest.mark.parametrize("ending", ["confirm", "withdraw"])
def test_without_room_a_change_that_is_pending_is_settled_all_the_same(
    ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = full_desk(monkeypatch, room=1)
    leg = desk.amend_leg("NEAR", 2, "101000")
    assert desk.amend("o", leg, request_id="am").decision.reason == 0
    assert desk.amend("o", leg, request_id="am").is_replayed
    assert getattr(desk, ending)("o").is_changed


def test_a_batch_is_refused_whole_when_not_all_of_it_can_be_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = full_desk(monkeypatch, room=2)
    events = len(desk.events())
    check_all = desk.desk.checking.check_all
    with pytest.raises(NotNow):
        check_all([command(desk, name) for name in "xyz"], desk.now_ns)
    assert len(desk.events()) == events
    check_all([command(desk, name) for name in "xy"], desk.now_ns)
    again = check_all([command(desk, name) for name in "xyx"], desk.now_ns)
    assert all(each.is_replayed for each in again)


def test_a_fill_reported_again_after_days_is_not_applied_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = full_desk(monkeypatch)
    desk.fill("o", "NEAR", 1, "101000", fill_id="f")
    desk.now_ns += 3 * REMEMBERED_NS
    desk.release("unheard")
    desk.desk.orders.release_all("a", "s", "d", desk.now_ns)
    again = desk.fill("o", "NEAR", 1, "101000", fill_id="f")
    assert (again.is_replayed, again.lots) == (True, 1)
