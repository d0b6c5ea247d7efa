"""Drawn orders of the accounts of a study: some add to a book, some cut it, some come late."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random

from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.instruments import Instrument
from margingate_engine.core.orders import Side
from margingate_server.crash_study.books import Book
from margingate_server.feeds.replay.orders import FlowOrder, Outcome
from margingate_server.feeds.replay.series import Series, Snapshot

AT_ONCE_SECONDS = 9.0
"""Orders that come with a snapshot come within so long: most of all."""

LATE_SHARE = 0.25
"""Of the orders, how many come at any time until the next snapshot: nearly all on old prices."""

CUT_SHARE = 0.5
"""Of the orders, how many cut a position; the others add to one."""

CROSSING = Decimal("0.005")
"""How far beyond the mark a limit is."""


def drawn_orders(
    series: Series, books: Sequence[Book], per_snapshot: int, seed: int
) -> list[FlowOrder]:
    """Orders for every snapshot of a series but the last, ascending in time.

    They depend on the recorded prices and the books of the start alone, so that they are the same
    whatever a server makes of them.
    """
    random = Random(seed)  # noqa: S311 - drawn to be repeated, not to be secret
    orders: list[FlowOrder] = []
    for place in range(len(series) - 1):
        snapshot, next_ns = series.snapshot(place), series.time_ns_t[place + 1]
        instruments = {each.name: each for each in snapshot.instruments}
        marks = dict(zip(snapshot.update.names, snapshot.update.mark_price_i, strict=True))
        quoted = {name: (instruments[name], float(mark)) for name, mark in marks.items()}
        for number in range(per_snapshot):
            order_id = f"{place}-{number}"
            time_ns = _time_ns(random, snapshot, next_ns)
            order = _drawn(random, random.choice(books), quoted, order_id, time_ns)
            if order is not None:
                orders.append(order)
    return sorted(orders, key=lambda order: order.time_ns)


def _time_ns(random: Random, snapshot: Snapshot, next_ns: int) -> int:
    now_ns = snapshot.update.market_time_ns
    if random.random() < LATE_SHARE:
        return random.randrange(now_ns, next_ns)
    return now_ns + int(random.uniform(0, AT_ONCE_SECONDS) * NANO)


def _drawn(
    random: Random,
    book: Book,
    quoted: Mapping[str, tuple[Instrument, float]],
    order_id: str,
    time_ns: int,
) -> FlowOrder | None:
    """An order in something that the book holds and that is quoted; None when nothing is."""
    alive = sorted(name for name in book.quantities if name in quoted)
    if not alive:
        return None
    instrument, mark = quoted[random.choice(alive)]
    held = book.quantities[instrument.name]
    is_cut = random.random() < CUT_SHARE
    side = Side.BUY if (held > 0) is not is_cut else Side.SELL
    lot = whole(instrument.lot_nano, NANO)
    lots = int(abs(held) * Decimal(str(round(random.uniform(0.2, 1.0), 3))) / lot)
    return FlowOrder(
        order_id=order_id,
        time_ns=time_ns,
        account=book.account,
        instrument=instrument.name,
        side=side,
        quantity=max(1, lots) * lot,
        limit=_limit(instrument, Decimal(repr(mark)), side),
        outcome=Outcome.RELEASE,
    )


def _limit(instrument: Instrument, mark: Decimal, side: Side) -> Decimal:
    """A price on tick that a little more than the mark is paid at, or a little less taken."""
    wanted = mark * (1 + int(side) * CROSSING)
    tick = whole(instrument.tick_nano_at(int(wanted * NANO)), NANO)
    rounding = ROUND_CEILING if side is Side.BUY else ROUND_FLOOR
    ticks = (wanted / tick).to_integral_value(rounding)
    return max(Decimal(1), ticks) * tick
