"""Accounts, balances and positions."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from margingate_server.cli.tables.collateral import collateral_tables
from margingate_server.cli.tables.layout import BAD, FAINT, GOOD, facts, table
from margingate_server.cli.tables.regime import regime_rows
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.states import coloured
from margingate_server.cli.tables.texts import (
    average_text,
    money_text,
    price_text,
    second_text,
    time_text,
)
from margingate_server.client import (
    AccountSummary,
    AdjustCollateralResponse,
    Balance,
    CreateAccountResponse,
    GetAccountResponse,
    ListAccountsResponse,
    Position,
    Risk,
    SetPositionsResponse,
    enum_name,
)


def accounts_table(answer: ListAccountsResponse) -> RenderableType:
    """One row for each account."""
    if not answer.accounts:
        return Text("no accounts", style=FAINT)
    made = table(
        "account", "fee tier", "model", "state", ">positions", ">open orders", ">event", "opened"
    )
    for each in answer.accounts:
        made.add_row(
            each.account,
            each.fee_tier,
            each.model,
            _state(each),
            str(each.position_count),
            str(each.open_order_count),
            str(each.version),
            second_text(each.create_time),
        )
    return made


def created_table(answer: CreateAccountResponse) -> RenderableType:
    """The account opened."""
    return _summary(answer.account)


def account_tables(answer: GetAccountResponse) -> RenderableType:
    """Everything about one account."""
    state = enum_name(answer, "state")
    return Group(
        _summary(answer.account),
        _balances_table(answer.balances),
        *collateral_tables(answer.collateral),
        _positions_table(answer.positions),
        margin_now(answer.risk if answer.HasField("risk") else None),
        facts([("margin state now", coloured(state) if state else "")]),
    )


def balance_tables(answer: AdjustCollateralResponse) -> RenderableType:
    """The balance after a deposit or withdrawal, and the margin now."""
    return Group(
        _balances_table([answer.balance]),
        margin_now(answer.risk if answer.HasField("risk") else None),
    )


def statement_tables(answer: SetPositionsResponse) -> RenderableType:
    """Where the statement differed from the books, and the margin now."""
    risk = margin_now(answer.risk if answer.HasField("risk") else None)
    if not answer.breaks:
        return Group(Text("the books agreed with the statement", style=GOOD), risk)
    made = table("instrument", ">booked", ">stated", title="differences; the statement holds now")
    for each in answer.breaks:
        made.add_row(each.instrument, each.booked_quantity, each.stated_quantity)
    return Group(made, risk)


def margin_now(risk: Risk | None) -> RenderableType:
    """Margin now, or that there is none while prices are missing."""
    if risk is None:
        return Text("no margin while prices are missing", style=BAD)
    return risks_table({"now": risk})


def _state(account: AccountSummary) -> Text:
    if account.suspended:
        return Text("suspended", style=BAD)
    state = enum_name(account, "published_state")
    return Text("active") if state in ("", "HEALTHY") else coloured(state)


def _summary(account: AccountSummary) -> Table:
    return facts(
        [
            ("account", account.account),
            ("state", _state(account)),
            ("fee tier", account.fee_tier),
            *regime_rows(account),
            ("opened", time_text(account.create_time)),
            ("event", str(account.version)),
            ("open orders", str(account.open_order_count)),
        ]
    )


def _balances_table(balances: Iterable[Balance]) -> RenderableType:
    made = table("currency", ">cash")
    for each in balances:
        made.add_row(each.currency, _cash(each))
    return made if made.row_count else Text(" no cash", style=FAINT)


def _cash(balance: Balance) -> str:
    return money_text(balance.amount) if balance.currency == "USD" else balance.amount


def _positions_table(positions: Iterable[Position]) -> RenderableType:
    made = table("instrument", ">quantity", ">entry", ">mark", ">value, USD", "")
    for each in positions:
        made.add_row(
            each.instrument,
            each.quantity,
            average_text(each.entry_price),
            price_text(each.mark_price),
            money_text(each.value),
            Text("awaits settlement" if each.awaiting_settlement else "", style=BAD),
        )
    return made if made.row_count else Text(" no positions", style=FAINT)
