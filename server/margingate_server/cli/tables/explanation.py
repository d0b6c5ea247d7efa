"""How a margin comes about: the calculation as a tree, scenarios as tables."""

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from margingate_server.cli.tables.layout import BAD, FAINT, table
from margingate_server.cli.tables.texts import money_text, words
from margingate_server.client import ExplanationNode, ScenarioTable, WorstScenario

WORST = " ◀ worst"
NO_SCENARIO_BINDS = -1
SHOWN_ALL_MAX = 40
WORST_SHOWN = 10
"""Of more scenarios than those so many are shown."""


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
    return [
        _group_table(each, worst_by_group.get(each.group))
        for each in scenarios
        if each.descriptions
    ]


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
    for each in (each for each in after if each.descriptions):
        rows = table(">#", "scenario", ">before", ">with the order", title=f"{each.group}, USD")
        earlier = pnl_before.get(each.group, [0.0] * len(each.descriptions))
        for number in _shown(each):
            rows.add_row(
                str(number),
                each.descriptions[number - 1],
                _pnl(earlier[number - 1], is_worst=old.get(each.group) == number),
                _pnl(each.pnl_with_orders[number - 1], is_worst=new.get(each.group) == number),
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
    for number in _shown(scenarios):
        rows.add_row(
            str(number),
            scenarios.descriptions[number - 1],
            _pnl(scenarios.pnl[number - 1], is_worst=False),
            _pnl(scenarios.pnl_with_orders[number - 1], is_worst=number == number_worst),
        )
    if worst is not None and number_worst == NO_SCENARIO_BINDS:
        rows.caption = f"{worst.description} binds, no scenario"
    if len(scenarios.descriptions) > SHOWN_ALL_MAX:
        rows.caption = f"the worst {WORST_SHOWN} of {len(scenarios.descriptions)}"
    return rows


def _shown(scenarios: ScenarioTable) -> list[int]:
    """Numbers of the scenarios to show: all in order, of very many those that lose most."""
    pnl = scenarios.pnl_with_orders
    numbers = range(1, len(pnl) + 1)
    if len(pnl) <= SHOWN_ALL_MAX:
        return list(numbers)
    return sorted(numbers, key=lambda number: pnl[number - 1])[:WORST_SHOWN]


def _pnl(pnl: float, *, is_worst: bool) -> Text:
    """The number, with room for the mark in every row so that digits stay below each other."""
    mark = WORST if is_worst else " " * len(WORST)
    return Text(f"{pnl:,.2f}{mark}", style=BAD if is_worst else "")
