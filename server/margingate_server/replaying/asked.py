"""What was asked, from what was decided: the order of an event as the engine is asked about it."""

from margingate_engine.check.question import RequestedLeg, RequestedOrder
from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.core.orders import Execution, Side
from margingate_engine.market.table import InstrumentTable
from margingate_server.ledger.events import AmendAccepted, AmendRejected, Decided

_DEAREST_NANO = 10**18


def order_asked(table: InstrumentTable, event: Decided) -> RequestedOrder:
    """The order of a decision; quantities are totals where it changes an open order.

    Of an accepted reduce-only order it is what that was cut to, which is cut to the same again.
    KeyError for an instrument that is not in the table.
    """
    order = event.order
    totals = tuple(leg.lots for leg in order.legs)
    if isinstance(event, AmendAccepted | AmendRejected):
        totals = event.totals
    legs = []
    for leg, total in zip(order.legs, totals, strict=True):
        row = table.row_by_name[leg.instrument]
        instrument, side = table.instruments[row], Side(leg.side)
        price_nano = leg.price_nano if leg.lots else _harmless_nano(instrument, side)
        legs.append(
            RequestedLeg(
                row=row,
                side=side,
                quantity=whole(total * instrument.lot_nano, NANO),
                limit=None if leg.is_market else whole(price_nano, NANO),
            )
        )
    return RequestedOrder(
        order_id=order.order_id,
        legs=tuple(legs),
        execution=Execution(order.execution),
        is_reduce_only=order.is_reduce_only,
    )


def _harmless_nano(instrument: Instrument, side: Side) -> int:
    """A limit that passes every rule, for a leg of which nothing is left open.

    The one that was asked is not kept: it holds nothing.
    """
    if side > 0:
        return 0 if instrument.kind is InstrumentKind.OPTION else instrument.tick_nano_at(0)
    tick_nano = instrument.tick_nano_at(_DEAREST_NANO)
    return _DEAREST_NANO // tick_nano * tick_nano
