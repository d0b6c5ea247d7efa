"""What is said of an account whose positions have wallets, on paper. [MON-15]

Ten lots of NEAR, one coin at 101,000 USD, require 2 % and maintain 1 % of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import numpy as np

from margingate_engine.models.strain import due_positions, largest_strain_ppm, position_risks
from margingate_engine.monitoring.liquidation import Direction, LiquidationMove, LiquidationSearch
from margingate_engine.monitoring.reduction import suggested_reduction
from margingate_engine.monitoring.states import (
    Bounds,
    MarginState,
    margin_ratio,
    margin_ratios,
    state_of,
    states_of_figures,
)
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.revaluation.account_figures import AccountFigures
from tests.unit.engine.models.cross.standard_market import standard_market
from tests.unit.engine.small_market import USD, SmallMarket


def flat_market(name: str, market_time_ns: int = 0) -> SmallMarket:
    """Without slopes, so that ten lots require ten times what one does."""
    return standard_market(
        name,
        market_time_ns=market_time_ns,
        future_initial_slope=Decimal(0),
        future_maintenance_slope=Decimal(0),
    )


MARKET = flat_market("isolated")
BOUNDS = Bounds(ratio_ppm=800_000, headroom_ppm=100_000)
GAPS = Bounds(ratio_ppm=750_000, headroom_ppm=120_000, gap_ppm=20_000)
WARNED, CALLED, LIQUIDATED = (
    MarginState.WARNING,
    MarginState.MARGIN_CALL,
    MarginState.LIQUIDATION,
)
DUE = 1_010


def held(usd: int, wallets: Mapping[str, int], **lots: int) -> Portfolio:
    """Positions entered at their marks, with wallets in USD."""
    portfolio = MARKET.portfolio(usd, **lots)
    portfolio.wallets = {MARKET.row(name): wallet * USD for name, wallet in wallets.items()}
    return portfolio


def account(portfolio: Portfolio) -> AccountRisk:
    return AccountRisk.of(portfolio, MARKET.arrays)


def state(portfolio: Portfolio, bounds: Bounds = BOUNDS) -> MarginState:
    taken = account(portfolio)
    return state_of(taken.positions_risk, bounds, largest_strain_ppm(taken))


def steps(portfolio: Portfolio) -> list[tuple[str, int]]:
    """(instrument, lots to trade); it has to be enough."""
    reduction = suggested_reduction(portfolio, MARKET.arrays)
    assert reduction.is_enough
    return [(MARKET.table.instruments[each.row].name, each.lots) for each in reduction.steps]


def test_a_position_at_its_maintenance_margin_is_due_whatever_else_is_there() -> None:
    """[MON-15] [ISO-04]"""
    for wallet, expected in (
        (2_020, MarginState.HEALTHY),
        (1_213, MarginState.HEALTHY),
        (1_212, WARNED),  # 808 of 1,010 are lost
        (1_011, WARNED),
        (1_010, LIQUIDATED),
        (0, LIQUIDATED),
    ):
        assert state(held(10**6, {"NEAR": wallet}, NEAR=10)) is expected


def test_it_is_left_further_out() -> None:
    """[MON-15] [MON-04] 0.98 and 0.75 of 1,010"""
    for wallet, expected in (
        (1_030, LIQUIDATED),
        (1_031, WARNED),
        (1_262, WARNED),
        (1_263, MarginState.HEALTHY),
    ):
        assert state(held(10**6, {"NEAR": wallet}, NEAR=10), GAPS) is expected


def test_the_worse_of_the_account_and_its_positions_counts() -> None:
    """[MON-15] 2,020 are required in all, of which equity is short; no position is due."""
    assert state(held(1_600, {"NEAR": 1_600}, NEAR=10)) is CALLED
    assert state(held(1_600, {"NEAR": 1_000}, NEAR=10)) is LIQUIDATED


def test_the_nearest_position_says_it_and_each_has_a_strain_of_its_own() -> None:
    """[MON-15] one call: 770 maintain, 1,020 are required"""
    taken = account(held(10**6, {"NEAR": 1_515, "CALL": 820, "PUT": 0}, NEAR=10, CALL=-1, PUT=2))
    names = MARKET.table.instruments
    assert [(names[each.row].name, each.strain_ppm) for each in position_risks(taken)] == [
        *[("CALL", 800_000), ("NEAR", 500_000), ("PUT", 0)]
    ]
    assert largest_strain_ppm(taken) == 800_000
    assert due_positions(taken) == []


def test_positions_without_wallets_have_no_strain() -> None:
    """[MON-15]"""
    cross = flat_market("cross")
    taken = AccountRisk.of(cross.portfolio(0, NEAR=10), cross.arrays)
    assert (position_risks(taken), largest_strain_ppm(taken)) == ([], 0)


def test_many_accounts_have_the_states_and_ratios_of_each() -> None:
    """[MON-15] [MON-03]"""
    numbers = np.random.default_rng(7)
    equity_a, initial_a = numbers.integers(-2, 40, 500), numbers.integers(0, 30, 500)
    maintenance_a = initial_a // 2
    strain_ppm_a = numbers.choice([0, 1, 749_999, 800_000, 979_999, 980_000, 10**6, 10**9], 500)
    is_known_a = numbers.random(500) < 0.8
    figures = AccountFigures(
        arrays=MARKET.arrays,
        accounts=tuple(map(str, range(500))),
        version_a=np.zeros(500, dtype=np.int64),
        equity_a=equity_a,
        initial_a=initial_a,
        maintenance_a=maintenance_a,
        headroom_a=equity_a - initial_a,
        strain_ppm_a=strain_ppm_a,
        is_known_a=is_known_a,
    )
    for bounds in (BOUNDS, GAPS, Bounds(ratio_ppm=0, headroom_ppm=0, gap_ppm=10**6)):
        assert states_of_figures(figures, bounds).tolist() == [
            state_of(figures.positions_risk_at(place), bounds, strain)
            if is_known_a[place]
            else MarginState.UNKNOWN
            for place, strain in enumerate(strain_ppm_a.tolist())
        ]
    assert margin_ratios(figures).tolist() == [
        margin_ratio(figures.positions_risk_at(place), strain)
        for place, strain in enumerate(strain_ppm_a.tolist())
    ]


def test_the_nearest_move_at_which_any_position_is_due_is_told() -> None:
    """[MON-13] [MON-15] 10^6 are free; 2,020 last until 98,980 / 0.99."""
    search = LiquidationSearch(
        model=MARKET.arrays.model, table=MARKET.table, snapshot=MARKET.arrays.snapshot
    )
    portfolio = held(10**6, {"NEAR": 2_020}, NEAR=10)
    portfolio.positions[MARKET.row("NEAR")] = replace(
        portfolio.positions[MARKET.row("NEAR")], entry=-101_000 * USD
    )
    down = search.move(portfolio, "BTC", Direction.DOWN)
    assert down is not None
    exact = 98_980 / 0.99 / 101_000 - 1
    assert 0 <= exact * 1e6 - down.move_ppm <= 100
    assert search.move(portfolio, "BTC", Direction.UP) is None
    portfolio.wallets = {MARKET.row("NEAR"): DUE * USD}
    still = LiquidationMove(underlying="BTC", move_ppm=0, index_nano=100_000 * 10**9)
    assert search.move(portfolio, "BTC", Direction.DOWN) == still


def test_what_is_due_is_closed_whole_and_first() -> None:
    """[MON-12] [MON-15] A part of it would be as near to liquidation as all of it."""
    assert steps(held(10**6, {"NEAR": DUE, "FAR": 3_000}, NEAR=10, FAR=-10)) == [("NEAR", -10)]
    assert steps(held(10**6, {"NEAR": DUE + 1}, NEAR=10)) == []


def test_after_it_the_account_is_brought_back_to_its_margin() -> None:
    """[MON-12] [MON-15] FAR keeps 4,500 of 5,000, and the call requires 1,020."""
    portfolio = held(5_000, {"NEAR": 500, "FAR": 4_500, "CALL": 820}, NEAR=10, FAR=-10, CALL=-1)
    assert steps(portfolio) == [("NEAR", -10), ("CALL", 1)]


def test_what_is_due_and_cannot_be_traded_is_not_enough() -> None:
    """[MON-12] [MON-15] It has expired, and is owed until it is settled."""
    expiry_ns = int(MARKET.table.expiry_ns_i[MARKET.row("CALL")])
    later = flat_market("isolated", expiry_ns)
    portfolio = held(10**6, {}, CALL=-1)
    assert due_positions(AccountRisk.of(portfolio, later.arrays)) == [MARKET.row("CALL")]
    reduction = suggested_reduction(portfolio, later.arrays)
    assert (reduction.steps, reduction.is_enough) == ((), False)
