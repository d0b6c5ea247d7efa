"""Open orders and what becomes of them."""

from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_server.cli.tables.decision import basis_facts
from margingate_server.cli.tables.layout import BAD, FAINT, GOOD, facts, table
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.texts import second_text, words
from margingate_server.client import (
    ConfirmAmendResponse,
    GetMaxOrderSizeResponse,
    ListOrdersResponse,
    OpenOrder,
    OrderLeg,
    RejectAmendResponse,
    ReleaseAllResponse,
    ReleaseOrderResponse,
    ReportFillResponse,
    enum_name,
)

_FLAGS = {
    "UNKNOWN_ORDER": "there is no open order of this id",
    "OVER_FILL": "more than was open of the order",
    "LATE": "the order was released, filled or answered before",
}


def orders_table(answer: ListOrdersResponse) -> RenderableType:
    """One row for each leg with what is still open of it, "or" what would be after a change.

    Below an order's id stands the request that it was accepted by, below the time its terms.
    """
    if not answer.orders:
        return Text("no open orders", style=FAINT)
    made = table("order, request", "side", ">open", "instrument", ">limit", "accepted, terms")
    for order in answer.orders:
        legs = [
            *(_leg_cells(leg) for leg in order.legs),
            *(_leg_cells(leg, "or ") for leg in order.amended_legs),
        ]
        heads: tuple[str | Text, ...] = (order.order_id, Text(order.request_id, style=FAINT))
        tails = (second_text(order.accept_time), _terms(order))
        for head, leg, tail in zip_longest(heads, legs, tails, fillvalue=""):
            made.add_row(head, *(leg or [""] * 4), tail)
    return made


def _leg_cells(leg: OrderLeg, before: str = "") -> tuple[str, ...]:
    side = before + words(enum_name(leg, "side"))
    return side, leg.quantity, leg.instrument, leg.limit_price or "market"


def _terms(order: OpenOrder) -> str:
    """What there is to know of an order besides its legs."""
    hold_seconds = order.hold_duration.ToNanoseconds() / 1e9
    parts = (
        words(enum_name(order, "execution")),
        "reduce only" if order.reduce_only else "",
        f"held {hold_seconds:g} s" if hold_seconds else "",
        "change pending" if order.amend_pending else "",
    )
    return ", ".join(part for part in parts if part)


def venue_answer_table(
    answer: ConfirmAmendResponse | RejectAmendResponse, done: str
) -> RenderableType:
    """Whether a change was pending, and the margin now. done: what became of it."""
    if answer.changed:
        head = Text(done, style=GOOD)
    else:
        head = Text(f"no change was pending: {_flag(answer)}", style=BAD)
    return Group(head, risks_table({"now": answer.risk}))


def release_table(answer: ReleaseOrderResponse) -> RenderableType:
    """Whether anything was held, and the margin now."""
    if answer.released:
        head = Text("released", style=GOOD)
    else:
        head = Text(f"nothing was held: {_flag(answer)}", style=BAD)
    return Group(head, risks_table({"now": answer.risk}))


def release_all_table(answer: ReleaseAllResponse) -> RenderableType:
    """How many orders were released, and the margin now."""
    return Group(
        Text(f"{answer.released_count} released", style=GOOD), risks_table({"now": answer.risk})
    )


def fill_table(answer: ReportFillResponse) -> RenderableType:
    """The position after a fill, anything unusual about it, and the margin now."""
    head = Text("applied before; nothing changed now" if answer.replayed else "applied", style=GOOD)
    rows: list[tuple[str, str | Text]] = [
        ("unusual", Text(_flag(answer), style=BAD)),
        ("position", answer.position),
        ("still open", answer.open_quantity),
    ]
    return Group(head, facts(rows), risks_table({"now": answer.risk}))


def max_size_table(answer: GetMaxOrderSizeResponse) -> RenderableType:
    """Largest quantities, and why one lot more would be rejected."""
    made = table("side", ">largest quantity", "one lot more is rejected for")
    for side, size in (("buy", answer.buy), ("sell", answer.sell)):
        made.add_row(side, size.quantity, enum_name(size, "limiting_reason"))
    return Group(made, facts(basis_facts(answer.basis)))


def _flag(
    answer: ReleaseOrderResponse | ReportFillResponse | ConfirmAmendResponse | RejectAmendResponse,
) -> str:
    name = enum_name(answer, "flag")
    return _FLAGS.get(name, words(name))
