"""Accounts under the model on paper, in four worlds that move of twenty.

[VAR-07 to VAR-13, VAR-15]
"""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal

import pytest

from margingate_engine.check.decide import decide
from margingate_engine.core.charges import Charge
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness
from margingate_engine.models.var.model import VarModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import hold_of
from margingate_engine.portfolio.margin_model import NO_SCENARIO, NOT_A_SCENARIO, Requirement
from tests.unit.engine.models.two_coins import holding, two_coins
from tests.unit.engine.models.var.tables import SETTINGS
from tests.unit.engine.small_market import NEAR_NS, SmallMarket

USD, DAYS = 10**6, 20
BTC, ETH = (-20, -10, 15, 20), (-10, -20, 20, 10)
"""Percent per day, oldest first; what is not named does not move."""


def changes(percent: Sequence[int], days: int) -> list[Decimal]:
    """Log changes, rounded up by less than what a row of 1e-6 USD notices."""
    logs = [(1 + Decimal(each) / 100).ln() for each in (*percent, *[0] * (days - len(percent)))]
    return [each.quantize(Decimal("1e-12"), ROUND_CEILING) for each in logs]


def history(percent: Sequence[int], days: int, stressed: Sequence[int]) -> dict[str, object]:
    still = [Decimal(0)]
    return {
        "returns": changes(percent, days),
        "vol_returns": still * days,
        "stressed_returns": changes(stressed, DAYS),
        "stressed_vol_returns": still * DAYS,
        "basis_rate": Decimal(0),
        "collateral_haircut": Decimal(0),
    }


def market(
    *,
    bitcoin: Sequence[int] = BTC,
    ether: Sequence[int] = ETH,
    days: int = DAYS,
    marks: Mapping[str, float] | None = None,
    market_time_ns: int = 0,
    **settings: object,
) -> SmallMarket:
    """The market of two coins under ranked losses of 95 %: of twenty worlds the second largest.

    Of an expected shortfall at 95 % it is the largest.
    """
    own = {"confidence": Decimal("0.95"), "lookback_days": DAYS, **settings}
    charges = {"basis_rate": Decimal("0.01"), "collateral_haircut": Decimal("0.05")}
    model = VarModel.from_mapping(
        {
            "settings": {**SETTINGS, **own},
            "BTC": {**history(bitcoin, days, (-40, -30)), **charges},
            "ETH": history(ether, days, ()),
        }
    )
    return two_coins(model, marks=marks, market_time_ns=market_time_ns)


RANKED, SHORTFALL = market(), market(estimator="es")


def only(account: AccountRisk) -> Requirement:
    (found,) = account.requirements()
    return found


def test_a_future_requires_its_second_largest_loss_and_says_in_which_world() -> None:
    """[VAR-08, VAR-15] 10,000 USD of BTC"""
    account = holding(RANKED, PERPETUAL=1)
    assert (account.risk.initial, account.risk.maintenance) == (1_000 * USD, 800 * USD)
    found = only(account)
    assert (found.subject, found.scenario) == ("portfolio", 2)
    assert found.words == "world 2: BTC -10.0%, vols +0%; ETH -20.0%, vols +0%"
    assert found.charges == ((Charge.VALUE_AT_RISK, 1_000 * USD), (Charge.BASIS_CHARGE, 0))
    assert found.is_exact


def test_the_shortfall_of_one_world_in_twenty_is_the_largest_loss() -> None:
    """[VAR-09] of two in twenty the mean of the largest two"""
    assert holding(SHORTFALL, PERPETUAL=1).risk.initial == 2_000 * USD
    wider = market(estimator="es", confidence=Decimal("0.9"))
    found = only(holding(wider, PERPETUAL=1))
    assert found.binding == (Charge.EXPECTED_SHORTFALL, 1_500 * USD)


def test_a_short_call_is_revalued_in_every_world() -> None:
    """[VAR-07] 300 at 115,000 and 800 at 120,000 of 0.1 coin at a strike of 112,000"""
    account = holding(RANKED, usd=1_000, CALL=-1)
    assert account.equity == 980 * USD - 1
    assert (account.risk.initial, only(account).scenario) == (300 * USD, 3)
    assert holding(SHORTFALL, CALL=-1).risk.initial == 800 * USD


@pytest.mark.parametrize(
    ("estimator", "cap", "required"),
    [("es", "0", 40_000), ("es", "0.5", 25_000), ("es", "0.8", 16_000), ("var", "0.8", 8_000)],
)
def test_coins_hedge_each_other_as_far_as_the_cap_lets_them(
    estimator: str, cap: str, required: int
) -> None:
    """[VAR-11] 100,000 USD of BTC against ETH: together 10,000, apart 20,000 each

    Ranked it is 5,000 together, and 10,000 each.
    """
    capped = market(estimator=estimator, offset_cap=Decimal(cap))
    account = holding(capped, PERPETUAL=10, ETH_PERPETUAL=-250)
    assert account.risk.initial == required * USD
    assert account.risk.maintenance == required * USD * 8 // 10


def test_value_at_risk_may_be_larger_together_than_apart() -> None:
    """[VAR-11] each loses in one world of its own, which alone does not count"""
    apart = market(bitcoin=(-10,), ether=(0, -20))
    assert holding(apart, PERPETUAL=1).risk.initial == 0
    assert holding(apart, ETH_PERPETUAL=25).risk.initial == 0
    account = holding(apart, PERPETUAL=1, ETH_PERPETUAL=25)
    assert (account.risk.initial, only(account).scenario) == (1_000 * USD, 1)


def test_stressed_worlds_are_blended_in_and_what_is_left_of_the_buffer_is_added() -> None:
    """[VAR-10] half of 1,000 and half of 3,000, and three quarters of 20 % more"""
    stressed = market(
        stressed_weight=Decimal("0.5"), buffer=Decimal("0.2"), buffer_drawn=Decimal("0.25")
    )
    assert holding(stressed, PERPETUAL=1).risk.initial == 2_300 * USD


def test_where_no_world_loses_one_of_the_floors_may_bind_or_none_does() -> None:
    """[VAR-06, VAR-10] days that are too old for the twenty worlds, not for the floor's"""
    for floor_days, required, words, scenario in (
        (30, 1_000 * USD, "world 22: BTC -10.0%, vols +0%; ETH -20.0%, vols +0%", 22),
        (0, 0, "no world loses", NO_SCENARIO),
    ):
        found = only(holding(market(days=30, floor_days=floor_days), PERPETUAL=1))
        assert (found.total, found.words, found.scenario) == (required, words, scenario)


def test_what_no_world_at_the_confidence_loses_is_said_to_be_no_world() -> None:
    """[VAR-08, VAR-10] stressed worlds lose where those of the history rise; half of 3,000"""
    rising = market(bitcoin=(1,), stressed_weight=Decimal("0.5"))
    found = only(holding(rising, PERPETUAL=1))
    assert (found.total, found.scenario) == (1_500 * USD, NOT_A_SCENARIO)
    assert found.words == "stressed worlds, floor or offset cap"


def test_futures_of_two_expiries_require_the_basis() -> None:
    """[VAR-07] 101,000 against 100,000: 1 % of the smaller, and 100 in the second world"""
    account = holding(RANKED, NEAR=10, PERPETUAL=-10)
    assert (account.risk.initial, account.risk.maintenance) == (1_100 * USD, 880 * USD)
    assert only(account).binding == (Charge.BASIS_CHARGE, 1_000 * USD)


def test_coins_in_debt_lose_when_their_price_rises() -> None:
    """[VAR-07] one BTC owed, 5 % more in equity; the move to the nearest 1e-12 ends in a 1"""
    account = holding(RANKED, usd=200_000, coins=-1)
    assert account.equity == 95_000 * USD
    assert (account.risk.initial, only(account).scenario) == (15_000 * USD + 1, 3)


def test_what_has_expired_keeps_its_value_and_hedges_nothing() -> None:
    """[VAR-07] of an inverse option it is coins, which move: 0.02 BTC"""
    later = market(market_time_ns=NEAR_NS)
    account = holding(later, usd=100, CALL=-1)
    assert (account.equity, account.risk.initial) == (80 * USD - 1, 0)
    account = holding(later, COIN_CALL=1)
    assert (account.equity, account.risk.initial) == (1_900 * USD, 200 * USD)


def test_an_order_is_held_at_its_worst_fill_in_every_world_and_is_a_bound() -> None:
    """[VAR-13] sold 1,000 under its mark: 100 lost at once, and 1,500 in the third world"""
    account = holding(RANKED, (RANKED.open_leg("PERPETUAL", -1, "99000"),))
    assert account.risk.initial == 1_600 * USD + 1
    assert (only(account).is_exact, only(account).scenario) == (False, 3)
    assert (account.positions_risk.initial, account.risk.maintenance) == (0, 0)


def test_the_null_row_holds_what_an_order_loses_where_every_counted_world_gains() -> None:
    """[VAR-10, VAR-13] sold 100 below the mark into two worlds that rise, and all others fall"""
    falling = market(bitcoin=(20, *[-1] * 19))
    account = holding(falling, (falling.open_leg("PERPETUAL", -1, "99900"),))
    assert account.risk.initial == 10 * USD + 1


def test_a_combo_fills_whole() -> None:
    """[VAR-13] a short future, and a call spread that gains where it loses: alone a call loses"""
    legs = (("CALL", -1, "200"), ("FAR-CALL", 1, "12000"))
    apart = tuple((RANKED.open_leg(*each),) for each in legs)
    combo = tuple(RANKED.open_leg(*each, number=n, ratio=1) for n, each in enumerate(legs))
    assert dict(only(holding(RANKED, combo, PERPETUAL=-1)).charges) == {
        Charge.VALUE_AT_RISK: 1_500 * USD,
        Charge.BASIS_CHARGE: 100 * USD,
    }
    alone = dict(only(holding(RANKED, *apart, PERPETUAL=-1)).charges)
    assert alone[Charge.VALUE_AT_RISK] == 1_800 * USD + 1


def test_headroom_of_exactly_zero_is_accepted_and_a_millionth_less_is_not() -> None:
    """[VAR-13, DEC-01] sold above its mark a call brings all it requires but 300"""
    for price, reason in (
        ("200.5", RejectReason.NONE),
        ("200", RejectReason.INSUFFICIENT_INITIAL_MARGIN),
    ):
        outcome = decide(RANKED.question(RANKED.portfolio(300), RANKED.leg("CALL", -1, price)))
        assert (outcome.reason, outcome.exactness) == (reason, Exactness.BOUND)
        assert outcome.binding is Charge.VALUE_AT_RISK
        (worst,) = outcome.worst_after
        assert (worst.group, worst.scenario) == ("portfolio", 3)


def test_an_underlying_without_a_history_stays_unpriced() -> None:
    """[VAR-07]"""
    assert RANKED.arrays.unmodelled == {"SOL"}
    order = RANKED.leg("SOL-PERPETUAL", 1, "150")
    outcome = decide(RANKED.question(RANKED.portfolio(1_000), order))
    assert outcome.reason is RejectReason.INSTRUMENT_NOT_TRADABLE


def test_an_absurd_mark_leaves_the_others_as_they_were() -> None:
    """[VAR-07] 10 USD at a mark of 1e-9 would be worth 1e10 coins"""
    absurd = market(marks={"COIN-FAR": 1e-9})
    unpriced = [n for n, each in enumerate(absurd.arrays.priced_i) if not each]
    assert unpriced == [absurd.row("COIN-FAR"), absurd.row("SOL-PERPETUAL")]
    assert (absurd.arrays.pnl_ir[unpriced[0]] == 0).all()
    assert holding(absurd, CALL=-1).risk == holding(RANKED, CALL=-1).risk


def test_of_no_groups_nothing_is_required() -> None:
    """[VAR-11, VAR-15]"""
    model = RANKED.arrays.model
    assert (list(model.requirements({})), model.maintenance({})) == ([], 0)
    assert holding(RANKED).requirements() == []


def test_sizes_are_tried_where_the_basis_turns_and_all_of_them_under_value_at_risk() -> None:
    """[VAR-09] 1,010 of basis long; a lot sold adds 100 to the shorts, which meet them at 10.1"""
    for each, kinks in ((SHORTFALL, {0, 10}), (RANKED, None)):
        before, filled = holding(each, NEAR=10), holding(each, NEAR=10, PERPETUAL=-1)
        number = each.arrays.group_i[each.row("NEAR")]
        hold = hold_of(each.arrays, each.fees, [each.open_leg("PERPETUAL", -1, "100000")])
        found = each.arrays.model.size_kinks(
            before.peek(number), filled.peek(number), hold.by_group[number]
        )
        assert found is None if kinks is None else kinks <= set(found or ())
