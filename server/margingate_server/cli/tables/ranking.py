"""Accounts nearest to liquidation."""

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_server.cli.tables.layout import BAD, FAINT, table
from margingate_server.cli.tables.states import STYLES, bar, coloured, share_text
from margingate_server.cli.tables.texts import money_text, time_text
from margingate_server.client import RankAccountsResponse, enum_name

CELLS = 10


def ranking_table(answer: RankAccountsResponse) -> RenderableType:
    """One row for each account, and of how many they are."""
    made = table(
        *("", "account", "state", ">ratio", "", ">equity", ">initial", ">maintenance"),
        ">headroom",
    )
    for number, each in enumerate(answer.accounts, start=1):
        state, risk = enum_name(each, "state"), each.positions_only
        colour = STYLES.get(state, "").removeprefix("bold ")
        made.add_row(
            Text(str(number), style=FAINT),
            each.account,
            coloured(state),
            share_text(each.margin_ratio),
            bar(each.margin_ratio, "red" if " " in colour else colour, CELLS),
            _amount(risk.equity),
            money_text(risk.initial_margin),
            money_text(risk.maintenance_margin),
            _amount(each.headroom),
        )
    told = f" {len(answer.accounts)} of {answer.account_count} accounts"
    if answer.unknown_count:
        told += f", {answer.unknown_count} without a known margin"
    told += f"; market version {answer.market_version} of {time_text(answer.market_time)}"
    how = " initial and maintenance margin of positions alone, headroom with open orders"
    return Group(made, Text(f"{told}\n{how}", style=FAINT))


def _amount(amount: str) -> Text:
    return Text(money_text(amount), style=BAD if amount.startswith("-") else "")
