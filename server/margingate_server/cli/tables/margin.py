"""The margin of an account in full."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from margingate_server.cli.tables.account import margin_now
from margingate_server.cli.tables.collateral import collateral_tables
from margingate_server.cli.tables.decision import basis_facts
from margingate_server.cli.tables.explanation import calculation_tree, scenario_tables
from margingate_server.cli.tables.layout import BAD, facts, stale_text, table
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.texts import money_text, words
from margingate_server.client import GetMarginResponse, MoveMarginResponse, PositionRisk, enum_name


def margin_tables(answer: GetMarginResponse) -> RenderableType:
    """Margin with and without open orders, the calculation, and every scenario."""
    return Group(
        risks_table({"with open orders": answer.risk, "positions alone": answer.positions_only}),
        *collateral_tables(answer.collateral),
        *([_positions_table(answer.positions)] if answer.positions else []),
        calculation_tree(answer.explanation, "calculation, USD"),
        *scenario_tables(list(answer.scenarios), list(answer.worst)),
        facts(
            [
                ("exactness", words(enum_name(answer, "exactness"))),
                ("prices", stale_text(is_stale=answer.stale)),
                *basis_facts(answer.basis),
            ]
        ),
    )


def moved_tables(answer: MoveMarginResponse) -> RenderableType:
    """The wallet after a move, the position by itself, and the margin now."""
    return Group(
        facts([("wallet, USD", money_text(answer.wallet))]),
        *([_positions_table([answer.position])] if answer.HasField("position") else []),
        margin_now(answer.risk if answer.HasField("risk") else None),
    )


def _positions_table(positions: Iterable[PositionRisk]) -> Table:
    made = table(
        "position", ">wallet", ">equity", ">initial margin", ">maintenance margin", "", title="USD"
    )
    for each in positions:
        made.add_row(
            each.instrument,
            money_text(each.wallet),
            money_text(each.risk.equity),
            money_text(each.risk.initial_margin),
            money_text(each.risk.maintenance_margin),
            Text("to be liquidated", style=BAD) if each.liquidatable else "",
        )
    return made
