"""Instruments and prices between the wire and the use cases."""

from collections.abc import Iterable

import numpy as np

from margingate.v1 import market_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.core.amounts import NANO, units_exact
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import (
    TICK_STEPS_MAX,
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
    TickStep,
)
from margingate_engine.market.snapshot import PRICE_MAX
from margingate_engine.quality.doubt import Doubt
from margingate_engine.quality.judge import Finding
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.rpc.decimals import nano_text, parse_positive, ratio_text
from margingate_server.rpc.fields import (
    count_between,
    enum_value,
    instrument_name,
    time_ns,
    timestamp,
    underlying_name,
)
from margingate_server.service.freshness import age_seconds
from margingate_server.service.market import MarketView
from margingate_server.service.settlement import ExpiryPrice

QUOTES_MAX = 10_000
UNDERLYINGS_MAX = 100

KINDS = {
    types.INSTRUMENT_KIND_SPOT: InstrumentKind.SPOT,
    types.INSTRUMENT_KIND_FUTURE: InstrumentKind.FUTURE,
    types.INSTRUMENT_KIND_PERPETUAL: InstrumentKind.PERPETUAL,
    types.INSTRUMENT_KIND_OPTION: InstrumentKind.OPTION,
}
SETTLEMENTS = {
    types.SETTLEMENT_LINEAR: Settlement.LINEAR,
    types.SETTLEMENT_INVERSE: Settlement.INVERSE,
}
RIGHTS = {
    types.OPTION_RIGHT_UNSPECIFIED: None,
    types.OPTION_RIGHT_CALL: OptionRight.CALL,
    types.OPTION_RIGHT_PUT: OptionRight.PUT,
}
PRICE_DOUBTS = {
    each: pb.PriceDoubt.Value(f"PRICE_DOUBT_{'UNSPECIFIED' if each is Doubt.NONE else each.name}")
    for each in Doubt
}
_KIND_NUMBERS = {value: key for key, value in KINDS.items()}
_SETTLEMENT_NUMBERS = {value: key for key, value in SETTLEMENTS.items()}
_RIGHT_NUMBERS = {value: key for key, value in RIGHTS.items()}


def parse_instrument(message: types.Instrument, path: str) -> Instrument:
    """An instrument; InvalidInput with the path of what is malformed or contradictory."""
    count_between(len(message.tick_steps), 0, TICK_STEPS_MAX, f"{path}.tick_steps")
    steps = tuple(
        TickStep(
            above_nano=_nano(step.above_price, f"{path}.tick_steps[{number}].above_price"),
            tick_nano=_nano(step.tick_size, f"{path}.tick_steps[{number}].tick_size"),
        )
        for number, step in enumerate(message.tick_steps)
    )
    has_expiry = message.HasField("expiry_time")
    try:
        return Instrument(
            name=instrument_name(message.instrument, "instrument"),
            kind=enum_value(message.kind, KINDS, "kind"),
            underlying=underlying_name(message.underlying, "underlying"),
            settlement=enum_value(message.settlement, SETTLEMENTS, "settlement"),
            contract_nano=_nano(message.contract_size, "contract_size"),
            lot_nano=_nano(message.lot_size, "lot_size"),
            tick_nano=_nano(message.tick_size, "tick_size"),
            tick_steps=steps,
            expiry_ns=time_ns(message.expiry_time, "expiry_time") if has_expiry else None,
            strike_nano=_nano(message.strike, "strike") if message.strike else None,
            right=enum_value(message.right, RIGHTS, "right"),
            is_halted=message.halted,
        )
    except InvalidInput as wrong:
        raise InvalidInput(f"{path}.{wrong.field}", wrong.problem) from None


def instrument_message(instrument: Instrument) -> types.Instrument:
    """An instrument on the wire."""
    message = types.Instrument(
        instrument=instrument.name,
        kind=_KIND_NUMBERS[instrument.kind],
        underlying=instrument.underlying,
        settlement=_SETTLEMENT_NUMBERS[instrument.settlement],
        contract_size=nano_text(instrument.contract_nano),
        lot_size=nano_text(instrument.lot_nano),
        tick_size=nano_text(instrument.tick_nano),
        tick_steps=[
            types.TickStep(
                above_price=nano_text(step.above_nano), tick_size=nano_text(step.tick_nano)
            )
            for step in instrument.tick_steps
        ],
        right=_RIGHT_NUMBERS[instrument.right],
        halted=instrument.is_halted,
    )
    if instrument.expiry_ns is not None:
        message.expiry_time.CopyFrom(timestamp(instrument.expiry_ns))
    if instrument.strike_nano is not None:
        message.strike = nano_text(instrument.strike_nano)
    return message


def parse_quotes(request: pb.PublishQuotesRequest) -> MarketUpdate:
    """Prices to publish; their values are judged where they are taken in."""
    count_between(len(request.instruments), 0, QUOTES_MAX, "instruments")
    count_between(len(request.indices), 0, UNDERLYINGS_MAX, "indices")
    return MarketUpdate(
        market_time_ns=time_ns(request.market_time, "market_time"),
        index_by_underlying={
            underlying_name(each.underlying, f"indices[{number}].underlying"): each.price
            for number, each in enumerate(request.indices)
        },
        names=tuple(request.instruments),
        mark_price_i=np.array(request.mark_prices, dtype=np.float64),
        mark_vol_i=np.array(request.mark_vols, dtype=np.float64),
        forward_price_i=np.array(request.forward_prices, dtype=np.float64),
    )


def parse_settlement(message: pb.SettlementPrice, path: str) -> ExpiryPrice:
    """A settlement price; InvalidInput with the path of what is malformed."""
    pays = SETTLEMENTS | {types.SETTLEMENT_UNSPECIFIED: None}
    price_nano = _nano(message.price, f"{path}.price")
    if price_nano > PRICE_MAX * NANO:
        raise InvalidInput(f"{path}.price", f"must be at most {PRICE_MAX:g}")
    return ExpiryPrice(
        underlying=underlying_name(message.underlying, f"{path}.underlying"),
        expiry_ns=time_ns(message.expiry_time, f"{path}.expiry_time"),
        price_nano=price_nano,
        settlement=enum_value(message.settlement, pays, f"{path}.settlement"),
    )


def instrument_state(view: MarketView, row: int, now_ns: int) -> pb.InstrumentState:
    """An instrument with its prices and their age."""
    snapshot = view.snapshot
    observed_ns = int(snapshot.observed_ns_i[row])
    return pb.InstrumentState(
        instrument=instrument_message(view.table.instruments[row]),
        mark_price=int(snapshot.mark_nano_i[row]) / NANO,
        mark_vol=int(snapshot.vol_nano_i[row]) / NANO,
        forward_price=int(snapshot.forward_nano_i[row]) / NANO,
        priced=view.arrays.priced_i[row],
        age_seconds=age_seconds(observed_ns, now_ns),
        doubt=PRICE_DOUBTS[Doubt(snapshot.doubt_i[row])],
        surcharge_rate=ratio_text(int(snapshot.surcharge_ppm_i[row])),
    )


def not_taken(findings: Iterable[Finding]) -> list[pb.PricesNotTaken]:
    """What did not become the market as it came."""
    return [
        pb.PricesNotTaken(
            underlying=each.underlying, doubt=PRICE_DOUBTS[each.doubt], count=each.count
        )
        for each in findings
    ]


def _nano(text: str, field: str) -> int:
    return units_exact(parse_positive(text, field), NANO, field)
