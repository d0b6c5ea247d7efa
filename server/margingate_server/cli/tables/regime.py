"""Regimes of accounts, and what a change of one comes to."""

from rich.console import Group, RenderableType
from rich.text import Text

from margingate_server.cli.tables.layout import BAD, FAINT, GOOD, facts, table
from margingate_server.cli.tables.risk import risks_table
from margingate_server.cli.tables.texts import money_text, time_text, words
from margingate_server.client import (
    AccountSummary,
    GetAccountResponse,
    ReloadParametersResponse,
    SetMarginRegimeResponse,
    enum_name,
)


def regime_table(answer: GetAccountResponse) -> RenderableType:
    """By which model an account is margined, and whether it qualifies."""
    rows = regime_rows(answer.account)
    if answer.qualifying_equity:
        rows.append(("equity for it, USD", money_text(answer.qualifying_equity)))
    if answer.margin_call:
        rows.append(("margin call, USD", Text(money_text(answer.margin_call), style=BAD)))
    return facts([("account", answer.account.account), *rows])


def regime_rows(account: AccountSummary) -> list[tuple[str, str | Text]]:
    """Regime, experience and grace of an account."""
    kind = words(enum_name(account, "regime"))
    rows: list[tuple[str, str | Text]] = [
        ("model", f"{account.model} ({kind})"),
        ("experience tier", str(account.experience_tier)),
    ]
    if account.HasField("unqualified_since_time"):
        since = f"does not qualify since {time_text(account.unqualified_since_time)}"
        rows.append(("grace", Text(since, style=BAD)))
    if account.HasField("liquidation_not_before_time"):
        until = time_text(account.liquidation_not_before_time)
        rows.append(("liquidation", f"not before {until}"))
    return rows


def change_tables(
    answer: SetMarginRegimeResponse, model: str, *, is_validate_only: bool
) -> RenderableType:
    """Whether the change was or would be made, and the margin before and after."""
    account = answer.account.account
    if not answer.allowed:
        reason = words(enum_name(answer, "reject_reason"))
        line = Text(f"{account} could not change to {model}: {reason} ({answer.detail})", style=BAD)
    elif is_validate_only:
        line = Text(f"{account} could change to {model}", style=GOOD)
    else:
        line = Text(f"{account} is margined by {model}", style=GOOD)
    risks = {
        name: getattr(answer, field)
        for name, field in (("before", "before"), (f"under {model}", "after"))
        if answer.HasField(field)  # type: ignore[arg-type]
    }
    return Group(line, risks_table(risks)) if risks else line


def loaded_table(answer: ReloadParametersResponse) -> RenderableType:
    """The models in force, and whether anything changed."""
    line = (
        Text("new parameters, fees or policy are in force", style=GOOD)
        if answer.changed
        else Text("no change: the files say what is in force", style=FAINT)
    )
    made = table("model", "digest of its parameters")
    for each in answer.models:
        made.add_row(each.model, each.parameters_digest)
    return Group(line, made)
