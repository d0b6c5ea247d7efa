"""The line that a new user can copy: an order on the market that is served."""

from collections.abc import Collection

from margingate_engine.check.sizing import mark_price_nano
from margingate_engine.core.amounts import NANO, ceil_div, whole
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_server.service.market import MarketView

TARGET_DEFAULT = "127.0.0.1:50051"


def hint(
    program: str, view: MarketView | None, accounts: Collection[str], target: str
) -> list[str]:
    """Lines that show an order to send; none without a market."""
    if view is None:
        return []
    account = "demo" if "demo" in accounts else min(accounts, default="ACCOUNT")
    return [
        "send an order from another terminal:",
        "  " + example_command(program, view, account, target),
    ]


def example_command(program: str, view: MarketView, account: str, target: str) -> str:
    """A command that buys one lot of the option or other instrument nearest to the money."""
    where = "" if target == TARGET_DEFAULT else f" --target {target}"
    row = _nearest_row(view)
    if row is None:
        return f"{program} market show{where}"
    instrument = view.table.instruments[row]
    price_nano = mark_price_nano(view.arrays, row)
    tick_nano = instrument.tick_nano_at(price_nano)
    limit_nano = ceil_div(price_nano, tick_nano) * tick_nano
    quantity, limit = _text(instrument.lot_nano), _text(limit_nano)
    return f"{program} check {account} buy {quantity} {instrument.name} --limit {limit}{where}"


def _nearest_row(view: MarketView) -> int | None:
    """Row of the priced option, else of anything priced, that is closest to its forward."""
    best: tuple[bool, float, int] | None = None
    for row, each in enumerate(view.table.instruments):
        if not view.arrays.priced_i[row] or _has_expired(each, view):
            continue
        is_option = each.kind is InstrumentKind.OPTION
        forward_nano = int(view.snapshot.forward_nano_i[row])
        distance = abs(1 - (each.strike_nano or 0) / forward_nano) if is_option else 0.0
        key = (not is_option, distance, row)
        if best is None or key < best:
            best = key
    return None if best is None else best[2]


def _has_expired(instrument: Instrument, view: MarketView) -> bool:
    return instrument.expiry_ns is not None and instrument.expiry_ns <= view.snapshot.market_time_ns


def _text(nano: int) -> str:
    return format(whole(nano, NANO).normalize(), "f")
