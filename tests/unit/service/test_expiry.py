"""Holds that end: late rather than early, as events, whatever the wall clock does."""

import pytest

from margingate_server.ledger.events import OrdersExpired, decode_event
from margingate_server.service import expiry
from margingate_server.service.amending import AmendCommand, AmendLeg
from margingate_server.service.decisions import CheckCommand
from margingate_server.service.desk import Desk
from margingate_server.service.expiry import LAG_NS, with_lag
from tests.unit.engine.small_market import NANO
from tests.unit.service.small_desk import AGE_LIMITS, SmallDesk, folded_again, small_desk

HOLD_NS = 30 * NANO
BOOT_NS = 10**6 * NANO
"""Where the monotonic clock stands when a test begins."""


def funded() -> SmallDesk:
    return small_desk().open(usd="100000")


def accepted(
    desk: SmallDesk, order_id: str, hold_ns: int = HOLD_NS, lots: int = 1, account: str = "a"
) -> None:
    """An order on NEAR at its mark that holds margin for so long, 0 for no end."""
    leg = desk.leg("NEAR", lots, "101000")
    command = CheckCommand(
        account=account,
        request_id=f"check-{order_id}",
        digest="d",
        order=desk.order(leg, order_id=order_id),
        sent_ns=desk.now_ns,
        hold_ns=hold_ns,
    )
    assert desk.desk.checking.check(command, desk.now_ns).decision.reason == 0


def call(desk: SmallDesk, after_ns: int) -> int:
    """Number of the event that upkeep must wait for, so long after the start."""
    return desk.desk.expiries.expire_due(BOOT_NS + after_ns, desk.now_ns)


def started(desk: SmallDesk) -> None:
    """Let the durations of what was accepted begin at BOOT_NS."""
    call(desk, 0)
    call(desk, 0)


def is_open(desk: SmallDesk, order_id: str = "o", account: str = "a") -> bool:
    return order_id in desk.account(account).orders


def expired_kinds(desk: SmallDesk) -> int:
    return desk.kinds().count("orders_expired")


def test_a_hold_ends_when_duration_and_lag_are_over_and_not_before() -> None:
    desk = funded()
    accepted(desk, "o")
    started(desk)
    assert desk.kept_risk().risk.initial > 0
    assert call(desk, with_lag(HOLD_NS) - 1) == 0
    assert is_open(desk)
    assert call(desk, with_lag(HOLD_NS)) == desk.state.last_seq
    assert not is_open(desk)
    assert desk.state.expiring == {}
    assert desk.kept_risk().risk.initial == 0
    assert desk.kept_risk().risk == desk.full_risk().risk


def test_the_lag_is_five_seconds_and_a_thousandth_of_the_duration() -> None:
    assert with_lag(NANO) == 6 * NANO + NANO // 1_000
    assert with_lag(30 * 86_400 * NANO) == (30 * 86_400 + 5 + 2_592) * NANO


def test_the_duration_starts_with_the_call_after_the_one_that_made_the_order_durable() -> None:
    """A commit that takes a minute delays the answer by a minute, and the deadline with it."""
    desk = funded()
    accepted(desk, "o")
    assert call(desk, 0) == desk.state.last_seq
    minute = 60 * NANO
    assert call(desk, minute) == 0
    assert call(desk, with_lag(HOLD_NS) + minute - 1) == 0
    assert call(desk, with_lag(HOLD_NS) + minute) > 0


def test_an_order_without_a_duration_holds_for_good() -> None:
    desk = funded()
    accepted(desk, "o", hold_ns=0)
    started(desk)
    assert call(desk, 10**9 * NANO) == 0
    assert is_open(desk)


@pytest.mark.parametrize("jump_ns", [10**9 * NANO, -(10**9) * NANO])
def test_a_jump_of_the_wall_clock_changes_nothing(jump_ns: int) -> None:
    desk = funded()
    accepted(desk, "o")
    started(desk)
    desk.now_ns += jump_ns
    assert call(desk, with_lag(HOLD_NS) - 1) == 0
    assert call(desk, with_lag(HOLD_NS)) > 0
    assert desk.events()[-1].recorded_ns == desk.now_ns


def test_after_a_restart_the_full_duration_runs_again() -> None:
    desk = funded()
    accepted(desk, "o")
    started(desk)
    call(desk, with_lag(HOLD_NS) - 1)
    again = funded()
    again.desk.shard.state = folded_again(desk)
    again.desk = Desk(again.desk.shard, AGE_LIMITS)

    # Another process, another start of the monotonic clock.
    def later(after_ns: int) -> int:
        return again.desk.expiries.expire_due(after_ns, again.now_ns)

    assert later(NANO) == 0
    assert later(NANO + with_lag(HOLD_NS) - 1) == 0
    assert is_open(again)
    assert later(NANO + with_lag(HOLD_NS)) > 0
    assert not is_open(again)


def test_a_restart_after_the_end_knows_of_no_hold() -> None:
    desk = funded()
    accepted(desk, "o")
    started(desk)
    call(desk, with_lag(HOLD_NS))
    again = folded_again(desk)
    assert (again.accounts, again.expiring) == (desk.state.accounts, {})
    assert again.open_order_count == desk.state.open_order_count == 0


def test_an_account_gets_one_event_for_all_that_is_due() -> None:
    desk = funded().open("b", usd="100000")
    for order_id in ("o", "p", "q"):
        accepted(desk, order_id)
    accepted(desk, "later", hold_ns=2 * HOLD_NS)
    accepted(desk, "o", account="b")
    started(desk)
    call(desk, with_lag(HOLD_NS))
    bodies = [decode_event(each.body) for each in desk.events() if each.kind == "orders_expired"]
    ended = {each.account: each for each in bodies}
    assert len(bodies) == len(ended) == 2
    assert isinstance(ended["a"], OrdersExpired)
    assert sorted(ended["a"].order_ids) == ["o", "p", "q"]
    assert list(desk.account().orders) == ["later"]
    assert desk.kept_risk().risk == desk.full_risk().risk


def test_what_was_released_or_filled_meanwhile_does_not_expire() -> None:
    desk = funded()
    for order_id in ("released", "filled", "partly"):
        accepted(desk, order_id, lots=2)
    started(desk)
    desk.release("released")
    desk.fill("filled", "NEAR", 2, "101000")
    desk.fill("partly", "NEAR", 1, "101000")
    call(desk, with_lag(HOLD_NS))
    (event,) = (decode_event(each.body) for each in desk.events() if each.kind == "orders_expired")
    assert isinstance(event, OrdersExpired)
    assert event.order_ids == ("partly",)
    assert call(desk, 10 * HOLD_NS) == 0


def test_a_fill_after_the_end_is_late_and_applied() -> None:
    desk = funded()
    accepted(desk, "o")
    started(desk)
    call(desk, with_lag(HOLD_NS))
    assert desk.release("o").flag == "late"
    answer = desk.fill("o", "NEAR", 1, "101000")
    assert (answer.flag, answer.lots) == ("late", 1)


def test_the_id_of_an_expired_order_stays_taken() -> None:
    """[DEC-07]"""
    desk = funded()
    accepted(desk, "o")
    started(desk)
    call(desk, with_lag(HOLD_NS))
    again = desk.check(desk.leg("NEAR", 1, "101000"), order_id="o").decision
    assert again.detail == "the order_id is in use"


def test_an_order_ends_with_its_pending_change() -> None:
    """[SPAN-17]"""
    desk = funded()
    accepted(desk, "o")
    leg = desk.leg("NEAR", 3, "101000")
    command = AmendCommand(
        account="a",
        request_id="amend",
        digest="d",
        order_id="o",
        legs=(AmendLeg(instrument="NEAR", side=leg.side, quantity=leg.quantity, limit=leg.limit),),
        sent_ns=desk.now_ns,
    )
    started(desk)
    assert desk.desk.amending.amend(command, desk.now_ns).decision.reason == 0
    # A change does not make the hold any longer.
    assert call(desk, with_lag(HOLD_NS)) > 0
    portfolio = desk.account().portfolio
    assert (portfolio.legs, portfolio.amendments, desk.account().orders) == ({}, {}, {})
    late = desk.desk.amending.confirm("a", "o", "confirm", "d", desk.now_ns)
    assert (late.is_changed, late.flag) == (False, "late")
    assert desk.kept_risk().risk == desk.full_risk().risk
    assert folded_again(desk).accounts == desk.state.accounts


def test_many_that_are_due_end_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "EXPIRED_MAX", 2)
    desk = funded()
    for number in range(5):
        accepted(desk, f"o-{number}", hold_ns=HOLD_NS + number)
    started(desk)
    left = []
    for _ in range(4):
        call(desk, 2 * with_lag(HOLD_NS))
        left.append((sorted(desk.account().orders), desk.desk.expiries.is_behind))
    assert left == [(["o-2", "o-3", "o-4"], True), (["o-4"], True), ([], False), ([], False)]


def test_many_durations_start_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later than the acceptance, never earlier."""
    monkeypatch.setattr(expiry, "STARTED_MAX", 2)
    desk = funded()
    for number in range(5):
        accepted(desk, f"o-{number}")
    desk.desk = Desk(desk.shard, AGE_LIMITS)
    desk.release("o-0")
    behind = []
    for turn in range(3):
        call(desk, turn)
        behind.append(desk.desk.expiries.is_behind)
    assert behind == [True, True, False]
    for turn, ended in enumerate((1, 3, 4)):
        call(desk, turn + with_lag(HOLD_NS) - 1)
        assert len(desk.account().orders) == (4, 3, 1)[turn]
        call(desk, turn + with_lag(HOLD_NS))
        assert len(desk.account().orders) == 4 - ended


def test_orders_that_come_between_calls_get_deadlines_of_their_own() -> None:
    desk = funded()
    ends = {}
    for number in range(6):
        accepted(desk, f"o-{number}", hold_ns=(7 - number) * NANO)
        if number % 2:
            desk.release(f"o-{number - 1}")
        call(desk, number * NANO)
        # The duration of this one starts at the next call.
        ends[f"o-{number}"] = (number + 1) * NANO + with_lag((7 - number) * NANO)
    open_orders = {order_id: end for order_id, end in ends.items() if is_open(desk, order_id)}
    assert sorted(open_orders) == ["o-1", "o-3", "o-5"]
    call(desk, 6 * NANO)
    for end in sorted(open_orders.values()):
        call(desk, end - 1)
        before = set(desk.account().orders)
        call(desk, end)
        (ended,) = before - set(desk.account().orders)
        assert open_orders[ended] == end
    assert desk.state.expiring == {}


def test_closed_orders_are_forgotten_long_before_their_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expiry, "GONE_MAX", 10)
    desk = funded()
    expiries = desk.desk.expiries
    accepted(desk, "stays", hold_ns=10**6 * NANO)
    for number in range(100):
        accepted(desk, f"o-{number}", hold_ns=10**6 * NANO)
        call(desk, 2 * number)
        call(desk, 2 * number + 1)
        desk.release(f"o-{number}")
        assert len(expiries._queue) + len(expiries._swept) <= len(expiries._known) <= 14
    # The duration of the one that stays started with the second call.
    call(desk, with_lag(10**6 * NANO))
    assert is_open(desk, "stays")
    call(desk, with_lag(10**6 * NANO) + 1)
    assert not is_open(desk, "stays")


def test_a_hold_ends_in_time_while_closed_orders_are_being_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(expiry, "GONE_MAX", 10)
    desk = funded()
    for number in range(60):
        accepted(desk, f"o-{number}", hold_ns=HOLD_NS + number)
    started(desk)
    monkeypatch.setattr(expiry, "STARTED_MAX", 1)
    stay = ("o-0", "o-1", "o-2", "o-3")
    for number in range(4, 60):
        desk.release(f"o-{number}")
    expiries = desk.desk.expiries
    sizes = []
    for number, order_id in enumerate(stay):
        assert is_open(desk, order_id)
        call(desk, with_lag(HOLD_NS + number))
        assert not is_open(desk, order_id)
        sizes.append(len(expiries._swept))
    # Two of a turn, and what ended.
    assert sizes == [57, 54, 51, 48]
    for _ in range(24):
        call(desk, with_lag(HOLD_NS))
    assert (expiries._swept, expiries._queue, expiries._known) == ([], [], set())


def test_no_hold_ends_while_nothing_is_known_of_its_account_but_the_ledger() -> None:
    """Without prices the risk is not at hand; the hold ends all the same."""
    desk = funded()
    accepted(desk, "o")
    started(desk)
    desk.shard.forget_views()
    call(desk, with_lag(HOLD_NS))
    assert not is_open(desk)
    assert desk.kept_risk().risk.initial == 0


def test_lag_and_turns_are_what_the_documents_say() -> None:
    assert (LAG_NS, expiry.LAG_PPM, expiry.EXPIRED_MAX) == (5 * NANO, 1_000, 100)
