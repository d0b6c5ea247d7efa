"""Small recorded series that the tests write."""

import gzip
from pathlib import Path

import numpy as np

from margingate_engine.core.symbols import parse_symbol
from margingate_engine.pricing import black76

COLUMNS = "timestamp,instrument_name,mark_price,mark_iv_pct,underlying,underlying_name,index_price"
HOUR_NS = 3_600 * 10**9
FIRST = "2026-01-28T04:00:00.951+00:00"
FIRST_NS = 1_769_572_800_951_000_000
CALL, PUT = "BTC-27MAR26-100000-C", "BTC-28JAN26-90000-P"
FUTURE = "BTC-27MAR26"


def row(  # noqa: PLR0917
    time: str,
    name: str = CALL,
    mark: object = 0.02,
    vol: object = 40,
    forward: object = 90_000,
    forward_name: str = FUTURE,
    index: object = 89_000,
) -> str:
    """A line of a CSV of chains."""
    return f"{time},{name},{mark},{vol},{forward},{forward_name},{index}"


def fair_row(hours: float, name: str, vol_pct: float, forward: float, index: float) -> str:
    """A line whose mark is what its vol says."""
    symbol = parse_symbol(name)
    assert symbol.expiry_ns is not None
    assert symbol.strike_nano is not None
    years = (symbol.expiry_ns - FIRST_NS - hours * HOUR_NS) / (365 * 24 * HOUR_NS)
    terms = (forward, symbol.strike_nano / 1e9, vol_pct / 100, years, name.endswith("C"))
    value = black76.value(*(np.array(each) for each in terms))
    forward_name = name.rsplit("-", 2)[0]
    return row(at(hours), name, float(value) / forward, vol_pct, forward, forward_name, index)


def at(hours: float) -> str:
    """The instant so many hours after the first one, as files write it."""
    whole, minutes = divmod(round(hours * 60), 60)
    return f"2026-01-{28 + (4 + whole) // 24}T{(4 + whole) % 24:02d}:{minutes:02d}:00.951+00:00"


def write_chains(path: Path, *rows: str, columns: str = COLUMNS) -> Path:
    """A CSV of chains, packed where the name says so."""
    text = "\n".join([columns, *rows]) + "\n"
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, "utf-8")
    return path


def three_snapshots(path: Path) -> Path:
    """A call for twelve hours, every six; a put that expires four hours after the first."""
    return write_chains(
        path,
        row(at(6), index=85_000, forward=86_000),
        row(at(0)),
        row(at(0), PUT, 0.012, 55, 89_100, "SYN.BTC-28JAN26", 89_050),
        row(at(12), index=80_000, forward=81_000),
    )
