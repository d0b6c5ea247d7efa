"""Where a requirement comes from."""

from margingate_engine.check.decide import decide
from margingate_engine.check.explain import explanation, scenario_tables, with_order
from margingate_engine.core.explanation import Component
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from tests.unit.engine.small_market import COIN, USD, small_market

MARKET = small_market()


def account(portfolio: Portfolio) -> AccountRisk:
    return AccountRisk.of(portfolio, MARKET.arrays)


def child(component: Component, name: str) -> Component:
    (found,) = [part for part in component.parts if part.name == name]
    return found


def test_the_tree_names_group_components_and_positions() -> None:
    """[SPAN-12]"""
    portfolio = MARKET.portfolio(10_000, COIN, COIN_CALL=-10)
    portfolio.legs["o"] = (MARKET.open_leg("NEAR", 1, "101000"),)
    tree = explanation(account(portfolio))
    (group,) = tree.parts
    assert tree.amount == group.amount == account(portfolio).risk.initial
    assert (group.name, group.subject) == ("group", "BTC")
    scan, basis = child(group, "scan_risk"), child(group, "basis_charge")
    assert scan.amount + basis.amount == group.amount
    assert [(part.name, part.subject) for part in scan.parts] == [
        ("coin_pnl", "BTC"),
        ("open_orders_worst", "BTC"),
        ("position_pnl", "COIN-CALL"),
    ]
    assert sum(part.amount for part in scan.parts) == -scan.amount
    assert child(group, "short_option_minimum").amount == 1_000 * USD


def test_a_group_that_loses_nowhere_has_no_contributions() -> None:
    tree = explanation(account(MARKET.portfolio(CALL=1)))
    assert tree.amount == 0
    assert child(tree.parts[0], "scan_risk").parts == ()


def test_an_entry_loss_in_the_null_row_is_explained_as_well() -> None:
    portfolio = MARKET.portfolio(1_000)
    portfolio.legs["o"] = (MARKET.open_leg("FAR-PUT", 1, "20"),)
    scan = child(explanation(account(portfolio)).parts[0], "scan_risk")
    assert scan.amount == 1 * USD
    assert [(part.name, part.amount) for part in scan.parts] == [("open_orders_worst", -1 * USD)]


def test_scenario_tables_show_positions_alone_and_with_the_worst_fills() -> None:
    """[SPAN-09, SPAN-14]"""
    portfolio = MARKET.portfolio(10_000, NEAR=1)
    portfolio.legs["o"] = (MARKET.open_leg("NEAR", -2, "101000"),)
    (table,) = scenario_tables(account(portfolio))
    assert (table.group, len(table.descriptions), len(table.pnl_s)) == ("BTC", 16, 16)
    assert (table.pnl_s[10], table.with_orders_s[10]) == (1_515 * USD, -1_515 * USD - 2)
    assert table.pnl_s[12] == table.with_orders_s[12] == -1_515 * USD


def test_what_was_once_held_leaves_no_table() -> None:
    taken = account(MARKET.portfolio(10_000, NEAR=1))
    taken.move_position(MARKET.row("NEAR"), 1, 0)
    taken.move_cash("USD", 10_100 * USD)
    assert scenario_tables(taken) == ()


def test_the_account_with_the_order_is_what_the_decision_says_after() -> None:
    portfolio = MARKET.portfolio(50_000, COIN, COIN_CALL=-3, FAR_PUT=-2)
    portfolio.legs["o"] = (MARKET.open_leg("FAR-PUT", -1, "10"),)
    question = MARKET.question(
        portfolio, MARKET.leg("COIN-CALL", -1, "0.19"), MARKET.leg("FAR-PUT", -1, "9")
    )
    taken = question.account
    assert taken is not None
    before, outcome = taken.risk, decide(question)
    assert outcome.hold is not None
    copy = with_order(taken, outcome.hold)
    assert copy.risk == outcome.after
    assert copy.requirements() == taken.requirements(outcome.hold)
    assert explanation(copy).amount == outcome.after.initial
    copy.move_cash("BTC", COIN)
    assert taken.risk == before
    assert copy.risk != outcome.after
