"""An order flow that goes with a replay, from CSV."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Final

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Side
from margingate_server.feeds.file.source import read_texts
from margingate_server.feeds.replay.accounts import decimal_of
from margingate_server.feeds.replay.chain_rows import csv_rows
from margingate_server.feeds.replay.instants import instant_ns

_COLUMNS: Final = ("time", "account", "instrument", "side", "quantity", "price")
_SIDES: Final = {"buy": Side.BUY, "sell": Side.SELL}


class Outcome(Enum):
    """What the venue made of an order that was accepted."""

    REST = ""
    FILL = "fill"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOrder:
    """An order at an instant of the market's time.

    order_id: the same in every replay of a flow. limit: None for a market order.
    """

    order_id: str
    time_ns: int
    account: str
    instrument: str
    side: Side
    quantity: Decimal
    limit: Decimal | None
    outcome: Outcome = Outcome.REST


def read_orders(path: Path) -> tuple[FlowOrder, ...]:
    """The orders of a file, ascending in time; InvalidInput names the line that is wrong."""
    reader = csv.DictReader(io.StringIO(read_texts(path)[0]), strict=True)
    for column in _COLUMNS:
        if column not in (reader.fieldnames or ()):
            raise InvalidInput("line 1", f"has no column {column}")
    orders = [_order(line, row) for line, row in csv_rows(reader)]
    return tuple(sorted(orders, key=lambda order: order.time_ns))


def _order(line: int, row: Mapping[str, str]) -> FlowOrder:
    side = _SIDES.get(row["side"].strip().lower())
    if side is None:
        raise InvalidInput(f"line {line}, side", "must be buy or sell")
    quantity = decimal_of(row["quantity"].strip(), f"line {line}, quantity")
    if quantity <= 0:
        raise InvalidInput(f"line {line}, quantity", "must be above 0")
    price = row["price"].strip()
    limit = decimal_of(price, f"line {line}, price") if price else None
    outcome = _outcome(line, row.get("outcome") or "")
    if limit is None and outcome is Outcome.FILL:
        raise InvalidInput(f"line {line}, price", "is what a filled order must have")
    return FlowOrder(
        order_id=f"replay-{line}",
        time_ns=instant_ns(row["time"], f"line {line}, time"),
        account=row["account"].strip(),
        instrument=row["instrument"].strip(),
        side=side,
        quantity=quantity,
        limit=limit,
        outcome=outcome,
    )


def _outcome(line: int, text: str) -> Outcome:
    try:
        return Outcome(text.strip().lower())
    except ValueError:
        raise InvalidInput(f"line {line}, outcome", "must be fill, release or empty") from None
