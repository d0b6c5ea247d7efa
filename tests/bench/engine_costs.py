"""What the engine alone costs, in this process: no gRPC, no ledger."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from random import Random
from time import process_time
from timeit import Timer

import numpy as np
from scipy.special import ndtr

from margingate_engine.check.decide import decide
from margingate_engine.check.max_size import max_order_size
from margingate_engine.check.question import (
    Freshness,
    Gates,
    Limits,
    Policy,
    Question,
    RequestedLeg,
    RequestedOrder,
)
from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.orders import Side
from margingate_engine.models.registry import model
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_server.files.fees import parse_fees
from margingate_server.files.toml_tables import read_tables
from margingate_server.service.market import MarketView
from tests.bench.market import SEED, limit_nano, simulated_view, traded_rows

DEPOSITS = {"USD": 10**9 * 10**6, "BTC": 50_000 * 10**12, "ETH": 500_000 * 10**12}
SIZES = ((1, 0), (1, 500), (500, 0), (500, 500))
POSITIONS = 20
REPEATS = 5
SCENARIOS = 16


def engine_costs() -> dict[str, float]:
    """Figures by name, in processor time, each the best of REPEATS."""
    view, costs = simulated_view(is_frozen=True), {}
    for positions, orders in SIZES:
        question = _question(view, positions, orders)
        name = f"decide_{positions}_positions_{orders}_orders_us"
        costs[name] = _best_us(partial(_decide_afresh, question))
    question = _question(view, POSITIONS, 0)
    span = model("span", read_tables(None, "span.toml"))
    costs["max_size_us"] = _best_us(lambda: max_order_size(question))
    costs["account_20_positions_us"] = _best_us(
        lambda: AccountRisk.of(question.portfolio, view.arrays)
    )
    costs["risk_arrays_ms"] = _best_us(lambda: span.risk_arrays(view.table, view.snapshot)) / 1e3
    costs["raw_black76_ms"] = _best_us(lambda: _raw_black76(len(view.table))) / 1e3
    return costs


def _decide_afresh(question: Question) -> None:
    """A decision after another order of the account, whose own margin is then not at hand."""
    assert question.account is not None
    question.account.move_cash("USD", 0)
    decide(question)


def _best_us(action: Callable[[], object]) -> float:
    timer = Timer(action, timer=process_time)
    count, _ = timer.autorange()
    return min(timer.repeat(REPEATS, count)) / count * 1e6


def _question(view: MarketView, positions: int, orders: int) -> Question:
    """One lot of an option for an account with lots of everything."""
    random = Random(SEED)
    rows = traded_rows(view)
    portfolio = Portfolio(
        fees=parse_fees(read_tables(None, "fees.toml"))["default"], cash=dict(DEPOSITS)
    )
    portfolio.positions = {
        row: Position(random.choice((-1, 1)) * random.randint(1, 100)) for row in rows[:positions]
    }
    portfolio.legs = {
        f"order-{number}": (
            OpenLeg(
                row=row,
                side=random.choice((Side.BUY, Side.SELL)),
                lots=1,
                price_nano=limit_nano(view, row),
            ),
        )
        for number, row in enumerate(random.choices(rows, k=orders))
    }
    row = rows[0]
    leg = RequestedLeg(
        row=row,
        side=Side.BUY,
        quantity=whole(view.table.instruments[row].lot_nano, NANO),
        limit=Decimal(limit_nano(view, row)) / NANO,
    )
    question = Question(
        order=RequestedOrder(order_id="asked", legs=(leg,)),
        portfolio=portfolio,
        account=AccountRisk.of(portfolio, view.arrays),
        arrays=view.arrays,
        limits=Limits(),
        policy=Policy(),
        gates=Gates(),
        freshness=Freshness(),
    )
    assert decide(question).is_accepted
    return question


def _raw_black76(instruments: int) -> FloatArray:
    """Black-76 calls on a grid of as many instruments and scenarios as the risk arrays have."""
    strike_i = np.linspace(20_000.0, 200_000.0, instruments)[:, None]
    forward_s = np.linspace(55_000.0, 145_000.0, SCENARIOS)[None, :]
    deviation = 0.6 * 0.25**0.5
    d1_is = np.log(forward_s / strike_i) / deviation + deviation / 2
    value_is: FloatArray = forward_s * ndtr(d1_is) - strike_i * ndtr(d1_is - deviation)
    return value_is
