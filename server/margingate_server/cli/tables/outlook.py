"""What lies ahead of an account."""

from typing import Literal

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_server.cli.tables.layout import BAD, FAINT, GOOD, facts, table
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.texts import NONE, money_text, price_text, time_text
from margingate_server.client import GetOutlookResponse, LiquidationPrice


def outlook_tables(answer: GetOutlookResponse) -> RenderableType:
    """Liquidation prices, margin now and after the next expiry, and what to close."""
    risks = {"positions now": answer.positions_only}
    parts: list[RenderableType] = []
    if answer.HasField("next_expiry"):
        expiry = answer.next_expiry
        risks[f"after {time_text(expiry.expiry_time)[:16]}Z"] = expiry.positions_only
        expiring = ", ".join(expiry.instruments)
        parts.append(facts([("expiring next", expiring)]))
    if answer.HasField("after_reduction"):
        risks["after the trades below"] = answer.after_reduction
    parts = [liquidation_table(answer), risks_table(risks), *parts]
    if answer.suggested_reduction:
        parts.append(_trades(answer))
    if answer.order_ids:
        parts.append(facts([("orders that add risk", ", ".join(answer.order_ids))]))
    return Group(*parts)


def liquidation_table(answer: GetOutlookResponse) -> RenderableType:
    """Index prices at which liquidation would be due; dashes for none."""
    if not answer.liquidation_prices:
        return Text(" nothing that could be liquidated", style=FAINT)
    made = table("liquidation", ">index now", ">down", ">", ">up", ">")
    for each in answer.liquidation_prices:
        made.add_row(
            each.underlying,
            money_text(each.index_price),
            money_text(each.down_price),
            _move(each, "down_move"),
            money_text(each.up_price),
            _move(each, "up_move"),
        )
    return made


def _move(price: LiquidationPrice, field: Literal["down_move", "up_move"]) -> Text:
    if not price.HasField(field):
        return Text(NONE, style=FAINT)
    move: float = getattr(price, field)
    return Text(f"{move:+.1%}".replace("%", " %"), style="" if move else BAD)


def _trades(answer: GetOutlookResponse) -> RenderableType:
    made = table("to close", ">quantity", ">at its mark")
    for each in answer.suggested_reduction:
        made.add_row(each.instrument, each.quantity, price_text(each.mark_price))
    is_enough = answer.reduction_is_enough
    words = "equity covers the initial margin then" if is_enough else "not enough"
    return Group(made, Text(f" {words}", style=GOOD if is_enough else BAD))
