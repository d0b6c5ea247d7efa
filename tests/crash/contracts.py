"""The contracts that are traded: few, but of every kind and settlement."""

from collections.abc import Iterator
from dataclasses import dataclass

from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import types_pb2 as types

DAY_NS = 86_400 * 10**9
SECOND_NS = 10**9
FAR = {"9D": 9 * DAY_NS, "40D": 40 * DAY_NS}
NEAR = {"3S": 3 * SECOND_NS, "12S": 12 * SECOND_NS, "30S": 30 * SECOND_NS}
"""Time to expiry by name; the near ones expire and settle while the test runs."""

MONEYNESS = {"far": (0.85, 0.95, 1.0, 1.05, 1.15), "near": (1.0,)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """An underlying and the sizes of its contracts; `index` in USD at the start."""

    name: str
    index: float
    strike_step: int
    option_lot: str
    inverse_lot: str
    future_tick: str
    linear_lot: str


COINS = (
    Coin(
        name="BTC",
        index=60_000.0,
        strike_step=1_000,
        option_lot="0.1",
        inverse_lot="10",
        future_tick="0.5",
        linear_lot="0.0001",
    ),
    Coin(
        name="ETH",
        index=3_000.0,
        strike_step=50,
        option_lot="1",
        inverse_lot="1",
        future_tick="0.05",
        linear_lot="0.001",
    ),
)


def listing(start_ns: int) -> list[types.Instrument]:
    """Everything that is listed; expiries are counted from `start_ns`."""
    return [instrument for coin in COINS for instrument in _listing_of(coin, start_ns)]


def _listing_of(coin: Coin, start_ns: int) -> Iterator[types.Instrument]:
    yield _without_expiry(coin, coin.name, types.INSTRUMENT_KIND_SPOT, is_inverse=False)
    perpetual = types.INSTRUMENT_KIND_PERPETUAL
    yield _without_expiry(coin, f"{coin.name}-PERPETUAL", perpetual, is_inverse=True)
    yield _without_expiry(coin, f"{coin.name}_USDC-PERPETUAL", perpetual, is_inverse=False)
    for name, tau_ns in (FAR | NEAR).items():
        expiry_ns = start_ns + tau_ns
        yield _future(coin, name, expiry_ns)
        for moneyness in MONEYNESS["far" if name in FAR else "near"]:
            strike = round(coin.index * moneyness / coin.strike_step) * coin.strike_step
            for right in (types.OPTION_RIGHT_CALL, types.OPTION_RIGHT_PUT):
                for is_inverse in (True, False):
                    yield _option(coin, name, expiry_ns, strike, right, is_inverse=is_inverse)


def _without_expiry(
    coin: Coin, name: str, kind: "types.InstrumentKind.ValueType", *, is_inverse: bool
) -> types.Instrument:
    return types.Instrument(
        instrument=name,
        kind=kind,
        underlying=coin.name,
        settlement=_settlement(is_inverse=is_inverse),
        contract_size="1",
        lot_size=coin.inverse_lot if is_inverse else coin.linear_lot,
        tick_size=coin.future_tick,
    )


def _future(coin: Coin, expiry: str, expiry_ns: int) -> types.Instrument:
    return types.Instrument(
        instrument=f"{coin.name}-{expiry}",
        kind=types.INSTRUMENT_KIND_FUTURE,
        underlying=coin.name,
        settlement=types.SETTLEMENT_INVERSE,
        contract_size="1",
        lot_size=coin.inverse_lot,
        tick_size=coin.future_tick,
        expiry_time=stamp(expiry_ns),
    )


def _option(
    coin: Coin,
    expiry: str,
    expiry_ns: int,
    strike: int,
    right: "types.OptionRight.ValueType",
    *,
    is_inverse: bool,
) -> types.Instrument:
    letter = "C" if right == types.OPTION_RIGHT_CALL else "P"
    prefix = coin.name if is_inverse else f"{coin.name}_USDC"
    return types.Instrument(
        instrument=f"{prefix}-{expiry}-{strike}-{letter}",
        kind=types.INSTRUMENT_KIND_OPTION,
        underlying=coin.name,
        settlement=_settlement(is_inverse=is_inverse),
        contract_size="1",
        lot_size=coin.option_lot,
        tick_size="0.0001" if is_inverse else coin.future_tick,
        tick_steps=[types.TickStep(above_price="0.005", tick_size="0.0005")] if is_inverse else [],
        expiry_time=stamp(expiry_ns),
        strike=str(strike),
        right=right,
    )


def _settlement(*, is_inverse: bool) -> "types.Settlement.ValueType":
    return types.SETTLEMENT_INVERSE if is_inverse else types.SETTLEMENT_LINEAR


def stamp(ns: int) -> Timestamp:
    """A timestamp of nanoseconds since 1970."""
    return Timestamp(seconds=ns // 10**9, nanos=ns % 10**9)
