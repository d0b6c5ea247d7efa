"""The figures of a crash study."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.console import Group, RenderableType
from rich.table import Table

from margingate_engine.core.amounts import NANO
from margingate_engine.monitoring.states import Bounds, MarginState
from margingate_server.cli.tables.layout import facts, table
from margingate_server.crash_study.course import Course
from margingate_server.crash_study.findings import (
    Coverage,
    Lead,
    Level,
    Reached,
    counts_by_state,
)
from margingate_server.crash_study.findings_of_orders import OrderFindings

_STATES = (
    *(MarginState.HEALTHY, MarginState.WARNING, MarginState.MARGIN_CALL),
    *(MarginState.LIQUIDATION, MarginState.UNKNOWN),
)


def states_table(course: Course, model: str, bounds: Bounds) -> Table:
    """Accounts by state at every snapshot under one model."""
    coins = tuple(course.index_by_coin)
    columns = (f">{coin}" for coin in coins)
    states = (f">{each.word}" for each in _STATES)
    made = table("snapshot, UTC", *columns, *states, title=f"accounts by state, {model}")
    counts = counts_by_state(course.figures_by_model[model].states(bounds))
    for place, time_ns in enumerate(course.time_ns_t):
        indices = (f"{course.index_by_coin[coin][place]:,.0f}" for coin in coins)
        cells = (str(counts[each][place]) for each in _STATES)
        made.add_row(_when(time_ns), *indices, *cells)
    return made


def reached_table(rows: Sequence[Reached]) -> Table:
    """How far accounts came, by model and kind of book."""
    columns = (">accounts", ">warned", ">called", ">due for liquidation", ">worth below 0 once")
    made = table("model", "books", *columns, title="accounts that ever came so far")
    for row in rows:
        cells = (row.accounts, row.warned, row.called, row.liquidatable, row.deficits)
        made.add_row(row.model, row.kind, *map(str, cells))
    return made


def level_table(course: Course, rows: Sequence[Level]) -> Table:
    """What each model required of all accounts together."""
    made = table(
        *("model", ">initial margins at first, USD", ">at most, USD", "at"),
        title="what was required of all accounts together",
    )
    for row in rows:
        amounts = (f"{row.first_initial:,.0f}", f"{row.most_initial:,.0f}")
        made.add_row(row.model, *amounts, _when(course.time_ns_t[row.most_place]))
    return made


def lead_table(rows: Sequence[Lead]) -> Table:
    """How early those were told who became due for liquidation."""
    made = table(
        *("model", ">due", ">healthy before", ">called before", ">10 % within, h", ">median, h"),
        *(">90 % within, h", ">below 0 when due", ">or one later", ">lacking, USD"),
        title="from the first warning to being due for liquidation",
    )
    for row in rows:
        hours = (f"{row.quantile(share):.1f}" for share in (0.1, 0.5, 0.9))
        made.add_row(
            *(row.model, str(len(row.hours)), str(row.at_once), str(row.called), *hours),
            *(str(row.nothing_left), str(row.nothing_later), f"{row.shortfall:,.0f}"),
        )
    return made


def coverage_table(rows: Sequence[Coverage], title: str) -> Table:
    """Losses against what was required before, by model and kind of book."""
    made = table(
        *("model", "books", ">steps", ">beyond initial", ">beyond maintenance"),
        *(">largest loss / margin", ">largest excess, USD", ">sum of excesses, USD"),
        title=title,
    )
    for row in rows:
        made.add_row(
            *(row.model, row.kind, str(row.steps)),
            *(str(row.beyond_initial), str(row.beyond_maintenance), f"{row.worst_share:.2f}"),
            *(f"{row.largest_excess:,.0f}", f"{row.total_excess:,.0f}"),
        )
    return made


def orders_table(found: OrderFindings) -> RenderableType:
    """What became of the orders."""
    runs = (found.by_reason, found.with_gap, found.unguarded)
    reasons = table("answer", ">all prices", ">with a gap", ">gap, old prices trusted")
    for reason in sorted(
        {name for run in runs for name in run}, key=lambda each: -runs[0].get(each, 0)
    ):
        name = "accepted" if reason == "none" else reason
        reasons.add_row(name, *(str(run.get(reason, 0)) for run in runs))
    states = table("state", ">orders", ">accepted, reducing risk", ">accepted, other")
    for state, row in sorted(found.by_state.items()):
        cells = (row.asked, row.accepted_reducing, row.accepted_other)
        states.add_row(state.word, *map(str, cells))
    gap = found.gap
    words = facts(
        [
            ("accepted on prices too old", str(found.stale_accepted)),
            ("the same, old prices trusted", str(found.stale_accepted_unguarded)),
            ("orders in the gap", f"{gap.asked}, accepted {gap.accepted}"),
            (
                "the same, old prices trusted",
                f"accepted {gap.accepted_unguarded}, {gap.wrong_unguarded} of them wrongly",
            ),
        ]
    )
    return Group(reasons, states, words)


def _when(time_ns: int) -> str:
    return f"{datetime.fromtimestamp(time_ns // NANO, UTC):%d %b %H:%M}"
