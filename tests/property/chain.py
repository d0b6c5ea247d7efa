"""A synthetic chain of two coins: options, futures, perpetuals and spot, linear and inverse."""

import math
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np

from margingate_engine.core.instruments import (
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
    TickStep,
)
from margingate_engine.market.snapshot import MarketSnapshot, Quotes
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.registry import model
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.risk_arrays import RiskArrays

NANO, DAY_NS = 10**9, 86_400 * 10**9
MARKET_TIME_NS = 1_767_225_600 * NANO
INDEX = {"BTC": 71_234.56, "ETH": 3_456.78}
EXPIRIES_DAYS = (0.7, 9.3, 44.0, 172.0)
MONEYNESS = (0.75, 0.95, 1.0, 1.1, 1.45)
CARRY = 0.06

FEES: FeeTier = {
    InstrumentKind.OPTION: FeeRate(maker_ppm=300, taker_ppm=300, cap_ppm=125_000),
    InstrumentKind.FUTURE: FeeRate(maker_ppm=0, taker_ppm=500),
    InstrumentKind.PERPETUAL: FeeRate(maker_ppm=-100, taker_ppm=500),
    InstrumentKind.SPOT: FeeRate(maker_ppm=0, taker_ppm=0),
}
PARAMETERS: dict[str, dict[str, object]] = {
    "BTC": {
        "price_scan_range": Decimal("0.15"),
        "vol_shift_kind": "relative",
        "vol_scan_range": Decimal("0.45"),
        "vol_tenor_power": Decimal("0.3"),
        "vol_tenor_floor_days": Decimal(7),
        "vol_floor_up": Decimal("0.4"),
        "extreme_multiple": Decimal(3),
        "extreme_cover": Decimal("0.33"),
        "look_ahead_days": Decimal(1),
        "short_option_minimum": Decimal("0.01"),
        "basis_rate": Decimal("0.006"),
        "maintenance_fraction": Decimal("0.8"),
        "collateral_haircut": Decimal(0),
    }
}
PARAMETERS["ETH"] = {
    **PARAMETERS["BTC"],
    "price_scan_range": Decimal("0.18"),
    "vol_shift_kind": "absolute",
    "vol_scan_range": Decimal("0.3"),
    "vol_tenor_power": Decimal(0),
    "look_ahead_days": Decimal(0),
    "collateral_haircut": Decimal("0.07"),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """Risk arrays of the chain under one choice of parameters."""

    name: str
    model: MarginModel
    arrays: RiskArrays
    fees: FeeTier

    def __repr__(self) -> str:
        return f"World({self.name})"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """For hypothesis, which would print every price."""
        printer.text(repr(self))

    @property
    def table(self) -> InstrumentTable:
        return self.arrays.table


@cache
def worlds() -> tuple[World, ...]:
    """The chain with and without basis charges, with a minimum that binds, and past an expiry."""
    return (
        _world("as configured"),
        _world("no basis", basis_rate=Decimal(0)),
        _world(
            "large minimum, no basis", basis_rate=Decimal(0), short_option_minimum=Decimal("0.2")
        ),
        _world(
            "haircut, large basis",
            collateral_haircut=Decimal("0.1"),
            basis_rate=Decimal("0.05"),
            vol_shift_kind="absolute",
        ),
        _world("after the first expiry", days=1, collateral_haircut=Decimal("0.05")),
    )


def _world(name: str, *, days: int = 0, **changes: object) -> World:
    table, snapshot = chain()
    snapshot = replace(snapshot, market_time_ns=MARKET_TIME_NS + days * DAY_NS)
    span = model("span", {coin: {**each, **changes} for coin, each in PARAMETERS.items()})
    return World(name=name, model=span, arrays=span.risk_arrays(table, snapshot), fees=FEES)


@cache
def chain() -> tuple[InstrumentTable, MarketSnapshot]:
    """The instruments and one snapshot of their prices."""
    table = InstrumentTable([each for coin in INDEX for each in _instruments(coin)])
    priced = [each for each in table.instruments if each.kind is not InstrumentKind.SPOT]
    prices = [_price(each) for each in priced]
    quotes = Quotes(
        index_by_underlying=INDEX,
        rows=np.array([table.row_by_name[each.name] for each in priced], dtype=np.int64),
        mark_price_i=np.array([mark for mark, _, _ in prices]),
        mark_vol_i=np.array([vol for _, vol, _ in prices]),
        forward_price_i=np.array([forward for _, _, forward in prices]),
    )
    snapshot = MarketSnapshot.empty(table).with_quotes(
        table, quotes, market_time_ns=MARKET_TIME_NS, observed_ns=1
    )
    return table, snapshot


def _instruments(coin: str) -> list[Instrument]:
    listed = [_linear(coin, coin, InstrumentKind.SPOT)]
    listed += [_linear(f"{coin}_USDC-PERPETUAL", coin, InstrumentKind.PERPETUAL)]
    listed += [_inverse_future(f"{coin}-PERPETUAL", coin, None)]
    for number, days in enumerate(EXPIRIES_DAYS):
        expiry_ns = MARKET_TIME_NS + round(days * DAY_NS)
        listed.append(_inverse_future(f"{coin}-E{number}", coin, expiry_ns))
        listed.append(_linear(f"{coin}_USDC-E{number}", coin, InstrumentKind.FUTURE, expiry_ns))
        for settlement in Settlement:
            for ratio in MONEYNESS if settlement is Settlement.INVERSE else (1.0, 1.1):
                strike = round(INDEX[coin] * ratio, -2)
                listed += [
                    _option(coin, number, expiry_ns, strike, right, settlement)
                    for right in OptionRight
                ]
    return listed


def _linear(name: str, coin: str, kind: InstrumentKind, expiry_ns: int | None = None) -> Instrument:
    return Instrument(
        name=name,
        kind=kind,
        underlying=coin,
        settlement=Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=NANO // 1_000,
        tick_nano=NANO // 100,
        expiry_ns=expiry_ns,
    )


def _inverse_future(name: str, coin: str, expiry_ns: int | None) -> Instrument:
    return Instrument(
        name=name,
        kind=InstrumentKind.FUTURE if expiry_ns else InstrumentKind.PERPETUAL,
        underlying=coin,
        settlement=Settlement.INVERSE,
        contract_nano=NANO,
        lot_nano=(10 if coin == "BTC" else 1) * NANO,
        tick_nano=NANO // 2,
        expiry_ns=expiry_ns,
    )


def _option(
    coin: str,
    number: int,
    expiry_ns: int,
    strike: float,
    right: OptionRight,
    settlement: Settlement,
) -> Instrument:
    is_inverse = settlement is Settlement.INVERSE
    base = coin if is_inverse else f"{coin}_USDC"
    return Instrument(
        name=f"{base}-E{number}-{strike:.0f}-{right.name[0]}",
        kind=InstrumentKind.OPTION,
        underlying=coin,
        settlement=settlement,
        contract_nano=NANO,
        lot_nano=NANO // 10,
        tick_nano=NANO // 10_000 if is_inverse else NANO // 2,
        tick_steps=(TickStep(above_nano=NANO // 200, tick_nano=NANO // 2_000),)
        if is_inverse
        else (),
        expiry_ns=expiry_ns,
        strike_nano=round(strike) * NANO,
        right=right,
    )


def _price(instrument: Instrument) -> tuple[float, float, float]:
    """Mark, vol and forward: a carry curve, a smile, and marks rounded as a venue rounds them."""
    index = INDEX[instrument.underlying]
    if instrument.expiry_ns is None:
        return round(index * 1.0007, 2), 0.0, 0.0
    years = (instrument.expiry_ns - MARKET_TIME_NS) / (365 * DAY_NS)
    forward = round(index * math.exp(CARRY * years), 4)
    if instrument.kind is InstrumentKind.FUTURE:
        return round(forward, 2), 0.0, 0.0
    assert instrument.strike_nano is not None
    strike = instrument.strike_nano / NANO
    vol = round(0.5 + 0.35 * math.log(strike / forward) ** 2 / (years + 0.05), 4)
    deviation = vol * math.sqrt(years)
    upper = math.log(forward / strike) / deviation + deviation / 2
    call = forward * _normal(upper) - strike * _normal(upper - deviation)
    usd = call if instrument.right is OptionRight.CALL else call - forward + strike
    mark = usd / forward if instrument.settlement is Settlement.INVERSE else usd
    return max(round(mark, 4), 0.0), vol, forward


def _normal(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
