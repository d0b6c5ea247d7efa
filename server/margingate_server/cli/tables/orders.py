"""Open orders and what becomes of them."""

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_server.cli.tables.decision import basis_facts
from margingate_server.cli.tables.layout import BAD, FAINT, GOOD, facts, table
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.texts import time_text, words
from margingate_server.client import (
    GetMaxOrderSizeResponse,
    ListOrdersResponse,
    ReleaseAllResponse,
    ReleaseOrderResponse,
    ReportFillResponse,
    enum_name,
)

_FLAGS = {
    "UNKNOWN_ORDER": "there is no open order of this id",
    "OVER_FILL": "more than was open of the order",
    "LATE": "the order was released or filled before",
}


def orders_table(answer: ListOrdersResponse) -> RenderableType:
    """One row for each leg with what is still open of it."""
    if not answer.orders:
        return Text("no open orders", style=FAINT)
    made = table("order", "side", ">open", "instrument", ">limit", "accepted", "request")
    for order in answer.orders:
        heads = [order.order_id, time_text(order.accept_time), order.request_id]
        for leg in order.legs:
            made.add_row(
                heads[0],
                words(enum_name(leg, "side")),
                leg.quantity,
                leg.instrument,
                leg.limit_price or "market",
                heads[1],
                heads[2],
            )
            heads = ["", "", ""]
    return made


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


def _flag(answer: ReleaseOrderResponse | ReportFillResponse) -> str:
    name = enum_name(answer, "flag")
    return _FLAGS.get(name, words(name))
