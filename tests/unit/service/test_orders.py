"""Releases and fills: never refused for margin, idempotent, honest about what was unusual."""

from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger import state
from margingate_server.service.refusals import NotNow, RequestConflict, UnknownName
from tests.unit.service.small_desk import SmallDesk, small_desk, update


def with_order(lots: int = -5, tier: str = "default") -> SmallDesk:
    """Account a with 100,000 USD and order o on NEAR at its mark."""
    desk = small_desk().open(usd="100000", tier=tier)
    assert desk.check(desk.leg("NEAR", lots, "101000"), order_id="o").decision.reason == 0
    return desk


def cash(desk: SmallDesk, asset: str = "USD") -> int:
    return desk.account().portfolio.cash.get(asset, 0)


def test_a_release_gives_back_the_whole_hold() -> None:
    desk = with_order()
    assert desk.kept_risk().risk.initial > 0
    answer = desk.release("o", "r")
    assert (answer.released_count, answer.flag) == (1, "")
    assert answer.risk is not None
    assert answer.risk.initial == 0
    assert desk.release("o", "r") == answer


def test_a_release_of_what_holds_nothing_says_why() -> None:
    desk = with_order()
    desk.release("o")
    late, unknown = desk.release("o"), desk.release("unheard")
    assert (late.released_count, late.flag) == (0, "late")
    assert (unknown.released_count, unknown.flag) == (0, "unknown_order")


def test_a_release_that_came_too_late_rests_on_what_closed_the_order() -> None:
    desk = with_order()
    first = desk.release("o")
    assert desk.release("o").seq >= first.seq


def test_releases_of_an_id_that_was_something_else_conflict() -> None:
    desk = with_order()
    desk.desk.admin.suspend("a", "", "r", "d", desk.now_ns)
    with pytest.raises(RequestConflict):
        desk.release("o", "r")
    with pytest.raises(RequestConflict):
        desk.desk.orders.release_all("a", "r", "d", desk.now_ns)


def test_all_orders_are_released_at_once_and_once() -> None:
    desk = with_order()
    desk.check(desk.leg("CALL", 3, "200"), order_id="p")
    orders = desk.desk.orders
    answer = orders.release_all("a", "r", "d", desk.now_ns)
    assert answer.released_count == 2
    assert desk.account().portfolio.legs == {}
    desk.check(desk.leg("CALL", 3, "200"), order_id="q")
    assert orders.release_all("a", "r", "d", desk.now_ns).released_count == 2
    assert list(desk.account().portfolio.legs) == ["q"]


def test_a_partial_fill_shrinks_the_hold_and_moves_the_position() -> None:
    desk = with_order()
    before = desk.kept_risk().risk
    answer = desk.fill("o", "NEAR", -2, "101000")
    assert (answer.flag, answer.lots, answer.open_lots) == ("", -2, 3)
    assert answer.risk is not None
    # Two lots moved from the open order into the position, at the mark: nothing else changes.
    assert answer.risk.headroom == before.headroom
    assert answer.risk.maintenance == 2_424_000_000
    assert answer.is_replayed is False


def test_a_fill_better_than_the_limit_leaves_more_headroom() -> None:
    desk = with_order()
    before = desk.kept_risk().risk
    answer = desk.fill("o", "NEAR", -5, "101010")
    assert (answer.flag, answer.lots, answer.open_lots) == ("", -5, 0)
    assert answer.risk is not None
    # 0.5 coin sold 10 USD better.
    assert answer.risk.headroom == before.headroom + 5_000_000


def test_a_fill_is_applied_once_however_often_it_is_reported() -> None:
    desk = with_order()
    first = desk.fill("o", "NEAR", -2, "101000", fill_id="f")
    again = desk.fill("o", "NEAR", -2, "101000", fill_id="f")
    assert (first.is_replayed, again.is_replayed) == (False, True)
    assert (again.seq, again.lots, again.open_lots) == (first.seq, -2, 3)
    with pytest.raises(RequestConflict):
        desk.fill("o", "NEAR", -3, "101000", fill_id="f", digest="other")
    later = desk.fill("o", "NEAR", -1, "101000", fill_id="g")
    again = desk.fill("o", "NEAR", -2, "101000", fill_id="f")
    # It shows the position of now, so the later fill must be durable first.
    assert (again.lots, again.seq) == (-3, later.seq)


def test_a_fill_id_may_equal_a_request_id() -> None:
    desk = with_order()
    desk.check(desk.leg("CALL", 1, "200"), request_id="x")
    assert desk.fill("o", "NEAR", -1, "101000", fill_id="x").is_replayed is False


def test_the_retry_of_a_release_that_came_too_early_releases_no_later_order() -> None:
    desk = with_order()
    first = desk.release("later", "x")
    assert (first.released_count, first.flag) == (0, "unknown_order")
    desk.check(desk.leg("CALL", 1, "200"), order_id="later")
    again = desk.release("later", "x")
    assert (again.released_count, again.flag) == (0, "unknown_order")
    assert "later" in desk.account().orders
    # It shows the margin with the later order, which must be durable first.
    assert (again.risk, again.seq) == (desk.kept_risk().risk, desk.state.last_seq)


def test_unusual_fills_are_applied_whole_and_flagged() -> None:
    desk = with_order()
    over = desk.fill("o", "NEAR", -6, "101000")
    late = desk.fill("o", "NEAR", -1, "101000")
    unknown = desk.fill("unheard", "NEAR", -1, "101000")
    assert [over.flag, late.flag, unknown.flag] == ["over_fill", "late", "unknown_order"]
    assert [over.lots, late.lots, unknown.lots] == [-6, -7, -8]
    assert desk.state.open_order_count == 0


def test_a_fill_on_the_wrong_side_is_an_over_fill_and_leaves_the_order() -> None:
    desk = with_order()
    answer = desk.fill("o", "NEAR", 1, "101000")
    assert (answer.flag, answer.lots) == ("over_fill", 1)
    assert [leg.lots for leg in desk.account().portfolio.legs["o"]] == [5]


def test_a_fill_is_never_refused_for_margin() -> None:
    desk = small_desk().open(usd="1")
    answer = desk.fill("unheard", "NEAR", -1_000, "1")
    assert answer.risk is not None
    assert not answer.risk.is_margined


def test_a_fill_pays_the_fee_of_the_schedule_unless_told_another() -> None:
    desk = small_desk().open(usd="100000", coins="1", tier="charged")
    # Futures: 5 basis points of 0.2 x 101,000 USD.
    desk.fill("x", "NEAR", 2, "101000")
    assert cash(desk) == 100_000_000_000 - 10_100_000
    # Options: 5 basis points of 0.3 x 100,000 would be 15 USD; the cap is 12.5 % of 60 USD.
    desk.fill("x", "CALL", 3, "200")
    assert cash(desk) == 100_000_000_000 - 10_100_000 - 60_000_000 - 7_500_000
    # Inverse: 5 basis points of 10 USD / 100,000, in coins.
    desk.fill("x", "COIN-PERPETUAL", 1, "100000")
    assert cash(desk, "BTC") == 10**12 - 50_000
    before = cash(desk)
    desk.fill("x", "CALL", -3, "0", fee="-1.25")
    assert cash(desk) == before + 1_250_000


def test_a_spot_fill_moves_coins_dollars_and_no_position() -> None:
    desk = small_desk().open(usd="100000")
    answer = desk.fill("x", "BTC", 2, "100000", fee="1")
    assert answer.lots == 0
    assert (cash(desk), cash(desk, "BTC")) == (79_999_000_000, 2 * 10**11)
    desk.fill("x", "BTC", -3, "100000", fee="0")
    assert (cash(desk), cash(desk, "BTC")) == (109_999_000_000, -(10**11))


def test_a_fill_of_what_has_no_price_is_applied_without_a_margin() -> None:
    desk = with_order()
    desk.quote(update({"FAR": 0.0}))
    answer = desk.fill("x", "FAR", 1, "104000")
    assert (answer.lots, answer.risk) == (1, None)
    assert desk.release("o").risk is None
    assert desk.account().portfolio.legs == {}


@pytest.mark.parametrize(
    ("lots", "price", "fee", "field"),
    [
        (Decimal("0.5"), "101000", None, "quantity"),
        (10**16, "101000", None, "quantity"),
        (10**9, "101000000000000", None, "quantity"),
        (1, "0.0000000001", None, "price"),
        (1, "101000", "0.0000001", "fee"),
        (1, "101000", "9999999999999", "fee"),
    ],
)
def test_what_no_venue_reports_is_invalid_and_changes_nothing(
    lots: Decimal, price: str, fee: str | None, field: str
) -> None:
    desk = with_order()
    events = len(desk.events())
    with pytest.raises(InvalidInput) as refused:
        desk.fill("o", "NEAR", lots, price, fee=fee)
    assert refused.value.field == field
    assert len(desk.events()) == events


def test_an_inverse_future_cannot_trade_at_zero() -> None:
    desk = with_order()
    with pytest.raises(InvalidInput):
        desk.fill("x", "COIN-PERPETUAL", 1, "0")
    assert desk.fill("x", "NEAR", 1, "0").lots == 1


def test_unknown_names_are_named() -> None:
    desk = with_order()
    with pytest.raises(UnknownName):
        desk.fill("o", "NEAR", 1, "1") if desk.row("X") else None
    with pytest.raises(UnknownName):
        desk.desk.orders.release("b", "o", "r", "d", desk.now_ns)
    with pytest.raises(UnknownName):
        desk.desk.orders.release_all("b", "r", "d", desk.now_ns)


def test_a_fill_of_the_cheap_leg_leaves_the_cash_of_the_dear_one_held() -> None:
    desk = small_desk().open(coins="60")
    legs = (desk.leg("COIN-CALL", 100, "0.9"), desk.leg("COIN-CALL", 100, "0.1"))
    assert desk.check(*legs, order_id="two").decision.reason == 0
    desk.fill("two", "COIN-CALL", 100, "0.1", fee="0")
    # 100 lots of 0.1 coin at 0.9 are still to pay for.
    assert desk.full_risk().outflows == desk.kept_risk().outflows == {"BTC": 9 * 10**12}
    with pytest.raises(NotNow):
        desk.deposit("-50.1", "BTC")


def test_the_id_of_a_closed_order_stays_taken_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    """[DEC-07]"""
    monkeypatch.setattr(state, "CLOSED_ORDERS_MAX", 1)
    desk = with_order()
    desk.release("o")
    for order_id in ("p", "q"):
        desk.check(desk.leg("CALL", 1, "200"), order_id=order_id)
        desk.release(order_id)
    again = desk.check(desk.leg("NEAR", -5, "101000"), order_id="o").decision
    assert again.reason == RejectReason.DUPLICATE_ORDER_ID
    assert desk.release("o").flag == "late"
    assert desk.fill("o", "NEAR", -1, "101000").flag == "late"
