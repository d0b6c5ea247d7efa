"""What has expired settles once, exactly, for everybody, and survives a restart. [SPAN-18]"""

from dataclasses import replace
from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import OptionRight, Settlement
from margingate_engine.core.orders import Execution
from margingate_engine.core.reasons import RejectReason
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.amending import AmendCommand, AmendLeg
from margingate_server.service.decisions import CheckAnswer, CheckCommand
from margingate_server.service.market import Market
from margingate_server.service.refusals import NameTaken, NotExpired
from margingate_server.service.settlement import ExpiryPrice, SettlementAnswer
from tests.unit.engine.small_market import COIN, FAR_NS, MARKS, NANO, NEAR_NS, USD, option
from tests.unit.service.small_desk import SmallDesk, folded_again, small_desk, update

NEAR_NAMES = ("CALL", "PUT", "FAR-PUT", "COIN-CALL", "COIN-PUT", "NEAR")


def expired_desk() -> SmallDesk:
    """Account a with cash, at the market's time of the near expiry."""
    desk = small_desk().open(usd="100000", coins="2")
    desk.quote(update(market_time_ns=NEAR_NS))
    return desk


def price(
    usd: str = "100000", *, expiry_ns: int = NEAR_NS, settlement: Settlement | None = None
) -> ExpiryPrice:
    return ExpiryPrice(
        underlying="BTC",
        expiry_ns=expiry_ns,
        price_nano=int(Decimal(usd) * NANO),
        settlement=settlement,
    )


def settle(desk: SmallDesk, *prices: ExpiryPrice) -> SettlementAnswer:
    return desk.desk.settling.settle(prices, desk.now_ns)


def counts(answer: SettlementAnswer) -> tuple[int, int, int]:
    return answer.instrument_count, answer.position_count, answer.account_count


def combo(desk: SmallDesk, order_id: str, **lots_by_name: int) -> CheckAnswer:
    """An atomic combo at the marks."""
    legs = [desk.leg(name, lots, str(MARKS[name])) for name, lots in lots_by_name.items()]
    order = replace(desk.order(*legs, order_id=order_id), execution=Execution.ATOMIC_COMBO)
    command = CheckCommand(
        account="a", request_id=order_id, digest="d", order=order, sent_ns=desk.now_ns
    )
    return desk.desk.checking.check(command, desk.now_ns)


def assert_a_restart_changes_nothing(desk: SmallDesk) -> None:
    again = folded_again(desk)
    assert again.accounts == desk.state.accounts
    assert again.settlement_nano == desk.state.settlement_nano
    assert again.open_order_count == desk.state.open_order_count
    for account in desk.state.accounts:
        assert desk.kept_risk(account).risk == desk.full_risk(account).risk


def test_positions_become_cash_in_their_settlement_asset() -> None:
    desk = expired_desk()
    desk.hold(CALL=-3, PUT=2, COIN_CALL=5, COIN_PUT=-1, NEAR=-4, FAR=1)
    assert counts(settle(desk, price("120000"))) == (6, 5, 1)
    # CALL: 8,000 USD on 0.3 coins, short. NEAR: sold at 101,000, 0.4 coins. The puts end worthless.
    # COIN-CALL: 40,000 USD of 120,000 on half a coin, a sixth.
    portfolio = desk.account().portfolio
    assert portfolio.cash["USD"] == (100_000 - 2_400 - 7_600) * USD
    assert portfolio.cash["BTC"] == 2 * COIN + COIN // 6
    assert list(portfolio.positions) == [desk.row("FAR")]
    assert_a_restart_changes_nothing(desk)


def test_until_there_is_a_price_a_position_keeps_its_last_value_and_risks_nothing() -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(CALL=-3, NEAR=1)
    before = desk.kept_risk().risk
    assert before.initial > 0
    desk.quote(update(market_time_ns=NEAR_NS))
    later = desk.kept_risk().risk
    assert (later.equity, later.initial) == (before.equity, 0)
    # The market moves on without them.
    desk.quote(update({"FAR": 150_000.0}, index=150_000.0, market_time_ns=NEAR_NS + 1))
    assert desk.kept_risk().risk == later


def test_settling_at_the_last_marks_changes_equity_by_the_rounding_reserve_alone() -> None:
    desk = small_desk().open(usd="100000", coins="2")
    marks = {**MARKS, "CALL": 13_000.0, "PUT": 0.0, "COIN-CALL": 0.36, "NEAR": 125_000.0}
    desk.quote(update(marks, index=125_000.0, market_time_ns=NEAR_NS - 1))
    desk.quote(update({}, index=125_000.0, market_time_ns=NEAR_NS))
    desk.hold(CALL=-3, PUT=2, COIN_CALL=-5, NEAR=-4)
    before = desk.kept_risk().equity
    settle(desk, price("125000"))
    # A unit for every short lot. [SPAN-07]
    assert desk.kept_risk().equity == before + 3 + 5 + 4
    assert desk.account().portfolio.positions == {}


def test_every_account_settles_and_no_money_is_made() -> None:
    desk = expired_desk()
    for number in range(1, 6):
        desk.open(f"b{number}")
    # Everybody trades with a at 200; a thirtieth of a unit is lost on each.
    desk.hold(CALL=15, COIN_CALL=5, NEAR=15)
    for number in range(1, 6):
        desk.hold(f"b{number}", CALL=-3, COIN_CALL=-1, NEAR=-3)
    desk.open("idle", usd="7")
    versions = {name: each.version for name, each in desk.state.accounts.items()}
    events = len(desk.events())
    assert counts(settle(desk, price("112345.6789"))) == (6, 18, 6)
    assert desk.kinds()[events:] == ["settlement_priced", *["positions_settled"] * 6]
    assert {each.account for each in desk.events()[events + 1 :]} == set(versions) - {"idle"}
    assert desk.account("idle").version == versions["idle"]
    made = {
        asset: sum(each.portfolio.cash.get(asset, 0) for each in desk.state.accounts.values())
        for asset in ("USD", "BTC")
    }
    assert -15 <= made["USD"] - 100_007 * USD <= 0
    assert -6 <= made["BTC"] - 2 * COIN < 0
    assert_a_restart_changes_nothing(desk)


def test_the_same_prices_again_change_nothing_and_others_are_refused() -> None:
    desk = expired_desk()
    desk.hold(CALL=1)
    seq = settle(desk, price("113000")).seq
    events = len(desk.events())
    again = settle(desk, price("113000"), price("113000"))
    assert (counts(again), again.seq) == ((0, 0, 0), seq)
    with pytest.raises(NameTaken) as taken:
        settle(desk, price("113001"))
    assert (taken.value.kind, taken.value.name) == ("settlement_price", "CALL")
    assert len(desk.events()) == events


def test_contracts_that_pay_in_the_coin_may_settle_apart() -> None:
    desk = expired_desk()
    desk.hold(CALL=1, COIN_CALL=1)
    assert counts(settle(desk, price("113000", settlement=Settlement.LINEAR))) == (4, 1, 1)
    assert list(desk.account().portfolio.positions) == [desk.row("COIN-CALL")]
    assert counts(settle(desk, price("100000", settlement=Settlement.INVERSE))) == (2, 1, 1)
    assert desk.account().portfolio.cash == {"USD": 100_100 * USD, "BTC": 202 * COIN // 100}
    with pytest.raises(NameTaken):
        settle(desk, price("113000"))


@pytest.mark.parametrize(
    ("prices", "error"),
    [
        ([price(expiry_ns=FAR_NS)], NotExpired),
        ([price(), price(expiry_ns=FAR_NS)], NotExpired),
        ([price(), price(expiry_ns=NEAR_NS + 1)], InvalidInput),
        ([price(), replace(price(), underlying="ETH")], InvalidInput),
        ([price(), price("100001", settlement=Settlement.LINEAR)], InvalidInput),
    ],
)
def test_what_cannot_settle_settles_nothing(prices: list[ExpiryPrice], error: type) -> None:
    desk = expired_desk()
    desk.hold(CALL=1)
    events = len(desk.events())
    with pytest.raises(error):
        settle(desk, *prices)
    assert len(desk.events()) == events
    assert desk.state.settlement_nano == {}


def test_an_instrument_expires_at_the_very_instant_of_its_expiry() -> None:
    desk = small_desk()
    desk.quote(update(market_time_ns=NEAR_NS - 1))
    with pytest.raises(NotExpired) as early:
        settle(desk, price())
    assert (early.value.underlying, early.value.expiry_ns) == ("BTC", NEAR_NS)
    desk.quote(update(market_time_ns=NEAR_NS))
    assert counts(settle(desk, price())) == (6, 0, 0)


def test_what_is_on_order_ends_and_what_it_held_is_free() -> None:
    desk = small_desk().open(usd="100000")
    desk.check(desk.leg("NEAR", 5, "101000"), order_id="near")
    desk.check(desk.leg("FAR", 1, "104000"), order_id="far")
    desk.quote(update(market_time_ns=NEAR_NS))
    assert counts(settle(desk, price())) == (6, 0, 1)
    account = desk.account()
    assert list(account.orders) == list(account.portfolio.legs) == ["far"]
    assert account.is_closed("near")
    assert desk.release("near").flag == "late"
    assert_a_restart_changes_nothing(desk)


def test_the_other_leg_of_a_combo_stays_and_may_fill_alone() -> None:
    desk = small_desk().open(usd="100000")
    assert combo(desk, "pair", NEAR=2, FAR=-2).decision.reason == 0
    together = desk.kept_risk().risk.initial
    desk.quote(update(market_time_ns=NEAR_NS))
    settle(desk, price())
    (left,) = desk.account().portfolio.legs["pair"]
    assert (left.row, left.lots, left.ratio, left.number) == (desk.row("FAR"), 2, 0, 1)
    assert desk.kept_risk().risk.initial > together
    assert_a_restart_changes_nothing(desk)
    answer = desk.fill("pair", "FAR", -2, "104000")
    assert (answer.flag, answer.open_lots, desk.state.open_order_count) == ("", 0, 0)


def test_a_pending_change_ends_with_its_instrument() -> None:
    desk = small_desk().open(usd="100000")
    desk.check(desk.leg("NEAR", 1, "101000"), order_id="o")
    leg = desk.leg("NEAR", 2, "101000")
    command = AmendCommand(
        account="a",
        request_id="amend",
        digest="d",
        order_id="o",
        legs=(AmendLeg(instrument="NEAR", side=leg.side, quantity=leg.quantity, limit=leg.limit),),
        sent_ns=desk.now_ns,
    )
    assert desk.desk.amending.amend(command, desk.now_ns).decision.reason == 0
    # Of the old shape nothing is open any more, of the new one a lot.
    desk.fill("o", "NEAR", 1, "101000")
    desk.hold()
    assert desk.account().portfolio.legs == {"o": ()}
    desk.quote(update(market_time_ns=NEAR_NS))
    assert counts(settle(desk, price())) == (6, 0, 1)
    portfolio = desk.account().portfolio
    assert (portfolio.legs, portfolio.amendments, desk.account().orders) == ({}, {}, {})
    late = desk.desk.amending.confirm("a", "o", "confirm", "d", desk.now_ns)
    assert (late.is_changed, late.flag) == (False, "late")
    assert_a_restart_changes_nothing(desk)


def test_a_fill_that_is_reported_late_settles_at_once() -> None:
    desk = expired_desk()
    desk.check(desk.leg("FAR", 1, "104000"), order_id="o")
    settle(desk, price("120000"))
    # 0.2 coins bought at 200 and worth 8,000 each; 0.1 coin sold at 101,000 and bought at 120,000.
    first = desk.fill("o", "CALL", 2, "200", fill_id="f")
    assert (first.flag, first.lots) == ("over_fill", 0)
    desk.fill("unheard", "NEAR", -1, "101000")
    # A coin option: 0.1 coin of a third, bought at 0.2.
    desk.fill("unheard", "COIN-CALL", 1, "0.2")
    portfolio = desk.account().portfolio
    assert portfolio.cash["USD"] == (100_000 - 40 + 1_600 - 1_900) * USD
    assert portfolio.cash["BTC"] == 2 * COIN - 2 * COIN // 100 + COIN // 30
    assert portfolio.positions == {}
    cash = dict(portfolio.cash)
    again = desk.fill("o", "CALL", 2, "200", fill_id="f")
    assert (again.is_replayed, again.lots, portfolio.cash) == (True, 0, cash)
    assert_a_restart_changes_nothing(desk)


def test_a_late_fill_that_settles_beyond_any_range_is_refused() -> None:
    desk = expired_desk()
    settle(desk, price("200000"))
    events = len(desk.events())
    with pytest.raises(InvalidInput) as refused:
        desk.fill("o", "CALL", 2**52, "0")
    assert refused.value.field == "quantity"
    assert len(desk.events()) == events


def test_a_position_that_settles_beyond_any_range_is_named_and_nothing_settles() -> None:
    desk = expired_desk()
    desk.open("b")
    desk.hold("b", CALL=2**52)
    desk.hold(PUT=1)
    events = len(desk.events())
    with pytest.raises(InvalidInput) as refused:
        settle(desk, price("200000"))
    assert "CALL" in refused.value.problem
    # Whose it is, is not for whoever publishes prices.
    assert "of b" not in refused.value.problem
    assert len(desk.events()) == events
    desk.hold("b")
    assert counts(settle(desk, price("200000"))) == (6, 1, 1)


def test_a_statement_cannot_bring_back_what_has_settled() -> None:
    desk = expired_desk()
    desk.hold(CALL=1, FAR=1)
    settle(desk, price())
    with pytest.raises(InvalidInput) as refused:
        desk.hold(CALL=1, FAR=1)
    assert refused.value.field == "positions[0].instrument"
    flat = StatedPosition(instrument="CALL", quantity=Decimal(0), price=None)
    kept = StatedPosition(instrument="FAR", quantity=Decimal("0.1"), price=None)
    event, _ = desk.desk.accounts.set_positions("a", [flat, kept], "r", "d", desk.now_ns)
    assert event.breaks == ()
    assert list(desk.account().portfolio.positions) == [desk.row("FAR")]


def test_what_was_never_priced_settles_and_gives_the_account_its_margin_back() -> None:
    desk = small_desk().open(usd="100000")
    market = desk.shard.market
    (listed,) = (option("NEW", 90_000, OptionRight.CALL),)
    market.view = market.planned_listing((listed,))
    desk.shard.record(InstrumentsListed(instruments=(listed,)), desk.now_ns)
    desk.fill("x", "NEW", -1, "0")
    desk.quote(update(market_time_ns=NEAR_NS))
    assert desk.shard.view_of(desk.account()).missing_subject == "NEW"
    settle(desk, price())
    assert desk.kept_risk().risk.equity == 99_000 * USD


def test_what_is_listed_after_its_price_settles_at_the_same_one() -> None:
    desk = expired_desk()
    settle(desk, price("113000"))
    (listed,) = (option("NEW", 90_000, OptionRight.CALL),)
    desk.shard.market.view = desk.shard.market.planned_listing((listed,))
    desk.shard.record(InstrumentsListed(instruments=(listed,)), desk.now_ns)
    desk.fill("x", "NEW", 1, "0")
    assert counts(settle(desk, price("113000"))) == (1, 1, 1)
    assert desk.account().portfolio.cash["USD"] == 102_300 * USD
    assert_a_restart_changes_nothing(desk)


def test_what_has_settled_is_not_tradable_even_if_the_markets_clock_goes_back() -> None:
    desk = expired_desk()
    expired = desk.check(desk.leg("NEAR", 1, "101000")).decision
    assert (expired.reason, expired.detail) == (
        RejectReason.INSTRUMENT_NOT_TRADABLE,
        "leg 0: expired",
    )
    settle(desk, price())
    restarted = Market(desk.shard.market.model, desk.state.table, 100)
    restarted.view = restarted.planned_update(update(), desk.now_ns)
    desk.shard.market = restarted
    settled = desk.check(desk.leg("FAR", 1, "104000"), desk.leg("NEAR", 1, "101000")).decision
    assert (settled.reason, settled.detail) == (
        RejectReason.INSTRUMENT_NOT_TRADABLE,
        "leg 1: settled",
    )
    assert desk.check(desk.leg("FAR", 1, "104000")).decision.reason == 0


def test_after_a_restart_what_has_expired_has_the_last_mark_of_before() -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(CALL=-3, COIN_CALL=2, FAR=1)
    desk.quote(update(market_time_ns=NEAR_NS))
    before, former = desk.kept_risk().risk, desk.shard.market.view.snapshot
    restarted = Market(desk.shard.market.model, desk.state.table, former.version + 1)
    desk.shard.market = restarted
    restarted.remember(former)
    # Nothing that is quoted now takes its place, and it stands in for nothing that lives.
    desk.quote(update({"CALL": 1.0, "NEAR": 1.0}, market_time_ns=NEAR_NS))
    assert desk.shard.view_of(desk.account()).missing_subject == "FAR"
    desk.quote(update({"FAR": MARKS["FAR"]}, market_time_ns=NEAR_NS))
    assert desk.kept_risk().risk == before
    snapshot, row = restarted.view.snapshot, desk.row("CALL")
    assert (snapshot.mark_nano_i[row], snapshot.observed_ns_i[row]) == (200 * NANO, NEAR_NS)
    assert desk.check(desk.leg("FAR", 1, "104000")).decision.reason == 0


def test_a_mark_of_before_a_restart_serves_from_the_expiry_on_and_not_before() -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(CALL=-3)
    restarted = Market(desk.shard.market.model, desk.state.table, 100)
    restarted.remember(desk.shard.market.view.snapshot)
    desk.shard.market = restarted
    desk.quote(update({"FAR": 104_000.0}, market_time_ns=NEAR_NS - 1))
    assert desk.shard.view_of(desk.account()).missing_subject == "CALL"
    desk.quote(update({"FAR": 104_000.0}, market_time_ns=NEAR_NS))
    # 0.3 coins sold at 200 to close, and the reserve of three lots.
    assert desk.kept_risk().equity == 99_940 * USD - 3
    # What was never observed before the restart stays unpriced.
    empty = Market(restarted.model, desk.state.table, 200)
    empty.remember(Market(restarted.model, desk.state.table).view.snapshot)
    desk.shard.market = empty
    desk.quote(update({"FAR": 104_000.0}, market_time_ns=NEAR_NS))
    assert desk.shard.view_of(desk.account()).missing_subject == "CALL"


def test_a_market_made_anew_after_a_failure_keeps_the_last_marks_too() -> None:
    """The log may lack the newest instruments; prices of theirs are nobody's."""
    desk = small_desk().open(usd="100000")
    desk.hold(CALL=-3)
    former, table = desk.shard.market, desk.state.table
    (listed,) = (option("NEW", 90_000, OptionRight.CALL),)
    former.view = former.planned_listing((listed,))
    desk.quote(update({**MARKS}, market_time_ns=NEAR_NS))
    # CALL is not quoted any more; what was remembered of it at the start is still known.
    early = former.view.snapshot
    former.view = Market(former.model, former.view.table, 50).view
    desk.quote(update({"FAR": 104_000.0, "PUT": 1.0}, market_time_ns=NEAR_NS - 1))
    anew = Market(former.model, table, 1)
    anew.remember(early)
    anew.take_over(former)
    other = option("OTHER", 90_000, OptionRight.CALL)
    anew.view = anew.planned_listing((other,))
    desk.shard.market = anew
    desk.quote(update({"FAR": 104_000.0}, market_time_ns=NEAR_NS))
    priced = dict(
        zip(
            (each.name for each in anew.view.table.instruments),
            anew.view.arrays.priced_i,
            strict=True,
        )
    )
    assert (priced["CALL"], priced["OTHER"]) == (True, False)
    # The newest mark is the one that is kept.
    assert anew.view.snapshot.mark_nano_i[desk.row("PUT")] == NANO
