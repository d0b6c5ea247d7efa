"""Names of the channels that a listing needs."""

from collections.abc import Iterator
from typing import Final

from margingate_engine.core.instruments import InstrumentKind
from margingate_server.feeds.deribit.listing import Listing

TICKER: Final = "ticker"
MARK_PRICES: Final = "markprice"
INDEX: Final = "deribit_price_index"
VOLATILITY_INDEX: Final = "deribit_volatility_index"
INSTRUMENT_STATE: Final = "instrument"
PLATFORM_STATE: Final = "platform_state"

KINDS: Final = (*(TICKER, MARK_PRICES, INDEX, VOLATILITY_INDEX, INSTRUMENT_STATE, PLATFORM_STATE),)
"""What a channel's name begins with; the rest says whose data it is."""

_LIFECYCLE: Final = ("instrument.state.any.any", "platform_state")
_OPTION_INTERVAL: Final = "agg2"
_FUTURE_INTERVAL: Final = "100ms"


def channels_of(listing: Listing) -> tuple[str, ...]:
    """Every channel for a listing: indices first, and marks last, which rest on tickers' forwards.

    Options tick every two seconds, of which the marks between come from one channel an index;
    futures ten times a second. Spot has no channel: it is at the index.
    """
    return tuple(dict.fromkeys(_channels(listing)))


def kind_of(channel: str) -> str:
    """The word of KINDS that a channel's name begins with; empty for another channel."""
    kind = channel.partition(".")[0]
    return kind if kind in KINDS else ""


def _channels(listing: Listing) -> Iterator[str]:
    yield from _LIFECYCLE
    for index_name in listing.index_by_underlying.values():
        yield f"{INDEX}.{index_name}"
        yield f"{VOLATILITY_INDEX}.{index_name}"
    for index_names in listing.crosses.values():
        yield from (f"{INDEX}.{index_name}" for index_name in index_names)
    options = []
    for name, instrument in listing.instruments.items():
        if name in listing.gone_names:
            continue
        if instrument.kind is InstrumentKind.OPTION:
            options.append(f"{TICKER}.{name}.{_OPTION_INTERVAL}")
        elif instrument.is_future:
            yield f"{TICKER}.{name}.{_FUTURE_INTERVAL}"
    yield from options
    for index_name in listing.option_index_names:
        yield f"{MARK_PRICES}.options.{index_name}"
