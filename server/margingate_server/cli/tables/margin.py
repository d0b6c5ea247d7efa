"""The margin of an account in full."""

from rich.console import Group, RenderableType

from margingate_server.cli.tables.decision import basis_facts
from margingate_server.cli.tables.explanation import calculation_tree, scenario_tables
from margingate_server.cli.tables.layout import facts
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.texts import words
from margingate_server.client import GetMarginResponse, enum_name


def margin_tables(answer: GetMarginResponse) -> RenderableType:
    """Margin with and without open orders, the calculation, and every scenario."""
    return Group(
        risks_table({"with open orders": answer.risk, "positions alone": answer.positions_only}),
        calculation_tree(answer.explanation, "calculation, USD"),
        *scenario_tables(list(answer.scenarios), list(answer.worst)),
        facts([("exactness", words(enum_name(answer, "exactness"))), *basis_facts(answer.basis)]),
    )
