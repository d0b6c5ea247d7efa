"""Back office: accounts, cash and statements."""

from decimal import Decimal

import pytest

from margingate_engine.core.errors import InvalidInput, ModelFailure
from margingate_engine.core.instruments import Instrument, InstrumentKind, Settlement
from margingate_engine.core.reasons import RejectReason
from margingate_engine.models.span import SpanModel
from margingate_engine.portfolio.holdings import Position
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.ledger.numbers import BreakNumbers
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.refusals import NameTaken, NotNow, RequestConflict, UnknownName
from tests.unit.engine.small_market import MARKS, NANO
from tests.unit.service.small_desk import SECOND_NS, SmallDesk, small_desk, update


def adjust(desk: SmallDesk, amount: str, asset: str = "USD", request_id: str = "") -> int:
    return desk.desk.accounts.adjust_collateral(
        "a", asset, Decimal(amount), request_id or desk.fresh_id(), "d", desk.now_ns
    )[0]


def stated(name: str, quantity: str, price: str | None = None) -> StatedPosition:
    return StatedPosition(
        instrument=name,
        quantity=Decimal(quantity),
        price=None if price is None else Decimal(price),
    )


def state(desk: SmallDesk, *positions: StatedPosition, request_id: str = "") -> object:
    return desk.desk.accounts.set_positions(
        "a", positions, request_id or desk.fresh_id(), "d", desk.now_ns
    )[0]


def refusal(desk: SmallDesk, amount: str, asset: str = "USD") -> tuple[RejectReason, str]:
    """Why a withdrawal is refused; nothing may have changed."""
    events, risk = len(desk.events()), desk.full_risk().risk
    with pytest.raises(NotNow) as refused:
        adjust(desk, amount, asset)
    assert len(desk.events()) == events
    assert desk.kept_risk().risk == risk
    return refused.value.reason, refused.value.subject


def test_an_account_is_opened_once_and_a_retry_gets_it_again() -> None:
    desk = small_desk()
    create = desk.desk.accounts.create
    account, seq = create("a", "charged", "r", "d", desk.now_ns)
    assert (account.account, account.fee_tier) == ("a", "charged")
    assert create("a", "charged", "r", "d", desk.now_ns) == (account, seq)
    with pytest.raises(NameTaken):
        create("a", "charged", "s", "d", desk.now_ns)
    with pytest.raises(RequestConflict):
        create("a", "default", "r", "other", desk.now_ns)
    adjust(desk, "1", request_id="t")
    with pytest.raises(RequestConflict):
        create("a", "charged", "t", "d", desk.now_ns)


def test_a_fee_tier_must_be_of_the_schedule() -> None:
    desk = small_desk()
    with pytest.raises(InvalidInput) as refused:
        desk.desk.accounts.create("a", "gold", "r", "d", desk.now_ns)
    assert refused.value.field == "fee_tier"


def test_deposits_add_up_exactly_and_a_retry_adds_nothing() -> None:
    desk = small_desk().open()
    assert adjust(desk, "0.000001", request_id="r") == 1
    assert adjust(desk, "2.5") == 2_500_001
    assert adjust(desk, "0.000001", request_id="r") == 1
    assert adjust(desk, "0.000000000001", "BTC") == 1
    assert desk.account().portfolio.cash == {"USD": 2_500_001, "BTC": 1}


@pytest.mark.parametrize(
    ("amount", "asset", "field"),
    [
        ("0.0000001", "USD", "amount"),
        ("0.0000000000001", "BTC", "amount"),
        ("4611686018428", "USD", "amount"),
        ("1", "SOL", "currency"),
        ("1", "DOGE", "currency"),
    ],
)
def test_amounts_too_fine_or_large_and_unknown_currencies_are_invalid(
    amount: str, asset: str, field: str
) -> None:
    desk = small_desk().open()
    with pytest.raises(InvalidInput) as refused:
        adjust(desk, amount, asset)
    assert refused.value.field == field


def test_a_balance_cannot_leave_the_range_by_many_deposits() -> None:
    desk = small_desk().open()
    adjust(desk, "4000000000000")
    with pytest.raises(InvalidInput):
        adjust(desk, "4000000000000")


def test_a_withdrawal_must_leave_the_account_margined() -> None:
    desk = small_desk().open(usd="2000")
    desk.hold(NEAR=-1)
    # 15 % of 10,100 USD, and the reserve of 1 of a short lot.
    assert desk.kept_risk().risk.headroom == 2_000_000_000 - 1_515_000_000 - 1
    assert refusal(desk, "-485") == (RejectReason.INSUFFICIENT_INITIAL_MARGIN, "USD")
    assert adjust(desk, "-484.999999") == 1_515_000_001
    assert desk.kept_risk().risk.headroom == 0


def test_a_withdrawal_that_cannot_be_judged_leaves_the_account_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = small_desk().open(usd="2000")
    desk.hold(NEAR=-1)
    before = desk.kept_risk().risk
    with monkeypatch.context() as broken:
        broken.setattr(SpanModel, "requirements", _failing)
        with pytest.raises(ModelFailure):
            adjust(desk, "-1")
    assert desk.kept_risk().risk == before


def _failing(*_: object) -> None:
    raise ModelFailure("no requirement")


def test_a_withdrawal_must_leave_the_cash_that_open_orders_take() -> None:
    desk = small_desk().open(usd="1000", coins="1")
    assert desk.check(desk.leg("CALL", 10, "200")).decision.reason == 0
    assert refusal(desk, "-800.000001") == (RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY, "USD")
    assert adjust(desk, "-800") == 200_000_000
    assert refusal(desk, "-2", "BTC") == (RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY, "BTC")


def test_a_withdrawal_cannot_be_judged_on_stale_or_missing_prices() -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(NEAR=1)
    desk.now_ns += 11 * SECOND_NS
    assert refusal(desk, "-1") == (RejectReason.MARKET_DATA_STALE, "BTC")
    desk.quote(update({**MARKS, "NEAR": 0.0}))
    with pytest.raises(NotNow) as refused:
        adjust(desk, "-1")
    assert (refused.value.reason, refused.value.subject) == (
        RejectReason.MARKET_DATA_MISSING,
        "NEAR",
    )
    assert adjust(desk, "1") == 100_001_000_000


def test_a_statement_says_where_the_books_differed() -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(NEAR=3, CALL=-2, FAR=1)
    event = state(desk, stated("NEAR", "0.3"), stated("CALL", "0.1"), stated("PUT", "0.5"))
    assert event.breaks == (  # type: ignore[attr-defined]
        BreakNumbers("CALL", -2, 1),
        BreakNumbers("FAR", 1, 0),
        BreakNumbers("PUT", 0, 5),
    )
    names = {desk.row(name): name for name in ("NEAR", "CALL", "PUT")}
    held = desk.account().portfolio.positions
    assert {names[row]: each.lots for row, each in held.items()} == {"NEAR": 3, "CALL": 1, "PUT": 5}


def test_a_statement_that_agrees_has_no_breaks_and_an_empty_one_flattens() -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(NEAR=3)
    assert state(desk, stated("NEAR", "0.3"), stated("CALL", "0")).breaks == ()  # type: ignore[attr-defined]
    assert state(desk).breaks == (BreakNumbers("NEAR", 3, 0),)  # type: ignore[attr-defined]
    assert desk.account().portfolio.positions == {}


def test_a_retried_statement_gets_its_first_breaks() -> None:
    desk = small_desk().open(usd="100000")
    first = state(desk, stated("NEAR", "0.3"), request_id="r")
    desk.hold(NEAR=5)
    assert state(desk, stated("NEAR", "0.3"), request_id="r") == first
    assert desk.account().portfolio.positions[desk.row("NEAR")].lots == 5


def test_futures_are_entered_at_the_stated_price_or_the_mark() -> None:
    desk = small_desk().open(usd="100000")
    state(desk, stated("NEAR", "0.2", "90000"), stated("FAR", "-0.1"), stated("CALL", "1"))
    held = desk.account().portfolio.positions
    assert held[desk.row("NEAR")] == Position(2, -18_000_000_000)
    assert held[desk.row("FAR")] == Position(-1, 10_400_000_000)
    assert held[desk.row("CALL")] == Position(10, 0)


@pytest.mark.parametrize(
    ("position", "field"),
    [
        (stated("NEAR", "0.05"), "positions[0].quantity"),
        (stated("NEAR", "1000000000000000"), "positions[0].quantity"),
        (stated("NEAR", "1", "0.0000000001"), "positions[0].entry_price"),
        (stated("COIN-PERPETUAL", "10", "0"), "positions[0].entry_price"),
        (stated("NEAR", "900000000", "900000000"), "positions[0].quantity"),
        (stated("BTC", "1"), "positions[0].instrument"),
    ],
)
def test_a_position_that_cannot_be_is_invalid(position: StatedPosition, field: str) -> None:
    desk = small_desk().open(usd="100000")
    with pytest.raises(InvalidInput) as refused:
        state(desk, position)
    assert refused.value.field == field
    assert desk.account().portfolio.positions == {}


def test_an_instrument_twice_or_unknown_is_refused() -> None:
    desk = small_desk().open(usd="100000")
    with pytest.raises(InvalidInput):
        state(desk, stated("NEAR", "1"), stated("NEAR", "1"))
    with pytest.raises(UnknownName):
        state(desk, stated("X", "1"))


def test_without_a_mark_a_future_needs_a_price() -> None:
    desk = small_desk().open(usd="100000")
    desk.quote(update({"NEAR": 0.0}))
    with pytest.raises(NotNow) as refused:
        state(desk, stated("NEAR", "0.1"))
    assert refused.value.reason is RejectReason.MARKET_DATA_MISSING
    state(desk, stated("NEAR", "0.1", "101000"))
    assert desk.desk.accounts.current_risk("a") is None


@pytest.mark.parametrize("name", ["CALL", "NEAR", "COIN-CALL", "COIN-PERPETUAL"])
def test_holdings_beyond_the_risk_integers_are_invalid_and_change_nothing(name: str) -> None:
    desk = small_desk().open(usd="100000")
    largest = desk.quantity(name, 2**53 - 1)
    risk = desk.kept_risk().risk
    with pytest.raises(InvalidInput):
        state(desk, StatedPosition(instrument=name, quantity=largest, price=Decimal(1)))
    with pytest.raises(InvalidInput):
        desk.fill("x", name, 2**53 - 1, "0.000001")
    assert desk.desk.accounts.current_risk("a") == risk


def test_holdings_cannot_leave_the_range_by_many_fills() -> None:
    desk = small_desk().open(usd="100000")
    # 1,515 USD of risk a lot: the range of 2**62 millionths ends between the 3rd and 4th.
    for _ in range(3):
        desk.fill("x", "NEAR", -(10**9), "1")
    with pytest.raises(InvalidInput) as refused:
        desk.fill("x", "NEAR", -(10**9), "1")
    assert refused.value.field == "quantity"
    assert desk.desk.accounts.current_risk("a") is not None
    assert desk.fill("x", "NEAR", 10**9, "1").lots == -2 * 10**9


def entered_desk() -> SmallDesk:
    """Account a with 4 lots of NEAR bought at 90,000 USD and 2 of FAR sold at 110,000."""
    desk = small_desk().open(usd="100000")
    state(desk, stated("NEAR", "0.4", "90000"), stated("FAR", "-0.2", "110000"))
    return desk


def test_a_statement_that_agrees_moves_neither_entry_nor_equity() -> None:
    desk = entered_desk()
    held, risk = dict(desk.account().portfolio.positions), desk.full_risk().risk
    state(desk, stated("NEAR", "0.4"), stated("FAR", "-0.2"))
    assert desk.account().portfolio.positions == held
    assert desk.full_risk().risk == risk
    desk.quote(update({**MARKS, "NEAR": 0.0}))
    state(desk, stated("NEAR", "0.4"), stated("FAR", "-0.2"))
    assert desk.account().portfolio.positions == held


@pytest.mark.parametrize(
    ("near", "far", "near_entry", "far_entry"),
    [
        # Fewer lots keep their part of the entry: 0.3 coin at 90,000, 0.1 at 110,000.
        (("0.3", None), ("-0.1", None), -27_000_000_000, 11_000_000_000),
        # More lots, or the other side, are entered at the marks of 101,000 and 104,000.
        (("0.5", None), ("-0.3", None), -50_500_000_000, 31_200_000_000),
        (("-0.4", None), ("0.2", None), 40_400_000_000, -20_800_000_000),
        # A stated price counts even where the lots agree.
        (("0.4", "95000"), ("-0.1", "95000"), -38_000_000_000, 9_500_000_000),
    ],
)
def test_lots_that_the_books_hold_keep_their_entry_unless_a_price_is_stated(
    near: tuple[str, str | None],
    far: tuple[str, str | None],
    near_entry: int,
    far_entry: int,
) -> None:
    desk = entered_desk()
    state(desk, stated("NEAR", *near), stated("FAR", *far))
    held = desk.account().portfolio.positions
    assert held[desk.row("NEAR")].entry == near_entry
    assert held[desk.row("FAR")].entry == far_entry


SOL = Instrument(
    name="SOL",
    kind=InstrumentKind.SPOT,
    underlying="SOL",
    settlement=Settlement.LINEAR,
    contract_nano=NANO,
    lot_nano=NANO,
    tick_nano=1_000_000,
)


@pytest.mark.parametrize(
    ("lots", "beyond", "part", "rest"),
    [(3, ("1", "-3.000000000001"), "-1", "-2"), (-3, ("-1", "3.000000000001"), "1", "2")],
)
def test_a_coin_without_a_model_may_only_go_to_zero_and_then_blocks_no_more(
    lots: int, beyond: tuple[str, ...], part: str, rest: str
) -> None:
    desk = small_desk().open(usd="100000")
    market = desk.shard.market
    view = market.planned_listing([SOL])
    desk.shard.record(InstrumentsListed(instruments=(SOL,)), desk.now_ns)
    market.view = view
    desk.fill("x", "SOL", lots, "20", fee="0")
    assert desk.check(desk.leg("NEAR", 1, "101000")).decision.reason == (
        RejectReason.MARKET_DATA_MISSING
    )
    for amount in beyond:
        with pytest.raises(InvalidInput) as refused:
            adjust(desk, amount, "SOL")
        assert refused.value.field == "amount"
    assert abs(adjust(desk, part, "SOL")) == 2 * 10**12
    assert adjust(desk, rest, "SOL") == 0
    assert desk.check(desk.leg("NEAR", 1, "101000")).decision.reason == 0
    with pytest.raises(InvalidInput) as refused:
        adjust(desk, "1", "SOL")
    assert refused.value.field == "currency"
