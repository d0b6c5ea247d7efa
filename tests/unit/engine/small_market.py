"""A hand-made market: BTC at 100,000, vols of nearly zero, so that rows are sums on paper.

Every lot stands for 0.1 coin (10 USD for inverse futures). With vols of 1e-9 an option is worth its
intrinsic value, and no strike is at the money in any scenario.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from margingate_engine.check.question import (
    Freshness,
    Gates,
    Limits,
    Policy,
    Question,
    RequestedLeg,
    RequestedOrder,
)
from margingate_engine.core.instruments import (
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
    TickStep,
)
from margingate_engine.core.orders import Execution, Side
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import model
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_engine.portfolio.flows import fill_flow
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_engine.portfolio.risk_arrays import RiskArrays

USD, COIN, NANO = 10**6, 10**12, 10**9
DAY_NS = 86_400 * NANO
NEAR_NS, FAR_NS = 30 * DAY_NS, 90 * DAY_NS

PARAMETERS: dict[str, object] = {
    "price_scan_range": Decimal("0.15"),
    "vol_shift_kind": "relative",
    "vol_scan_range": Decimal("0.45"),
    "vol_tenor_power": Decimal("0.3"),
    "vol_tenor_floor_days": Decimal(7),
    "vol_floor_up": Decimal(0),
    "extreme_multiple": Decimal(3),
    "extreme_cover": Decimal("0.33"),
    "look_ahead_days": Decimal(0),
    "short_option_minimum": Decimal("0.01"),
    "basis_rate": Decimal("0.01"),
    "maintenance_fraction": Decimal("0.8"),
    "collateral_haircut": Decimal(0),
}
NO_FEES: FeeTier = {kind: FeeRate(maker_ppm=0, taker_ppm=0) for kind in InstrumentKind}


def option(
    name: str, strike: int, right: OptionRight, *, expiry_ns: int = NEAR_NS, inverse: bool = False
) -> Instrument:
    """An option of 0.1 coin a lot."""
    return Instrument(
        name=name,
        kind=InstrumentKind.OPTION,
        underlying="BTC",
        settlement=Settlement.INVERSE if inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=NANO // 10,
        tick_nano=NANO // 10_000 if inverse else NANO // 2,
        tick_steps=(TickStep(above_nano=NANO // 200, tick_nano=NANO // 2_000),) if inverse else (),
        expiry_ns=expiry_ns,
        strike_nano=strike * NANO,
        right=right,
    )


def future(
    name: str, *, expiry_ns: int | None, inverse: bool = False, underlying: str = "BTC"
) -> Instrument:
    """A future or perpetual of 0.1 coin, or 10 USD, a lot."""
    return Instrument(
        name=name,
        kind=InstrumentKind.PERPETUAL if expiry_ns is None else InstrumentKind.FUTURE,
        underlying=underlying,
        settlement=Settlement.INVERSE if inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=10 * NANO if inverse else NANO // 10,
        tick_nano=NANO // 2,
        expiry_ns=expiry_ns,
    )


SPOT = Instrument(
    name="BTC",
    kind=InstrumentKind.SPOT,
    underlying="BTC",
    settlement=Settlement.LINEAR,
    contract_nano=NANO,
    lot_nano=NANO // 10,
    tick_nano=NANO // 2,
)
INSTRUMENTS = (
    option("CALL", 112_000, OptionRight.CALL),
    option("PUT", 88_000, OptionRight.PUT),
    option("FAR-PUT", 20_000, OptionRight.PUT),
    option("FAR-CALL", 88_000, OptionRight.CALL, expiry_ns=FAR_NS),
    option("COIN-CALL", 80_000, OptionRight.CALL, inverse=True),
    option("COIN-PUT", 50_000, OptionRight.PUT, inverse=True),
    future("NEAR", expiry_ns=NEAR_NS),
    future("FAR", expiry_ns=FAR_NS),
    future("PERPETUAL", expiry_ns=None),
    future("COIN-PERPETUAL", expiry_ns=None, inverse=True),
    future("COIN-FAR", expiry_ns=FAR_NS, inverse=True),
    SPOT,
    future("SOL-PERPETUAL", expiry_ns=None, underlying="SOL"),
)
MARKS = {
    "CALL": 200.0,
    "PUT": 100.0,
    "FAR-PUT": 10.0,
    "FAR-CALL": 12_000.0,
    "COIN-CALL": 0.2,
    "COIN-PUT": 0.001,
    "NEAR": 101_000.0,
    "FAR": 104_000.0,
    "PERPETUAL": 100_000.0,
    "COIN-PERPETUAL": 100_000.0,
    "COIN-FAR": 104_000.0,
    "SOL-PERPETUAL": 150.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallMarket:
    """A table with one set of risk arrays."""

    arrays: RiskArrays
    fees: FeeTier

    @property
    def table(self) -> InstrumentTable:
        return self.arrays.table

    def row(self, name: str) -> int:
        return self.table.row_by_name[name]

    def instrument(self, name: str) -> Instrument:
        return self.table.instruments[self.row(name)]

    def portfolio(self, usd: int = 0, coins: int = 0, **lots_by_name: int) -> Portfolio:
        """Positions entered at their mark, `_` for `-`; USD in dollars, coins in 1e-12."""
        portfolio = Portfolio(fees=self.fees, cash={"USD": usd * USD, "BTC": coins})
        for spelled, lots in lots_by_name.items():
            row = self.row(spelled.replace("_", "-"))
            instrument = self.table.instruments[row]
            entry = 0
            if instrument.is_future:
                entry = fill_flow(instrument, lots, self.arrays.mark_nano_i[row])
            portfolio.positions[row] = Position(lots, entry)
        return portfolio

    def open_leg(
        self, name: str, lots: int, price: str, *, number: int = 0, ratio: int = 0
    ) -> OpenLeg:
        """A resting leg of `lots` (signed)."""
        return OpenLeg(
            row=self.row(name),
            side=Side.BUY if lots > 0 else Side.SELL,
            lots=abs(lots),
            price_nano=int(Decimal(price) * NANO),
            number=number,
            ratio=ratio,
        )

    def leg(self, name: str, lots: Decimal | int, price: str | None) -> RequestedLeg:
        """A leg as asked, of `lots` (signed, may be a fraction)."""
        lot = Decimal(self.instrument(name).lot_nano) / NANO
        return RequestedLeg(
            row=self.row(name),
            side=Side.BUY if lots > 0 else Side.SELL,
            quantity=abs(Decimal(lots)) * lot,
            limit=None if price is None else Decimal(price),
        )

    def question(
        self,
        portfolio: Portfolio,
        *legs: RequestedLeg,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        policy: Policy = Policy(),  # noqa: B008
        gates: Gates = Gates(),  # noqa: B008
        freshness: Freshness = Freshness(),  # noqa: B008
        execution: Execution | None = None,
        is_reduce_only: bool = False,
    ) -> Question:
        """The question whether this account may send these legs."""
        several = Execution.INDEPENDENT_LEGS if len(legs) > 1 else Execution.SINGLE
        return Question(
            order=RequestedOrder(
                order_id="o",
                legs=legs,
                execution=execution or several,
                is_reduce_only=is_reduce_only,
            ),
            portfolio=portfolio,
            account=AccountRisk.of(portfolio, self.arrays),
            arrays=self.arrays,
            limits=limits,
            policy=policy,
            gates=gates,
            freshness=freshness,
        )


def small_market(
    *,
    marks: Mapping[str, float] | None = None,
    index: float = 100_000.0,
    market_time_ns: int = 0,
    halted: frozenset[str] = frozenset(),
    fees: FeeTier = NO_FEES,
    **parameters: object,
) -> SmallMarket:
    """The market with changes by name; marks given replace or remove (0) those of MARKS."""
    table = InstrumentTable([replace(i, is_halted=i.name in halted) for i in INSTRUMENTS])
    quoted = {**MARKS, **(marks or {})}
    names = [name for name in quoted if name in table.row_by_name]
    options = [table.instruments[table.row_by_name[n]].kind is InstrumentKind.OPTION for n in names]
    quotes = Quotes(
        index_by_underlying={"BTC": index, "SOL": 150.0},
        rows=np.array([table.row_by_name[name] for name in names], dtype=np.int64),
        mark_price_i=np.array([quoted[name] for name in names]),
        mark_vol_i=np.where(options, 1e-9, 0.0),
        forward_price_i=np.where(options, index, 0.0),
    )
    snapshot = MarketSnapshot.empty(table).with_quotes(
        table, quotes, market_time_ns=market_time_ns, observed_ns=1
    )
    span = model("span", {"BTC": {**PARAMETERS, **parameters}})
    return SmallMarket(arrays=span.risk_arrays(table, snapshot), fees=fees)
