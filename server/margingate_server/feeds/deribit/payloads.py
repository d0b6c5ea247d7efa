"""The venue's messages as typed values. Unknown fields are ignored, wrong types refused."""

from typing import Final

import msgspec

from margingate_server.feeds.file.payloads import InstrumentPayload

NS_PER_MILLISECOND: Final = 10**6
TIMESTAMP_MAX: Final = 2**53
"""Milliseconds beyond this are no time, and would not fit into 64 bits of nanoseconds."""


class Notice(msgspec.Struct, frozen=True):
    """`params` of what the venue sends unasked: subscribed data, or a heartbeat."""

    channel: str = ""
    data: msgspec.Raw = msgspec.Raw()
    type: str = ""


class Fault(msgspec.Struct, frozen=True):
    """`error` of an answer."""

    code: int
    message: str = ""


class Message(msgspec.Struct, frozen=True):
    """Whatever arrives: an answer has an id, a notice a method."""

    id: int | None = None
    method: str = ""
    params: Notice | None = None
    result: msgspec.Raw = msgspec.Raw()
    error: Fault | None = None


class TickerPayload(msgspec.Struct, frozen=True):
    """Data of `ticker.*`. Prices in the quote currency, mark_iv in percent, None for none."""

    instrument_name: str
    timestamp: int
    state: str = "open"
    mark_price: float | None = None
    mark_iv: float | None = None
    underlying_price: float | None = None
    best_bid_price: float | None = None
    best_ask_price: float | None = None


class MarkPayload(msgspec.Struct, frozen=True):
    """One entry of `markprice.options.*`; iv is a fraction here."""

    instrument_name: str
    timestamp: int
    mark_price: float | None = None
    iv: float | None = None


class IndexPayload(msgspec.Struct, frozen=True):
    """Data of `deribit_price_index.*`, USD."""

    index_name: str
    timestamp: int
    price: float | None = None


class VolatilityIndexPayload(msgspec.Struct, frozen=True):
    """Data of `deribit_volatility_index.*`, percent."""

    index_name: str
    timestamp: int
    volatility: float | None = None


class InstrumentStatePayload(msgspec.Struct, frozen=True):
    """Data of `instrument.state.*`."""

    instrument_name: str
    state: str


class PlatformStatePayload(msgspec.Struct, frozen=True):
    """Data of `platform_state`: one index is locked or open again."""

    price_index: str | None = None
    locked: bool | None = None


class ListedPayload(InstrumentPayload, frozen=True):
    """One entry of public/get_instruments; price_index names the index it follows."""

    price_index: str = ""


MESSAGE: Final = msgspec.json.Decoder(Message)
TICKER: Final = msgspec.json.Decoder(TickerPayload)
MARKS: Final = msgspec.json.Decoder(list[msgspec.Raw])
MARK: Final = msgspec.json.Decoder(MarkPayload)
INDEX: Final = msgspec.json.Decoder(IndexPayload)
VOLATILITY_INDEX: Final = msgspec.json.Decoder(VolatilityIndexPayload)
INSTRUMENT_STATE: Final = msgspec.json.Decoder(InstrumentStatePayload)
PLATFORM_STATE: Final = msgspec.json.Decoder(PlatformStatePayload)
LISTING: Final = msgspec.json.Decoder(list[msgspec.Raw])
LISTED: Final = msgspec.json.Decoder(ListedPayload)
CHANNELS: Final = msgspec.json.Decoder(list[str])
