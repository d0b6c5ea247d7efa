"""A handful of contracts of every kind, linear and inverse, in two margined coins and one not."""

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import (
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
    TickStep,
)
from tests.simulation.simulated_clock import SECOND_NS, START_NS

DAY_NS = 86_400 * SECOND_NS
SOON_NS = START_NS + 40 * SECOND_NS
LATER_NS = START_NS + 30 * DAY_NS
FAR_NS = START_NS + 120 * DAY_NS


def _option(
    coin: str, name: str, expiry_ns: int, strike: int, right: OptionRight, settlement: Settlement
) -> Instrument:
    is_inverse = settlement is Settlement.INVERSE
    return Instrument(
        name=f"{coin}-{name}",
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
        strike_nano=strike * NANO,
        right=right,
    )


def _delta_one(
    coin: str, name: str, kind: InstrumentKind, *, expiry_ns: int | None = None, inverse: bool
) -> Instrument:
    return Instrument(
        name=f"{coin}-{name}" if name else coin,
        kind=kind,
        underlying=coin,
        settlement=Settlement.INVERSE if inverse else Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=10 * NANO if inverse else NANO // 100,
        tick_nano=NANO // 2 if coin == "BTC" else NANO // 20,
        expiry_ns=expiry_ns,
    )


def _of_coin(coin: str, strike: int) -> tuple[Instrument, ...]:
    linear, inverse = Settlement.LINEAR, Settlement.INVERSE
    call, put = OptionRight.CALL, OptionRight.PUT
    low, high = strike * 9 // 10, strike * 11 // 10
    perpetual, future = InstrumentKind.PERPETUAL, InstrumentKind.FUTURE
    return (
        _delta_one(coin, "", InstrumentKind.SPOT, inverse=False),
        _delta_one(coin, "USD-PERPETUAL", perpetual, inverse=False),
        _delta_one(coin, "COIN-PERPETUAL", perpetual, inverse=True),
        _delta_one(coin, "USD-LATER", future, expiry_ns=LATER_NS, inverse=False),
        _delta_one(coin, "COIN-SOON", future, expiry_ns=SOON_NS, inverse=True),
        _option(coin, "USD-LATER-CALL", LATER_NS, high, call, linear),
        _option(coin, "USD-SOON-PUT", SOON_NS, strike, put, linear),
        _option(coin, "COIN-LATER-PUT", LATER_NS, low, put, inverse),
        _option(coin, "COIN-SOON-CALL", SOON_NS, strike, call, inverse),
    )


INDEX = {"BTC": 100_000.0, "ETH": 4_000.0, "SOL": 150.0}
UNMODELLED = "SOL"
AT_START = (
    *_of_coin("BTC", 100_000),
    *_of_coin("ETH", 4_000),
    _delta_one(UNMODELLED, "USD-PERPETUAL", InstrumentKind.PERPETUAL, inverse=False),
)
LISTED_LATER = (
    _option("BTC", "USD-FAR-CALL", FAR_NS, 120_000, OptionRight.CALL, Settlement.LINEAR),
    _delta_one("BTC", "COIN-FAR", InstrumentKind.FUTURE, expiry_ns=FAR_NS, inverse=True),
    _option("ETH", "COIN-FAR-PUT", FAR_NS, 3_600, OptionRight.PUT, Settlement.INVERSE),
)
BY_NAME = {each.name: each for each in (*AT_START, *LISTED_LATER)}
