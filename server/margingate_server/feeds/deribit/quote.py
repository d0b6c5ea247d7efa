"""Whether a ticker's or a mark's prices may be taken, and what is taken of them."""

from dataclasses import dataclass
from math import isfinite
from typing import Final

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.market.snapshot import PRICE_MAX, VOL_MAX
from margingate_server.feeds.deribit.payloads import MarkPayload, TickerPayload

PERCENT: Final = 100.0
PRICE_MIN: Final = 1 / NANO
"""Below the smallest unit of a price it would round to none."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the venue says an instrument is worth. time_ns: by the venue's clock.

    price: quote currency. vol: per year as a fraction, 0 for what is not an option.
    """

    time_ns: int
    price: float
    vol: float


def is_crossed(ticker: TickerPayload) -> bool:
    """True when somebody bids more than somebody else asks; a missing side crosses nothing."""
    bid, ask = ticker.best_bid_price, ticker.best_ask_price
    return bool(bid) and bool(ask) and (bid or 0.0) > (ask or 0.0)


def ticker_problem(ticker: TickerPayload, instrument: Instrument) -> str:
    """Why a ticker's prices are not taken: crossed, missing or absurd; empty when they are.

    An option without a vol is taken: what to put in its place is decided where the smile is known.
    """
    if is_crossed(ticker):
        return "crossed"
    if instrument.kind is not InstrumentKind.OPTION:
        return _price_problem(ticker.mark_price, is_zero_allowed=False)
    return (
        _price_problem(ticker.mark_price, is_zero_allowed=True)
        or _price_problem(ticker.underlying_price, is_zero_allowed=False)
        or (_vol_problem(ticker.mark_iv, PERCENT) if ticker.mark_iv else "")
    )


def is_without_vol(ticker: TickerPayload, instrument: Instrument) -> bool:
    """True for an option whose ticker has no vol: missing, or zero, which none has."""
    return instrument.kind is InstrumentKind.OPTION and not ticker.mark_iv


def mark_problem(mark: MarkPayload) -> str:
    """Why the mark of an option is not taken: missing or absurd; empty when it is."""
    return _price_problem(mark.mark_price, is_zero_allowed=True) or _vol_problem(mark.iv, 1.0)


def index_problem(price: float | None) -> str:
    """Why an index price is not taken: missing or absurd; empty when it is."""
    return _price_problem(price, is_zero_allowed=False)


def mark_of_ticker(ticker: TickerPayload, time_ns: int) -> Mark:
    """The mark of a ticker without problem."""
    return Mark(time_ns, ticker.mark_price or 0.0, (ticker.mark_iv or 0.0) / PERCENT)


def _price_problem(price: float | None, *, is_zero_allowed: bool) -> str:
    """Zero counts as missing where it is not allowed: the venue sends it for what it lacks."""
    if price is None or (price == 0 and not is_zero_allowed):
        return "missing"
    least = 0.0 if is_zero_allowed else PRICE_MIN
    return "" if isfinite(price) and least <= price <= PRICE_MAX else "absurd"


def _vol_problem(vol: float | None, unit: float) -> str:
    """unit: what stands for a vol of 1."""
    if vol is None or vol == 0:
        return "missing"
    return "" if isfinite(vol) and 0 < vol <= VOL_MAX * unit else "absurd"
