"""Margin of an account."""

from rich.table import Table
from rich.text import Text

from margingate_server.cli.tables.layout import BAD, table
from margingate_server.cli.tables.texts import change_text, money_text
from margingate_server.client import Risk

_ROWS = (
    ("equity", "equity"),
    ("initial margin", "initial_margin"),
    ("maintenance margin", "maintenance_margin"),
    ("headroom", "headroom"),
)


def risks_table(risks: dict[str, Risk], *, title: str = "") -> Table:
    """One column for each risk, in USD."""
    made = table("USD", *(f">{name}" for name in risks), title=title)
    for label, field in _ROWS:
        made.add_row(label, *(_amount(getattr(risk, field)) for risk in risks.values()))
    return made


def before_after_table(before: Risk, after: Risk, margin_impact: str) -> Table:
    """Margin before and with an order, the change, and the impact the server states."""
    made = table("USD", ">before", ">with the order", ">change")
    for label, field in _ROWS:
        old, new = getattr(before, field), getattr(after, field)
        made.add_row(label, _amount(old), _amount(new), change_text(old, new))
    made.add_row("margin impact", "", "", money_text(margin_impact))
    return made


def _amount(amount: str) -> Text:
    return Text(money_text(amount), style=BAD if amount.startswith("-") else "")
