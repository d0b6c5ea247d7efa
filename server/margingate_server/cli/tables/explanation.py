"""How a margin comes about: the calculation as a tree, scenarios as tables."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from margingate_server.cli.tables.layout import BAD, FAINT, table
from margingate_server.cli.tables.texts import money_text, words
from margingate_server.client import ExplanationNode, ScenarioTable, WorstScenario

WORST = " ◀ worst"
MINIMUM_BINDS = -1


def calculation_tree(root: ExplanationNode, title: str) -> Tree:
    """The tree of a calculation, amounts in USD."""
    tree = Tree(Text.assemble((title, "bold"), "  ", _label(root)), guide_style=FAINT)
    _grow(tree, root)
    return tree


def scenario_tables(
    scenarios: list[ScenarioTable], worst: list[WorstScenario]
) -> list[RenderableType]:
    """A table for each group, P&L in USD, with the row that binds marked."""
    worst_by_group = {each.group: each for each in worst}
    return [_group_table(each, worst_by_group.get(each.group)) for each in scenarios]


def scenario_comparison(
    before: list[ScenarioTable],
    after: list[ScenarioTable],
    worst_before: list[WorstScenario],
    worst_after: list[WorstScenario],
) -> list[RenderableType]:
    """A table for each group with the worst P&L before and with an order side by side."""
    pnl_before = {each.group: each.pnl_with_orders for each in before}
    old = {each.group: each.scenario for each in worst_before}
    new = {each.group: each.scenario for each in worst_after}
    made: list[RenderableType] = []
    for each in after:
        rows = table(">#", "scenario", ">before", ">with the order", title=f"{each.group}, USD")
        earlier = pnl_before.get(each.group, [0.0] * len(each.descriptions))
        columns = zip(each.descriptions, earlier, each.pnl_with_orders, strict=False)
        for number, (description, pnl_old, pnl_new) in enumerate(columns, start=1):
            rows.add_row(
                str(number),
                description,
                _pnl(pnl_old, is_worst=old.get(each.group) == number),
                _pnl(pnl_new, is_worst=new.get(each.group) == number),
            )
        made.append(rows)
    return made


def _grow(branch: Tree, node: ExplanationNode) -> None:
    for child in node.children:
        _grow(branch.add(_label(child)), child)


def _label(node: ExplanationNode) -> Text:
    subject = f" {node.subject}" if node.subject else ""
    return Text.assemble(
        words(node.name), (subject, "cyan"), "  ", (money_text(node.amount), "bold")
    )


def _group_table(scenarios: ScenarioTable, worst: WorstScenario | None) -> Table:
    number_worst = worst.scenario if worst else 0
    rows = table(
        ">#", "scenario", ">positions", ">and open orders", title=f"{scenarios.group}, USD"
    )
    columns = zip(scenarios.descriptions, scenarios.pnl, scenarios.pnl_with_orders, strict=False)
    for number, (description, pnl, pnl_with_orders) in enumerate(columns, start=1):
        rows.add_row(
            str(number),
            description,
            _pnl(pnl, is_worst=False),
            _pnl(pnl_with_orders, is_worst=number == number_worst),
        )
    if number_worst == MINIMUM_BINDS:
        rows.caption = "the short option minimum binds, no scenario"
    return rows


def _pnl(pnl: float, *, is_worst: bool) -> Text:
    """The number, with room for the mark in every row so that digits stay below each other."""
    mark = WORST if is_worst else " " * len(WORST)
    return Text(f"{pnl:,.2f}{mark}", style=BAD if is_worst else "")
