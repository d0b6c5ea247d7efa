"""Small market files that the tests write."""

import gzip
import json
from pathlib import Path
from typing import Any

HEADER = "instrument_name,mark_price,implied_volatility,underlying,index_price,timestamp"
TIME_TEXT = "2026-01-23T09:23:19.721198+00:00"
TIME_NS = 1_769_160_199_721_198_000
TIME_MS = 1_769_160_199_721


def option_payload(**changes: Any) -> dict[str, Any]:
    """An entry of public/get_instruments for BTC-27MAR26-100000-C."""
    return {
        "instrument_name": "BTC-27MAR26-100000-C",
        "kind": "option",
        "instrument_type": "reversed",
        "tick_size": 0.0001,
        "tick_size_steps": [{"above_price": 0.005, "tick_size": 0.0005}],
        "min_trade_amount": 0.1,
        "contract_size": 1.0,
        "expiration_timestamp": 1_774_598_400_000,
        "strike": 100000.0,
        "option_type": "call",
        "is_active": True,
        "state": "open",
    } | changes


def perpetual_payload(**changes: Any) -> dict[str, Any]:
    """An entry of public/get_instruments for BTC-PERPETUAL."""
    return {
        "instrument_name": "BTC-PERPETUAL",
        "kind": "future",
        "instrument_type": "reversed",
        "tick_size": 0.5,
        "tick_size_steps": [],
        "min_trade_amount": 10.0,
        "contract_size": 10.0,
        "expiration_timestamp": 32_503_708_800_000,
        "is_active": True,
        "state": "open",
    } | changes


def ticker(**changes: Any) -> dict[str, Any]:
    """The answer of public/ticker for BTC-27MAR26-100000-C."""
    return {
        "instrument_name": "BTC-27MAR26-100000-C",
        "mark_price": 0.0246,
        "mark_iv": 38.5,
        "underlying_price": 89635.44,
        "index_price": 88955.71,
        "timestamp": TIME_MS,
    } | changes


def answer(result: Any) -> dict[str, Any]:
    """A JSON-RPC answer that carries `result`."""
    return {"jsonrpc": "2.0", "id": 1, "result": result}


def write_json(path: Path, document: Any, *, is_packed: bool = False) -> Path:
    """The path of a written JSON document."""
    content = json.dumps(document).encode()
    path.write_bytes(gzip.compress(content) if is_packed else content)
    return path


def write_csv(path: Path, *rows: str, header: str = HEADER) -> Path:
    """The path of a written CSV with a header and rows."""
    path.write_text("\n".join((header, *rows)) + "\n")
    return path
