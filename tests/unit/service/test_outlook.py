"""What lies ahead of an account of a desk: carried out, it comes true."""

import pytest

from margingate_engine.core.errors import MissingData
from margingate_engine.core.reasons import RejectReason
from margingate_server.service import outlook
from margingate_server.service.refusals import UnknownName
from margingate_server.service.settlement import ExpiryPrice
from tests.unit.engine.small_market import MARKS, NEAR_NS
from tests.unit.service.regime_desk import change, regime_desk
from tests.unit.service.small_desk import SmallDesk, small_desk, update


@pytest.fixture
def held() -> SmallDesk:
    """Ten lots of NEAR, with 20,000 USD."""
    desk = small_desk().open(usd="20000", tier="charged")
    desk.hold(NEAR=10)
    return desk


def moved(desk: SmallDesk, near: float) -> None:
    desk.quote(update({**MARKS, "NEAR": near}))


@pytest.mark.parametrize("near", [95_000, 90_000, 83_000])
def test_the_suggestion_carried_out_restores_the_margin(held: SmallDesk, near: int) -> None:
    """[MON-12] Filled at its mark, the fee of the schedule paid."""
    moved(held, near)
    assert not held.full_risk().risk.is_margined
    told = outlook.reduction(outlook.take(held.shard, "a"))
    assert told.is_enough
    [step] = told.steps
    price = str(near)
    answer = held.check(held.leg("NEAR", step.lots, price), order_id="o")
    assert answer.decision.reason == RejectReason.NONE
    held.fill("o", "NEAR", step.lots, price)
    risk = held.full_risk().positions_risk
    assert risk == told.after
    assert risk.is_margined


def test_a_lot_less_than_the_suggestion_is_too_little(held: SmallDesk) -> None:
    """[MON-12]"""
    moved(held, 90_000)
    [step] = outlook.reduction(outlook.take(held.shard, "a")).steps
    held.fill("o", "NEAR", step.lots + 1, "90000")
    assert not held.full_risk().positions_risk.is_margined


def test_at_the_price_that_is_said_the_account_is_in_liquidation(held: SmallDesk) -> None:
    """[MON-13]"""
    [moves] = outlook.liquidation_moves(outlook.take(held.shard, "a"))
    assert moves.underlying == "BTC"
    assert moves.up is None
    assert moves.down is not None
    moved(held, 101_000 * (1 + moves.down.move_ppm / 1e6))
    risk = held.full_risk().positions_risk
    assert risk.equity < risk.maintenance
    moved(held, 101_000 * (1 + (moves.down.move_ppm + 100) / 1e6))
    risk = held.full_risk().positions_risk
    assert risk.equity >= risk.maintenance


def test_every_coin_that_an_account_has_anything_of_is_looked_at(held: SmallDesk) -> None:
    """[MON-13]"""
    held.deposit("1", "BTC")
    found = outlook.liquidation_moves(outlook.take(held.shard, "a"))
    assert [each.underlying for each in found] == ["BTC"]
    assert outlook.liquidation_moves(outlook.take(held.open("b").shard, "b")) == ()


def test_the_margin_after_the_next_expiry_names_rows_of_the_whole_market(held: SmallDesk) -> None:
    """[MON-14]"""
    held.deposit("50000")
    held.hold(NEAR=10, COIN_FAR=10)
    found = outlook.projection(outlook.take(held.shard, "a"))
    assert found is not None
    assert (found.expiry_ns, found.rows) == (NEAR_NS, (held.row("NEAR"),))
    assert found.before == held.full_risk().positions_risk
    held.hold(PERPETUAL=1)
    assert outlook.projection(outlook.take(held.shard, "a")) is None


def test_all_resting_orders_that_add_risk_are_named(held: SmallDesk) -> None:
    """[MON-07]"""
    held.deposit("50000")
    for order_id, lots in (("more", 1), ("less", -1), ("again", 1)):
        held.check(held.leg("NEAR", lots, "101000"), order_id=order_id)
    assert outlook.orders_to_cancel(outlook.take(held.shard, "a")) == ("more", "again")


def test_it_rests_on_the_model_of_the_account() -> None:
    desk = regime_desk().open(usd="20000")
    desk.hold(NEAR=10)
    moved(desk, 95_000)
    assert outlook.reduction(outlook.take(desk.shard, "a")).steps
    change(desk, "cross", is_forced=True)
    assert not outlook.reduction(outlook.take(desk.shard, "a")).steps


def test_what_was_taken_stays_as_it_was(held: SmallDesk) -> None:
    inputs = outlook.take(held.shard, "a")
    before = inputs.portfolio.copied()
    held.deposit("-1000")
    held.fill("o", "NEAR", -3, "101000")
    assert inputs.portfolio == before


def test_what_is_not_known_is_said(held: SmallDesk) -> None:
    with pytest.raises(UnknownName):
        outlook.take(held.shard, "nobody")
    held.fill("o", "SOL-PERPETUAL", 1, "150")
    inputs = outlook.take(held.shard, "a")
    for ask in (outlook.reduction, outlook.liquidation_moves, outlook.projection):
        with pytest.raises(MissingData):
            ask(inputs)


def test_the_projected_margin_comes_true_at_the_expiry(held: SmallDesk) -> None:
    """[MON-14] Settled at the index of now, prices as they were."""
    held.deposit("90000")
    held.deposit("1", "BTC")
    held.hold(NEAR=10, FAR=-4, CALL=-5, FAR_CALL=3, COIN_CALL=-3, COIN_PERPETUAL=7)
    told = outlook.projection(outlook.take(held.shard, "a"))
    assert told is not None
    held.quote(update(market_time_ns=told.expiry_ns))
    price = ExpiryPrice(underlying="BTC", expiry_ns=told.expiry_ns, price_nano=100_000 * 10**9)
    held.desk.settling.settle([price], held.now_ns)
    assert set(told.rows).isdisjoint(held.account().portfolio.positions)
    assert held.full_risk().positions_risk == told.after
