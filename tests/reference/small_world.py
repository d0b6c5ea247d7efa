"""A market small enough to compute by hand: one coin at 100,000, vols of zero."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from tests.reference.book import Book
from tests.reference.contracts import Instrument, Kind, Limits, Market, Parameters, Rate
from tests.reference.oracle import Oracle
from tests.reference.orders import Leg, OpenLeg, Order
from tests.reference.scenarios import DAY_NS

USD, COIN = 10**6, 10**12
NEAR_NS, FAR_NS = 30 * DAY_NS, 90 * DAY_NS

PARAMETERS = Parameters(
    price_scan_range=Fraction("0.15"),
    vol_shift_kind="relative",
    vol_scan_range=Fraction("0.45"),
    vol_tenor_power=Fraction("0.3"),
    vol_tenor_floor_days=Fraction(7),
    vol_floor_up=Fraction(0),
    extreme_multiple=Fraction(3),
    extreme_cover=Fraction("0.33"),
    look_ahead_days=Fraction(0),
    short_option_minimum=Fraction("0.01"),
    basis_rate=Fraction("0.01"),
    maintenance_fraction=Fraction("0.8"),
    collateral_haircut=Fraction(0),
)
NO_FEES = {kind: Rate(maker=Fraction(0), taker=Fraction(0)) for kind in Kind}


def contract(
    symbol: str,
    kind: Kind,
    *,
    inverse: bool = False,
    size: str = "0.1",
    expiry_ns: int | None = None,
    strike: int = 0,
    call: bool = False,
) -> Instrument:
    """A contract whose lot is its size."""
    return Instrument(
        symbol=symbol,
        kind=kind,
        underlying="BTC",
        inverse=inverse,
        lot=Fraction(size),
        size=Fraction(size),
        tick=Fraction("0.0001") if kind is Kind.OPTION and inverse else Fraction("0.5"),
        expiry_ns=expiry_ns,
        strike=Fraction(strike),
        call=call,
    )


INSTRUMENTS = {
    i.symbol: i
    for i in (
        contract("CALL", Kind.OPTION, expiry_ns=NEAR_NS, strike=100_000, call=True),
        contract("PUT", Kind.OPTION, expiry_ns=NEAR_NS, strike=50_000),
        contract(
            "COIN-CALL", Kind.OPTION, inverse=True, expiry_ns=NEAR_NS, strike=90_000, call=True
        ),
        contract("NEAR", Kind.FUTURE, expiry_ns=NEAR_NS),
        contract("FAR", Kind.FUTURE, expiry_ns=FAR_NS),
        contract("COIN-PERPETUAL", Kind.PERPETUAL, inverse=True, size="10"),
        contract("BTC", Kind.SPOT),
    )
}
OPTIONS = ("CALL", "PUT", "COIN-CALL")
MARKET = Market(
    time_ns=0,
    index={"BTC": Fraction(100_000)},
    mark={
        "CALL": Fraction(200),
        "PUT": Fraction(10),
        "COIN-CALL": Fraction("0.1"),
        "NEAR": Fraction(101_000),
        "FAR": Fraction(104_000),
        "COIN-PERPETUAL": Fraction(100_000),
    },
    vol=dict.fromkeys(OPTIONS, Fraction(0)),
    forward=dict.fromkeys(OPTIONS, Fraction(100_000)),
)


def small_oracle(
    *, market: Market = MARKET, limits: Limits | None = None, **parameters: Any
) -> Oracle:
    """An oracle of the small world, without fees; parameters may be changed by name."""
    model = replace(PARAMETERS, **parameters)
    return Oracle(Book(INSTRUMENTS, market, {"BTC": model}, NO_FEES), limits or Limits())


def hold(oracle: Oracle, symbol: str, lots: int, price: Fraction | None = None) -> None:
    """Puts a position into the account `a`, entered at its mark."""
    instrument = INSTRUMENTS[symbol]
    entered = MARKET.mark_of(instrument) if price is None else price
    oracle.accounts["a"].state(instrument, lots, entered)


def order(symbol: str, side: int, lots: int, price: str | None, order_id: str = "o") -> Order:
    """An order of one leg."""
    limit = None if price is None else Fraction(price)
    quantity = lots * INSTRUMENTS[symbol].lot
    return Order(
        order_id=order_id,
        legs=(Leg(symbol=symbol, side=side, quantity=quantity, price=limit),),
    )


def execution(symbol: str, side: int, lots: int, price: str) -> OpenLeg:
    """A fill of so many lots."""
    return OpenLeg(symbol=symbol, side=side, lots=lots, price=Fraction(price))
