"""What the parts of a live market cost, each alone in this process: `make bench-parts`.

Simulated chain and accounts as `make bench-live` has them. Processor time of one thread, medians.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import product
from random import Random
from statistics import median
from time import process_time

import numpy as np
from rich.console import Console
from rich.table import Table

from margingate_engine.core.risk import Risk
from margingate_engine.monitoring.liquidation import Direction, LiquidationSearch
from margingate_engine.monitoring.publishing import Waits, followed
from margingate_engine.monitoring.reduction import Reduction, suggested_reduction
from margingate_engine.monitoring.states import MarginState, states_of
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.account_holdings import holdings_of
from margingate_engine.revaluation.holdings import Holdings
from margingate_engine.revaluation.revalue import revalued
from margingate_server.config import ServerConfig
from margingate_server.ledger.state import ShardState
from margingate_server.service.margin_states import publishing_of
from margingate_server.service.market import MarketView
from margingate_server.terms_files import read_terms
from tests.bench.live import BUILD, raw_ms
from tests.bench.live_server import LOTS_MAX, POSITIONS, entry_at_mark, populate
from tests.bench.machine import machine_facts
from tests.bench.market import simulated_view, traded_rows

ROUNDS, SAMPLES = 5, 300
BOOKS = {"span": 20, "cross": 20, "tims": 20, "span_cc": 6, "var": 6, "strategy": 2}
"""How many are reduced under each model."""

Figures = dict[str, float]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    asked = parser.parse_args()
    view = simulated_view(is_frozen=False)
    figures: Figures = {"accounts": asked.accounts, "raw_ms": raw_ms(view, asked.accounts)}
    terms = read_terms(ServerConfig())
    state = ShardState(table=view.table, fee_tiers=dict(terms.tiers), policy=terms.policy)
    populate(state, view, asked.accounts)
    figures |= everybody(state, view)
    figures |= one_account(state, view)
    figures |= outlooks(view)
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.3f}")
    Console().print(table)
    report = {"machine": machine_facts(), "figures": figures}
    BUILD.mkdir(exist_ok=True)
    (BUILD / "live_parts.json").write_text(json.dumps(report, indent=2) + "\n")


def everybody(state: ShardState, view: MarketView) -> Figures:
    """Putting all accounts into columns, margining them, and following their states."""
    holdings, names = Holdings(), [*state.accounts]

    def put() -> None:
        for name in names:
            portfolio = state.accounts[name].portfolio
            holdings.put(holdings_of(name, 1, portfolio, view.table), view.table)

    figures = {"put_seconds": _seconds(put), "first_ms": 1e3 * _seconds(_margining(holdings, view))}
    figures["margin_all_ms"] = 1e3 * _median(_margining(holdings, view))
    found = revalued(holdings, view.arrays)
    assert found is not None, "span is a model of columns"
    assert found.is_known_a.all(), "an account of the bench has no margin"
    publishing = publishing_of(state.policy.monitoring)
    both = (publishing.entering, publishing.leaving)
    healthy_a = np.full(len(names), MarginState.HEALTHY, dtype=np.int8)
    waits = Waits.none(len(names))

    def states() -> None:
        amounts = (found.equity_a, found.initial_a, found.maintenance_a)
        entering_a, leaving_a = (states_of(*amounts, bounds) for bounds in both)
        followed(healthy_a, healthy_a, (entering_a, leaving_a), waits, publishing, 1)

    return figures | {"states_of_all_ms": 1e3 * _median(states)}


def one_account(state: ShardState, view: MarketView) -> Figures:
    """The margin of an account when it is first asked for after a tick."""
    durations = []
    for account in list(state.accounts.values())[:SAMPLES]:
        view.arrays.effects.clear()
        durations.append(_seconds(partial(_risk, account.portfolio, view.arrays)))
    return {"account_after_tick_ms": 1e3 * median(durations)}


def _risk(portfolio: Portfolio, arrays: RiskArrays) -> Risk:
    return AccountRisk.of(portfolio, arrays).risk


def outlooks(view: MarketView) -> Figures:
    """Suggested reductions under the models, and the liquidation prices of two coins."""
    figures: Figures = {}
    terms = read_terms(ServerConfig())
    for name, books in BOOKS.items():
        model = terms.models[name]
        arrays = model.risk_arrays(view.table, view.snapshot)
        drawn = [_positions(view, terms.tiers["default"], seed) for seed in range(books)]
        durations = [_reduction_seconds(_funded(each, arrays, 0.9), arrays) for each in drawn]
        figures[f"reduction_{name}_ms"] = 1e3 * median(durations)
        if name != "strategy":
            search = LiquidationSearch(model, view.table, view.snapshot)
            figures[f"liquidation_{name}_ms"] = 1e3 * _prices_seconds(
                search, _funded(drawn[0], arrays, 1.5)
            )
    return figures


def _positions(view: MarketView, fees: FeeTier, seed: int) -> Portfolio:
    draw, portfolio = Random(seed), Portfolio(fees=fees)
    for row in draw.sample(traded_rows(view), POSITIONS):
        lots = draw.randint(1, LOTS_MAX) * draw.choice((1, -1))
        portfolio.positions[row] = Position(lots, entry_at_mark(view, row, lots))
    return portfolio


def _funded(portfolio: Portfolio, arrays: RiskArrays, share: float) -> Portfolio:
    """The same positions with USD for this share of their initial margin."""
    alone = AccountRisk.of(portfolio, arrays).positions_risk
    return replace(portfolio, cash={"USD": int(alone.initial * share) - alone.equity})


def _reduction_seconds(portfolio: Portfolio, arrays: RiskArrays) -> float:
    found: list[Reduction] = []
    seconds = _seconds(lambda: found.append(suggested_reduction(portfolio, arrays)))
    if not found[0].steps:
        raise RuntimeError("an account in trouble has nothing to close")
    return seconds


def _prices_seconds(search: LiquidationSearch, portfolio: Portfolio) -> float:
    def prices() -> None:
        for coin, direction in product(("BTC", "ETH"), Direction):
            search.move(portfolio, coin, direction)

    return _seconds(prices)


def _margining(holdings: Holdings, view: MarketView) -> Callable[[], object]:
    return lambda: revalued(holdings, view.arrays)


def _seconds(work: Callable[[], object]) -> float:
    started = process_time()
    work()
    return process_time() - started


def _median(work: Callable[[], object]) -> float:
    return median(_seconds(work) for _ in range(ROUNDS))


if __name__ == "__main__":
    main()
