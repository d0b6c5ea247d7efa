"""Deribit's public payloads, as far as a market file needs them. Unknown fields are ignored."""

from decimal import Decimal
from typing import Final

import msgspec

from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind, Settlement
from margingate_engine.core.symbols import Symbol, parse_symbol
from margingate_server.feeds.file.contents import Quote
from margingate_server.feeds.standard_terms import Terms, instrument_of

NS_PER_MILLISECOND: Final = 10**6

_KIND_NAME: Final = {
    InstrumentKind.OPTION: "option",
    InstrumentKind.FUTURE: "future",
    InstrumentKind.PERPETUAL: "future",
    InstrumentKind.SPOT: "spot",
}
_TYPE_NAME: Final = {Settlement.INVERSE: "reversed", Settlement.LINEAR: "linear"}
_USD_LIKE: Final = ("USDC", "USDT", "USDE")


class TickStepPayload(msgspec.Struct, frozen=True):
    """One entry of `tick_size_steps`."""

    above_price: Decimal
    tick_size: Decimal


class InstrumentPayload(msgspec.Struct, frozen=True):
    """One entry of public/get_instruments, or the answer of public/get_instrument."""

    instrument_name: str
    kind: str
    tick_size: Decimal
    min_trade_amount: Decimal
    tick_size_steps: tuple[TickStepPayload, ...] | None = None
    instrument_type: str | None = None
    expiration_timestamp: int | None = None
    strike: Decimal | None = None
    option_type: str | None = None
    is_active: bool = True
    state: str = "open"


class PricePayload(msgspec.Struct, frozen=True):
    """The answer of public/ticker, or one entry of public/get_book_summary_by_currency."""

    instrument_name: str
    mark_price: float | None = None
    mark_iv: float | None = None
    underlying_price: float | None = None
    index_price: float | None = None
    estimated_delivery_price: float | None = None
    timestamp: int | None = None
    creation_timestamp: int | None = None


def instrument_of_payload(payload: InstrumentPayload) -> Instrument | str:
    """The instrument a payload describes, or why it is not listed.

    Spot pairs against a dollar coin are listed under the coin alone. Raises InvalidInput for terms
    that no venue can have.
    """
    if payload.kind.endswith("combo"):
        return "combo"
    if payload.kind not in _KIND_NAME.values():
        return f"kind {payload.kind}"
    try:
        symbol = parse_symbol(payload.instrument_name)
    except InvalidInput:
        return "name is no symbol"
    if symbol.kind is InstrumentKind.SPOT and symbol.underlying in _USD_LIKE:
        return "spot of a dollar coin"
    if not _agrees(payload, symbol):
        return "terms contradict the symbol"
    terms = Terms(
        lot=payload.min_trade_amount,
        tick=payload.tick_size,
        tick_steps=tuple(
            (step.above_price, step.tick_size) for step in payload.tick_size_steps or ()
        ),
    )
    name = symbol.underlying if symbol.kind is InstrumentKind.SPOT else payload.instrument_name
    is_halted = not payload.is_active or payload.state != "open"
    return instrument_of(name, symbol, terms, is_halted=is_halted)


def quote_of_payload(payload: PricePayload) -> Quote:
    """The prices of a payload; InvalidInput naming the field when one is negative or undated.

    A book summary has no index; the estimated delivery price equals it except in the last half hour
    before an expiry, when it becomes the average of that half hour.
    """
    for field in ("mark_price", "mark_iv", "underlying_price", "index_price"):
        price = getattr(payload, field)
        if price is not None and price < 0:
            raise InvalidInput(field, "must not be negative")
    time_ms = payload.timestamp if payload.timestamp is not None else payload.creation_timestamp
    if time_ms is None:
        raise InvalidInput("timestamp", "is missing")
    return Quote(
        time_ns=time_ms * NS_PER_MILLISECOND,
        mark_price=payload.mark_price,
        mark_vol=None if payload.mark_iv is None else payload.mark_iv / 100,
        forward_price=payload.underlying_price,
        index_price=payload.index_price or payload.estimated_delivery_price,
    )


def _agrees(payload: InstrumentPayload, symbol: Symbol) -> bool:
    """True when what the payload says beside the symbol says the same."""
    if payload.kind != _KIND_NAME[symbol.kind]:
        return False
    if symbol.kind is not InstrumentKind.SPOT and payload.instrument_type not in (
        None,
        _TYPE_NAME[symbol.settlement],
    ):
        return False
    if symbol.expiry_ns is not None and payload.expiration_timestamp not in (
        None,
        symbol.expiry_ns // NS_PER_MILLISECOND,
    ):
        return False
    if symbol.right is None or symbol.strike_nano is None:
        return True
    return payload.option_type in (None, symbol.right.value) and payload.strike in (
        None,
        whole(symbol.strike_nano, NANO),
    )
