"""Holdings beyond what the risk integers hold: kept out, and answered when prices make them so."""

from decimal import Decimal

import pytest

from margingate_engine.check.sizing import LOTS_MAX
from margingate_engine.core.amounts import AMOUNT_UNITS_MAX
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.checking import max_size
from margingate_server.service.holdings_range import BEYOND_RANGE, LOTS_UNPRICED_MAX
from margingate_server.service.refusals import NotNow
from tests.unit.engine.small_market import INSTRUMENTS, MARKS, NEAR_NS
from tests.unit.service.small_desk import (
    SmallDesk,
    empty_desk,
    folded_again,
    small_desk,
    update,
)


def stated(desk: SmallDesk, lots: int) -> None:
    """State so many lots of NEAR, entered at 1 USD."""
    position = StatedPosition(
        instrument="NEAR", quantity=desk.quantity("NEAR", lots), price=Decimal(1)
    )
    desk.desk.accounts.set_positions("a", [position], desk.fresh_id(), "d", desk.now_ns)


@pytest.mark.parametrize("sign", [1, -1])
def test_without_a_price_lots_are_bounded_by_a_number(sign: int) -> None:
    desk = small_desk().open(usd="1000")
    desk.quote(update({**MARKS, "NEAR": 0.0}))
    with pytest.raises(InvalidInput) as refused:
        stated(desk, sign * (LOTS_UNPRICED_MAX + 1))
    assert refused.value.field == "positions[0].quantity"
    stated(desk, sign * LOTS_UNPRICED_MAX)
    with pytest.raises(InvalidInput) as refused:
        desk.fill("x", "NEAR", sign, "1")
    assert refused.value.field == "quantity"
    assert desk.fill("x", "NEAR", -sign, "1").lots == sign * (LOTS_UNPRICED_MAX - 1)


def test_with_a_price_only_the_risk_bounds_the_lots() -> None:
    desk = small_desk().open(usd="1000")
    lots = LOTS_UNPRICED_MAX + 1
    desk.hold(**{"COIN-PERPETUAL": lots})
    assert desk.account().portfolio.positions[desk.row("COIN-PERPETUAL")].lots == lots
    assert desk.desk.accounts.current_risk("a") is not None


def overgrown_desk() -> SmallDesk:
    """Account a, whose futures a mark of 800 million USD took beyond the range."""
    desk = small_desk().open(usd="1000")
    desk.hold(NEAR=10**8)
    desk.quote(update({"NEAR": 8e8}, index=8e8))
    return desk


def test_what_prices_took_beyond_the_range_is_answered_without_a_margin() -> None:
    desk = overgrown_desk()
    assert desk.desk.accounts.current_risk("a") is None
    assert desk.deposit("5") == 1_005_000_000
    answer = desk.fill("x", "NEAR", -1, "1", fee="0")
    assert (answer.lots, answer.risk) == (10**8 - 1, None)
    assert desk.release("unheard").risk is None
    _, view = desk.desk.accounts.account_risk("a")
    assert (view.risk, view.missing_subject) == (None, BEYOND_RANGE)


def test_an_account_beyond_the_range_may_shrink_but_neither_order_nor_withdraw() -> None:
    desk = overgrown_desk()
    assert desk.check(desk.leg("NEAR", -1, "800000000")).decision.reason == (
        RejectReason.MAX_ORDER_QUANTITY
    )
    order = desk.order(desk.leg("NEAR", -1, "800000000"))
    checking = desk.desk.checking
    assert max_size(checking.asked("a", order, desk.now_ns)) == (0, RejectReason.MAX_ORDER_QUANTITY)
    assert checking.preview("a", order, desk.now_ns, has_explanation=True)[1] is not None
    with pytest.raises(NotNow):
        desk.deposit("-1")
    with pytest.raises(InvalidInput):
        desk.fill("x", "NEAR", 1, "1", fee="0")
    assert desk.fill("x", "NEAR", Decimal(-(10**8)) + 2, "1", fee="0").risk is not None


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize(("size", "price", "count"), [(10**8, "1000", 4), (10**7, "2000000", 2)])
def test_no_sum_of_fills_takes_a_balance_to_what_cannot_be_corrected(
    size: int, side: int, price: str, count: int
) -> None:
    """Ten million coins each time, worth 1e12 USD; a million at the high price, which USD bound."""
    desk, lots = small_desk().open(), side * size
    for _ in range(count):
        desk.fill("x", "BTC", lots, price)
    with pytest.raises(InvalidInput, match="times price takes the balance out of range"):
        desk.fill("x", "BTC", lots, price)
    cash = dict(desk.account().portfolio.cash)
    assert abs(cash["USD"]) < AMOUNT_UNITS_MAX
    assert abs(cash["BTC"]) < AMOUNT_UNITS_MAX * 10**6 // 100_000
    assert desk.desk.accounts.current_risk("a") is not None
    desk.fill("x", "BTC", -lots, price)
    desk.deposit("1")
    assert abs(desk.account().portfolio.cash["USD"]) < abs(cash["USD"])


def test_fills_of_what_has_expired_and_risks_nothing_end_at_the_most_lots() -> None:
    desk = small_desk().open()
    desk.quote(update(market_time_ns=NEAR_NS))
    lots = LOTS_MAX // 2
    desk.fill("x", "PUT", lots, "0")
    with pytest.raises(InvalidInput, match="position out of range"):
        desk.fill("x", "PUT", lots, "0")
    desk.fill("x", "PUT", -lots, "0")
    assert not desk.account().portfolio.positions


def test_coins_that_are_worth_more_than_can_be_margined_are_no_deposit() -> None:
    desk = small_desk().open()
    with pytest.raises(InvalidInput) as refused:
        desk.deposit("50000000", "BTC")
    assert (refused.value.field, refused.value.problem) == ("amount", "is out of range")
    desk.deposit("40000000", "BTC")
    desk.quote(update(index=900_000.0))
    assert desk.desk.accounts.current_risk("a") is None
    with pytest.raises(InvalidInput):
        desk.deposit("1", "BTC")


def test_where_nobody_knows_what_coins_are_worth_their_number_is_bounded() -> None:
    desk = empty_desk()
    desk.shard.record(InstrumentsListed(instruments=INSTRUMENTS), desk.now_ns)
    desk.shard.market.view = desk.shard.market.planned_listing(INSTRUMENTS)
    desk.open()
    with pytest.raises(InvalidInput):
        desk.deposit("4700000000000000", "BTC")
    assert desk.deposit("4600000000000000", "BTC") == 46 * 10**26
    assert folded_again(desk).accounts == desk.state.accounts


@pytest.mark.parametrize("side", [1, -1])
def test_what_is_accepted_can_be_filled(side: int) -> None:
    """Of 46 million coins that may be had half are for what is held and for large orders."""
    desk = small_desk().open(usd="1000000000000", coins="15000000")
    leg = desk.leg("BTC", side * 5 * 10**7, "100000")
    first, second = (desk.check(leg, order_id=order_id).decision for order_id in "op")
    assert RejectReason(first.reason) is RejectReason.NONE
    assert RejectReason(second.reason) is RejectReason.MAX_ORDER_QUANTITY
    assert second.detail == "quantity times price beyond the range of balances in BTC"
    small = desk.check(desk.leg("BTC", side * 10, "100000"), order_id="s").decision
    assert RejectReason(small.reason) is RejectReason.NONE
    for order_id, lots in (("o", 5 * 10**7), ("s", 10)):
        desk.fill(order_id, "BTC", side * lots, "100000", fee="0")
