"""Limits, kill switches and suspensions."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from margingate_server.cli.tables.layout import BAD, FAINT, GOOD, table
from margingate_server.cli.tables.texts import NONE, time_text, words
from margingate_server.client import GetLimitsResponse, KillSwitch, Limits, enum_name

_ROWS = (
    ("order quantity, coins", "max_order_quantity"),
    ("order quantity, USD (inverse futures)", "max_order_quantity_usd"),
    ("order notional, USD", "max_order_notional"),
    ("price collar, fraction", "price_collar"),
)


def changed_line(is_changed: bool, done: str, not_needed: str) -> Text:
    """What was done, or why nothing had to be."""
    return Text(done, style=GOOD) if is_changed else Text(f"no change: {not_needed}", style=FAINT)


def limits_tables(answer: GetLimitsResponse) -> RenderableType:
    """Own limits, limits in force, kill switches."""
    return Group(
        limits_table({"own": answer.own, "in force": answer.effective}),
        kill_switch_table(answer.kill_switches),
    )


def limits_table(limits: dict[str, Limits]) -> Table:
    """One column for each set of limits; a dash is no limit."""
    made = table("limit", *(f">{name}" for name in limits))
    for label, field in _ROWS:
        made.add_row(label, *(getattr(each, field) or NONE for each in limits.values()))
    return made


def kill_switch_table(switches: Iterable[KillSwitch]) -> RenderableType:
    """One row for each kill switch in force."""
    made = table("kill switch", "subject", "mode", "since", "reason")
    for each in switches:
        made.add_row(
            Text(words(enum_name(each, "scope")), style=BAD),
            each.subject,
            words(enum_name(each, "mode")),
            time_text(each.engage_time),
            each.reason,
        )
    return made if made.row_count else Text(" no kill switch", style=FAINT)
