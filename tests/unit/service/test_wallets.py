"""Wallets of positions: topped up by fills, moved on request. Ten lots of NEAR require 2,020."""

from decimal import Decimal

import pytest
from msgspec import structs

from margingate_engine.core.errors import InvalidInput, ModelFailure
from margingate_engine.core.reasons import RejectReason
from margingate_engine.models.isolated import IsolatedModel, free_wallet
from margingate_server.ledger.events import FillReported, decode_event
from margingate_server.ledger.wallet_events import MarginMoved
from margingate_server.service import wallets
from margingate_server.service.refusals import NotNow, RequestConflict
from tests.unit.engine.small_market import MARKS, USD
from tests.unit.service.regime_desk import change
from tests.unit.service.small_desk import SECOND_NS, SmallDesk, folded_again, update
from tests.unit.service.wallet_desk import move, wallet, wallet_desk


@pytest.fixture
def desk() -> SmallDesk:
    return wallet_desk().open(usd="10000")


def filled(desk: SmallDesk, name: str, lots: int, price: str, fee: str = "0") -> None:
    desk.fill("venue", name, lots, price, fee=fee)


def free(desk: SmallDesk) -> Decimal | int:
    return Decimal(free_wallet(desk.full_risk())) / USD


def refusal(desk: SmallDesk, name: str, amount: str) -> tuple[RejectReason, str]:
    with pytest.raises(NotNow) as raised:
        move(desk, name, amount)
    return raised.value.reason, raised.value.subject


def test_a_fill_tops_the_wallet_up_to_the_margin_of_the_position(desk: SmallDesk) -> None:
    """[ISO-03]"""
    filled(desk, "NEAR", 10, "101000")
    assert (wallet(desk, "NEAR"), free(desk)) == (2_020, 7_980)
    filled(desk, "CALL", -1, "200")
    assert (wallet(desk, "CALL"), free(desk)) == (1_020, 7_980 + 20 - 1_020)
    filled(desk, "PUT", 2, "100")
    assert wallet(desk, "PUT") == 0


def test_a_loss_at_the_fill_is_made_up_for_and_a_gain_is_kept(desk: SmallDesk) -> None:
    """[ISO-03] bought 100 above and 100 below the mark"""
    filled(desk, "NEAR", 10, "101100")
    assert (wallet(desk, "NEAR"), free(desk)) == (2_120, 7_880)
    filled(desk, "FAR", 10, "103900")
    assert (wallet(desk, "FAR"), free(desk)) == (1_980, 7_880 - 1_980)


def test_the_wallet_is_topped_up_as_far_as_the_free_wallet_goes(desk: SmallDesk) -> None:
    """[ISO-03] 40 lots require 8,080, then 40 more"""
    filled(desk, "NEAR", 40, "101000")
    filled(desk, "PERPETUAL", 40, "100000")
    assert (wallet(desk, "PERPETUAL"), free(desk)) == (1_920, 0)
    assert desk.full_risk().risk.headroom == (1_920 - 8_000) * USD


def test_what_is_closed_takes_its_share_of_the_wallet_with_it(desk: SmallDesk) -> None:
    """[ISO-03] a surplus of 980 and the margin go back in proportion"""
    filled(desk, "NEAR", 10, "101000")
    assert move(desk, "NEAR", "980") == 3_000
    filled(desk, "NEAR", -4, "101000")
    assert (wallet(desk, "NEAR"), free(desk)) == (1_800, 8_200)
    filled(desk, "NEAR", -6, "101000")
    assert (wallet(desk, "NEAR"), free(desk)) == (0, 10_000)


def test_what_turns_begins_anew(desk: SmallDesk) -> None:
    """[ISO-03] and has the reserve of a short lot in its wallet"""
    filled(desk, "NEAR", 10, "101000")
    filled(desk, "NEAR", -15, "101000")
    assert wallet(desk, "NEAR") == Decimal("1010.000005")


def test_a_position_with_a_surplus_pays_the_fee_of_its_fill(desk: SmallDesk) -> None:
    """[ISO-03] of 5,000 that are there 4,040 are required; one that lacks margin does not"""
    filled(desk, "NEAR", 10, "101000", fee="7")
    assert (wallet(desk, "NEAR"), free(desk)) == (2_020, 7_973)
    move(desk, "NEAR", "2980")
    filled(desk, "NEAR", 10, "101000", fee="5")
    assert (wallet(desk, "NEAR"), free(desk)) == (4_995, 4_993)


def test_a_gain_at_the_fill_pays_its_fee_as_the_hold_has_it(desk: SmallDesk) -> None:
    """[ISO-05] bought 100 below the mark for a fee of 50: what was held for it covers the fill"""
    filled(desk, "NEAR", 10, "101000")
    move(desk, "NEAR", "4980")
    before = desk.full_risk().risk.headroom
    filled(desk, "NEAR", 10, "100900", fee="50")
    assert desk.full_risk().risk.headroom == before
    assert wallet(desk, "NEAR") == 6_950


def test_the_risk_that_is_kept_in_step_is_the_one_worked_out_anew(desk: SmallDesk) -> None:
    """[ISO-02]"""
    assert desk.kept_risk().risk.headroom == 10_000 * USD
    for name, lots, price in (
        ("NEAR", 10, "101100"),
        ("NEAR", -4, "101050"),
        ("CALL", -3, "190"),
        ("COIN-PERPETUAL", 700, "99000"),
        ("COIN-PERPETUAL", -900, "100500"),
        ("CALL", 3, "180"),
    ):
        filled(desk, name, lots, price)
        kept, full = desk.kept_risk(), desk.full_risk()
        assert kept.risk == full.risk
        assert free_wallet(kept) == free_wallet(full)
    assert folded_again(desk).accounts["a"].portfolio.wallets == desk.account().portfolio.wallets


def test_without_prices_a_fill_tops_nothing_up() -> None:
    """[ISO-03]"""
    desk = wallet_desk().open(usd="10000")
    desk.fill("venue", "SOL-PERPETUAL", 1, "150", fee="0")
    filled(desk, "NEAR", 10, "101000")
    assert wallet(desk, "NEAR") == 0


def test_other_models_have_no_wallets(desk: SmallDesk) -> None:
    """[ISO-06]"""
    filled(desk, "NEAR", 10, "101000")
    change(desk, "cross")
    assert desk.account().portfolio.wallets == {}
    filled(desk, "NEAR", 1, "101000")
    assert desk.account().portfolio.wallets == {}
    with pytest.raises(InvalidInput) as raised:
        move(desk, "NEAR", "1")
    assert raised.value.field == "account"


def test_margin_moves_to_a_position_while_the_free_wallet_has_it(desk: SmallDesk) -> None:
    """[ISO-06]"""
    filled(desk, "NEAR", 10, "101000")
    filled(desk, "CALL", -1, "200")
    assert refusal(desk, "NEAR", "6980.000001") == (
        RejectReason.INSUFFICIENT_INITIAL_MARGIN, "NEAR",
    )  # fmt: skip
    assert move(desk, "NEAR", "6980") == 9_000
    assert desk.full_risk().risk.headroom == 0


def test_margin_moves_back_while_the_position_keeps_what_its_orders_may_require(
    desk: SmallDesk,
) -> None:
    """[ISO-06] five lots more may be bought: 3,030 instead of 2,020"""
    filled(desk, "NEAR", 10, "101000")
    move(desk, "NEAR", "2980")
    desk.check(desk.leg("NEAR", 5, "101000"))
    assert refusal(desk, "NEAR", "-1970.000001")[0] is RejectReason.INSUFFICIENT_INITIAL_MARGIN
    assert move(desk, "NEAR", "-1970") == 3_030


@pytest.mark.parametrize("amount", ["1", "-1"])
def test_a_move_that_cannot_be_judged_leaves_the_account_as_it_was(
    desk: SmallDesk, amount: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """[ISO-06]"""
    filled(desk, "NEAR", 10, "101000")
    before = desk.kept_risk().risk, free_wallet(desk.kept_risk())
    with monkeypatch.context() as broken:
        broken.setattr(IsolatedModel, "requirements", _failing)
        broken.setattr(wallets, "required_with_orders", _failing)
        with pytest.raises(ModelFailure):
            move(desk, "NEAR", amount)
    assert (desk.kept_risk().risk, free_wallet(desk.kept_risk())) == before


def _failing(*_: object) -> None:
    raise ModelFailure("no requirement")


def test_a_gain_may_be_used_elsewhere(desk: SmallDesk) -> None:
    """[ISO-02, ISO-06] the future rises by 3,000: ten lots gain 3,000 and require 2,080"""
    filled(desk, "NEAR", 10, "101000")
    desk.quote(update(marks={**MARKS, "NEAR": 104_000.0}))
    assert move(desk, "NEAR", "-2940") == -920
    assert refusal(desk, "NEAR", "-0.000001")[0] is RejectReason.INSUFFICIENT_INITIAL_MARGIN
    assert desk.full_risk().risk.headroom == 10_000 * USD + 920 * USD


def test_prices_must_be_fresh(desk: SmallDesk) -> None:
    """[ISO-06]"""
    filled(desk, "NEAR", 10, "101000")
    desk.now_ns += 3_600 * SECOND_NS
    for amount in ("1", "-1"):
        assert refusal(desk, "NEAR", amount)[0] is RejectReason.MARKET_DATA_STALE


def test_only_positions_have_wallets(desk: SmallDesk) -> None:
    """[ISO-06]"""
    with pytest.raises(InvalidInput) as raised:
        move(desk, "NEAR", "1")
    assert raised.value.field == "instrument"
    filled(desk, "NEAR", 10, "101000")
    for amount in ("0.0000001", "1e30"):
        with pytest.raises(InvalidInput) as raised:
            move(desk, "NEAR", amount)
        assert raised.value.field == "amount"


def test_a_repeated_request_gets_the_same_answer(desk: SmallDesk) -> None:
    filled(desk, "NEAR", 10, "101000")
    assert move(desk, "NEAR", "5", request_id="m") == 2_025
    assert move(desk, "NEAR", "7") == 2_032
    assert move(desk, "NEAR", "5", request_id="m") == 2_025
    with pytest.raises(RequestConflict):
        move(desk, "NEAR", "6", request_id="m", digest="other")


def test_the_events_say_what_moved_and_what_it_was_judged_by(desk: SmallDesk) -> None:
    """[ISO-06]"""
    filled(desk, "NEAR", 10, "101000")
    move(desk, "NEAR", "5")
    by_fill, by_request = (decode_event(each.body) for each in desk.events()[-2:])
    assert isinstance(by_fill, FillReported)
    assert by_fill.wallet_units == 2_020 * USD
    assert isinstance(by_request, MarginMoved)
    assert (
        structs.asdict(by_request).items()
        >= {
            "instrument": "NEAR",
            "units": 5 * USD,
            "wallet": 2_025 * USD,
            "market_digest": desk.shard.market.view.digest,
        }.items()
    )
