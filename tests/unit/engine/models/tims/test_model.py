"""The model on a table, and accounts under it on paper. [TIMS-01 to TIMS-09]"""

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from margingate_engine.check.decide import decide
from margingate_engine.core.charges import Charge
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness
from margingate_engine.models.tims.model import TimsModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.hold import hold_of
from margingate_engine.portfolio.margin_model import NO_SCENARIO, NOT_A_SCENARIO, Requirement
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from tests.unit.engine.models.tims.crypto_market import SNAPSHOT, TABLE
from tests.unit.engine.models.two_coins import holding, two_coins
from tests.unit.engine.small_market import NEAR_NS, SmallMarket

TEXT = (Path(__file__).parent / "crypto.toml").read_text()
MODEL = TimsModel.from_mapping(tomllib.loads(TEXT, parse_float=Decimal))
ARRAYS: RiskArrays = MODEL.risk_arrays(TABLE, SNAPSHOT)
COIN, USD = 10**12, 10**6
TABLES: Mapping[str, Any] = {
    "underlyings": {
        "BTC": {
            "class_group": "bitcoin",
            "contract_minimum_kind": "usd",
            "contract_minimum": Decimal(25),
            "basis_rate": Decimal(0),
            "collateral_haircut": Decimal("0.05"),
        },
        "ETH": {
            "class_group": "ether",
            "contract_minimum_kind": "relative",
            "contract_minimum": Decimal("0.01"),
            "basis_rate": Decimal(0),
            "collateral_haircut": Decimal(0),
        },
    },
    "class_groups": {
        name: {"product_group": "coins", "range_down": Decimal(each), "range_up": Decimal(each)}
        for name, each in (("bitcoin", "0.15"), ("ether", "0.2"))
    },
    "product_groups": {"coins": {"portfolio_group": "crypto", "offset": Decimal("0.5")}},
    "portfolio_groups": {"crypto": {"offset": Decimal("0.3")}},
    "maintenance_fraction": Decimal("0.8"),
}
"""BTC in steps of 3 %, ETH in steps of 4 %."""


def market(
    *, marks: Mapping[str, float] | None = None, market_time_ns: int = 0, **bitcoin: Decimal
) -> SmallMarket:
    """The market of two coins, with other parameters of BTC."""
    underlyings = {**TABLES["underlyings"], "BTC": {**TABLES["underlyings"]["BTC"], **bitcoin}}
    model = TimsModel.from_mapping({**TABLES, "underlyings": underlyings})
    return two_coins(model, marks=marks, market_time_ns=market_time_ns)


MARKET = market()


def only(account: AccountRisk) -> Requirement:
    (found,) = account.requirements()
    return found


def parts(account: AccountRisk) -> list[int]:
    """Scan, basis, minimum and entry losses, 1e-6 USD."""
    return [amount for _, amount in only(account).charges]


def group() -> GroupArrays:
    (found,) = (each for each in ARRAYS.groups if each is not None)
    return found


def held(coin_pico: int = 0, **lots: int) -> GroupTotals:
    totals = GroupTotals.empty(ARRAYS, group())
    totals.move_coin(coin_pico)
    for name, count in lots.items():
        row = TABLE.row(name.replace("_", "-"))
        assert row is not None
        totals.move_position(row, count)
    return totals


def required(totals: GroupTotals) -> int:
    return sum(each.total for each in MODEL.requirements({0: MODEL.group_margin(totals, ())}))


def test_a_coin_loses_what_its_price_loses() -> None:
    """One BTC at 100,000: -15 % to +15 % in steps of 3 %."""
    steps = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)
    assert group().coin_rows(COIN) == [step * 3_000 * USD for step in steps]
    assert group().coin_rows(-1) == [-(step * 3_000 * USD) // COIN for step in steps]
    assert required(held(COIN)) == 15_000 * USD


def test_a_coin_hedged_by_the_future_requires_the_contract_minimum_or_the_basis() -> None:
    """1 coin of 100,000 against ten lots of 0.1 at 100,000: the minimum is 0.375 % of 100,000.

    The perpetual is another bucket than spot, so 1 % of 100,000 is charged for the basis.
    """
    assert required(held(COIN, PERPETUAL=-10)) == 1_000 * USD
    assert required(held(COIN, PERPETUAL=-9)) == (1_500 + 900) * USD


def test_maintenance_is_the_files_part_of_it() -> None:
    margins = {0: MODEL.group_margin(held(COIN), ())}
    assert MODEL.maintenance(margins) == pytest.approx(0.8 * 15_000 * USD)


def test_a_short_call_requires_what_it_loses_at_the_highest_point() -> None:
    """[TIMS-02, TIMS-06] 115,000 is 3,000 above its strike, a lot is 0.1; it is marked at 20"""
    account = holding(MARKET, usd=1_000, CALL=-1)
    assert account.equity == (1_000 - 20) * USD - 1
    assert (account.risk.initial, account.risk.maintenance) == (300 * USD, 240 * USD)
    found = only(account)
    assert (found.subject, found.scenario, found.words) == ("crypto", 10, "price +15%")
    assert found.binding == (Charge.SCAN_RISK, 300 * USD)


def test_gains_of_one_coin_count_in_part_against_losses_of_another() -> None:
    """[TIMS-04] 100,000 USD long in BTC, as much short in ETH: half of 15,000 against 20,000"""
    account = holding(MARKET, PERPETUAL=10, ETH_PERPETUAL=-250)
    assert account.equity == -250
    assert parts(account) == [12_500 * USD, 0, (25 + 1_000) * USD, 0]
    assert account.risk.maintenance == 10_000 * USD
    found = only(account)
    assert (found.scenario, found.words) == (10, "price +15% or price +20%")
    names = MARKET.table.underlyings
    assert found.groups == tuple(sorted((names.index("BTC"), names.index("ETH"))))
    assert holding(MARKET, PERPETUAL=10).risk.initial == 15_000 * USD
    assert holding(MARKET, ETH_PERPETUAL=-250).risk.initial == 20_000 * USD


def test_what_no_point_moves_requires_its_minimum_long_not_more_than_it_is_worth() -> None:
    """[TIMS-05] a lot of a far put: 2.50 short, its mark of 1 long"""
    for lots, minimum in ((-2, 5 * USD), (2, 2 * USD)):
        account = holding(MARKET, usd=100, FAR_PUT=lots)
        assert account.risk.initial == minimum
        found = only(account)
        assert (found.scenario, found.words) == (NOT_A_SCENARIO, "contract minimum")
        assert found.binding == (Charge.CONTRACT_MINIMUM, minimum)


def test_the_minimum_of_an_inverse_future_is_that_of_the_coins_it_stands_for() -> None:
    """[TIMS-05] a coin hedged by 10,000 lots of 10 USD, which are one coin: 25"""
    account = holding(MARKET, coins=1, COIN_PERPETUAL=-10_000)
    assert parts(account) == [0, 0, 25 * USD, 0]
    assert account.risk.initial == 25 * USD


def test_futures_that_a_parallel_move_cannot_tell_apart_require_the_basis() -> None:
    """[TIMS-03] 101,000 against 100,000: 1 % of the smaller, and 150 at the lowest point"""
    account = holding(market(basis_rate=Decimal("0.01")), NEAR=10, PERPETUAL=-10)
    assert parts(account)[:2] == [150 * USD, 1_000 * USD]
    assert account.risk.initial == 1_150 * USD
    assert only(account).binding == (Charge.BASIS_CHARGE, 1_000 * USD)
    assert only(account).words == "price -15%"


def test_coins_in_debt_lose_when_their_price_rises_and_weigh_more_in_equity() -> None:
    """[TIMS-03] one BTC owed: 100,000 and 5 % of it, 15,000 at the last point"""
    account = holding(MARKET, usd=200_000, coins=-1)
    assert account.equity == 95_000 * USD
    assert (account.risk.initial, only(account).scenario) == (15_000 * USD, 10)


def test_what_has_expired_keeps_its_value_and_requires_nothing() -> None:
    """[TIMS-02, TIMS-05] of an inverse option it is coins, which move: 0.02 BTC, 15 % of 2,000"""
    later = market(market_time_ns=NEAR_NS)
    account = holding(later, usd=100, CALL=-1)
    assert (account.equity, account.risk.initial) == (80 * USD - 1, 0)
    account = holding(later, COIN_CALL=1)
    assert account.equity == 1_900 * USD
    assert (account.risk.initial, only(account).scenario) == (300 * USD, 1)


def test_an_order_that_may_fill_alone_is_held_at_its_worst_fill_exactly() -> None:
    """[TIMS-07] sold 1,000 under its mark: 100 lost at once, and 1,500 at the last point"""
    account = holding(MARKET, (MARKET.open_leg("PERPETUAL", -1, "99000"),))
    assert parts(account) == [1_500 * USD, 0, 2_500_000, 100 * USD + 1]
    assert only(account).is_exact
    assert account.risk.initial == 1_600 * USD + 1
    assert (account.positions_risk.initial, account.risk.maintenance) == (0, 0)


def test_where_no_point_loses_the_entry_loss_is_all_there_is() -> None:
    """[TIMS-07] a far put bought 1 above its mark: the null row alone, and exact"""
    free = market(contract_minimum=Decimal(0))
    account = holding(free, (free.open_leg("FAR-PUT", 1, "11"),))
    found = only(account)
    assert found.total == 100_000
    assert found.binding == (Charge.ENTRY_LOSSES, 100_000)
    assert (found.scenario, found.words, found.is_exact) == (NO_SCENARIO, "no point loses", True)


def test_an_entry_loss_is_not_scaled_with_the_gains_it_comes_with() -> None:
    """[TIMS-07] of 1,500 in BTC two lots of ETH take off half of 160; their cost of 100 stays"""
    order = (MARKET.open_leg("ETH-PERPETUAL", 1, "5000"),)
    account = holding(MARKET, order, PERPETUAL=-1, ETH_PERPETUAL=1)
    assert parts(account) == [1_420 * USD, 0, 2_500_000 + 8 * USD, 100 * USD]
    assert account.risk.initial == 1_520 * USD
    assert not only(account).is_exact


def test_the_minimum_is_that_of_the_worse_end_of_what_orders_may_make() -> None:
    """[TIMS-08] two far puts long may become one short: the two require 2, the one 2.50"""
    held = {"FAR_PUT": 2}
    orders = (MARKET.open_leg("FAR-PUT", -3, "10"),), (MARKET.open_leg("FAR-PUT", -2, "10"),)
    assert parts(holding(MARKET, orders[0], **held))[2] == 2_500_000
    assert parts(holding(MARKET, orders[1], **held))[2] == 2 * USD


def test_a_combo_fills_whole_and_is_a_bound() -> None:
    """[TIMS-07] a short future, and a call spread that gains where it loses: alone a call loses"""
    legs = (("CALL", -1, "200"), ("FAR-CALL", 1, "12000"))
    apart = tuple((MARKET.open_leg(*each),) for each in legs)
    combo = tuple(MARKET.open_leg(*each, number=n, ratio=1) for n, each in enumerate(legs))
    together = holding(MARKET, combo, PERPETUAL=-1)
    assert together.risk.initial == 1_500 * USD
    assert not only(together).is_exact
    alone = holding(MARKET, *apart, PERPETUAL=-1)
    assert alone.risk.initial == 1_800 * USD + 1
    assert only(alone).is_exact


def test_headroom_of_exactly_zero_is_accepted_and_a_millionth_less_is_not() -> None:
    """[TIMS-07, DEC-01] sold above its mark a call brings all it requires but 300"""
    for usd, price, reason in (
        (300, "200.5", RejectReason.NONE),
        (300, "200", RejectReason.INSUFFICIENT_INITIAL_MARGIN),
    ):
        portfolio = MARKET.portfolio(usd)
        outcome = decide(MARKET.question(portfolio, MARKET.leg("CALL", -1, price)))
        assert (outcome.reason, outcome.exactness) == (reason, Exactness.EXACT)
        assert outcome.binding is Charge.SCAN_RISK
        (worst,) = outcome.worst_after
        assert (worst.group, worst.scenario, worst.description) == ("crypto", 10, "price +15%")


def test_an_underlying_without_parameters_stays_unpriced() -> None:
    """[TIMS-02]"""
    row = MARKET.row("SOL-PERPETUAL")
    assert MARKET.arrays.unmodelled == {"SOL"}
    assert not MARKET.arrays.priced_i[row]
    order = MARKET.leg("SOL-PERPETUAL", 1, "150")
    outcome = decide(MARKET.question(MARKET.portfolio(1_000), order))
    assert outcome.reason is RejectReason.INSTRUMENT_NOT_TRADABLE
    assert outcome.detail == "leg 0: no margin parameters for its underlying"


def test_an_absurd_mark_leaves_the_others_as_they_were() -> None:
    """[TIMS-02] 10 USD at a mark of 1e-9 would be worth 1e10 coins"""
    absurd = market(marks={"COIN-FAR": 1e-9})
    row = absurd.row("COIN-FAR")
    assert [n for n, each in enumerate(absurd.arrays.priced_i) if not each] == [
        row,
        absurd.row("SOL-PERPETUAL"),
    ]
    assert (absurd.arrays.pnl_ir[row] == 0).all()
    assert holding(absurd, CALL=-1).risk == holding(MARKET, CALL=-1).risk


def test_of_no_groups_nothing_is_required() -> None:
    """[TIMS-06]"""
    model = MARKET.arrays.model
    assert (list(model.requirements({})), model.maintenance({})) == ([], 0)
    assert holding(MARKET).requirements() == []


def test_sizes_are_tried_where_the_basis_turns() -> None:
    """[TIMS-09] 1,010 of basis long; a lot sold adds 100 to the shorts, which meet them at 10.1"""
    charged = market(basis_rate=Decimal("0.01"))
    before = holding(charged, NEAR=10)
    filled = holding(charged, NEAR=10, PERPETUAL=-1)
    number = charged.arrays.group_i[charged.row("NEAR")]
    hold = hold_of(charged.arrays, charged.fees, [charged.open_leg("PERPETUAL", -1, "100000")])
    kinks = charged.arrays.model.size_kinks(
        before.peek(number), filled.peek(number), hold.by_group[number]
    )
    assert kinks is not None
    assert {0, 10} <= set(kinks)
