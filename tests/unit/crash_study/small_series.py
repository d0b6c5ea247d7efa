"""A made-up crash: chains of two coins on a few snapshots six hours apart, priced by Black-76."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from margingate_engine.core.symbols import parse_symbol
from margingate_engine.pricing import black76
from margingate_server.config import ServerConfig
from margingate_server.feeds.replay.chain_rows import ChainRows
from margingate_server.feeds.replay.future_marks import MS
from margingate_server.feeds.replay.series import Series
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.terms import Terms
from margingate_server.terms_files import read_terms

SECOND_NS = 10**9
HOUR_NS = 3_600 * SECOND_NS
START_NS = 1_769_572_800_000_000_000
LIMITS = AgeLimits(underlying_ns_max=10 * SECOND_NS, instrument_ns_max=60 * SECOND_NS)
EXPIRIES = ("29JAN26", "6FEB26", "27FEB26", "27MAR26", "26JUN26")
INDEX = {"BTC": 90_000.0, "ETH": 3_000.0}
STEP = {"BTC": 1_000, "ETH": 50}
FALLS = (1.0, 0.99, 0.95, 0.80, 0.82)
"""Both indices at the snapshots, of what they were at the first."""


@cache
def terms() -> Terms:
    return read_terms(ServerConfig())


def small_series(falls: Sequence[float] = FALLS) -> Series:
    """The series; vols rise by a third with the largest fall."""
    names, times, columns = [], [], []
    marks: dict[int, dict[str, float]] = {}
    for place, factor in enumerate(falls):
        time_ns = START_NS + 6 * place * HOUR_NS
        marks[time_ns // MS] = {f"{coin}-PERPETUAL": factor * INDEX[coin] for coin in INDEX}
        for name in symbols():
            symbol = parse_symbol(name)
            assert symbol.expiry_ns is not None
            if symbol.expiry_ns <= time_ns:
                continue
            index = factor * INDEX[symbol.underlying]
            years = (symbol.expiry_ns - time_ns) / (365 * 24 * HOUR_NS)
            forward, vol = index * (1 + 0.03 * years), 0.5 * (1 + 2.4 * (1 - factor))
            strike = (symbol.strike_nano or 0) / 1e9
            terms_of = (forward, strike, vol, years, name.endswith("C"))
            value = float(black76.value(*(np.array(each) for each in terms_of)))
            names.append(name)
            times.append(time_ns)
            columns.append((value / forward, vol, forward, index))
    mark_r, vol_r, forward_r, index_r = np.array(columns).T
    rows = ChainRows(
        time_ns_r=np.array(times),
        names=names,
        mark_price_r=mark_r,
        mark_vol_r=vol_r,
        forward_r=forward_r,
        index_r=index_r,
        forward_names=[name.rsplit("-", 2)[0] for name in names],
    )
    return Series.of([rows], marks)


def symbols() -> list[str]:
    """Options of every expiry from 60 to 140 per cent of the index."""
    return [
        f"{coin}-{expiry}-{round(INDEX[coin] * share / STEP[coin]) * STEP[coin]}-{right}"
        for coin in INDEX
        for expiry in EXPIRIES
        for share in np.arange(0.6, 1.41, 0.05)
        for right in "CP"
    ]
