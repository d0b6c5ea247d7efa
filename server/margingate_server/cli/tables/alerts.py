"""Alerts, a line each."""

from rich.text import Text

from margingate_server.cli.tables.layout import BAD, FAINT
from margingate_server.cli.tables.states import coloured
from margingate_server.cli.tables.texts import money_text, time_text, words
from margingate_server.client import StreamAlertsResponse, enum_name

SEVERITY_CELLS, ACCOUNT_CELLS = 8, 16
EVERYBODY = "all accounts"


def alert_line(answer: StreamAlertsResponse) -> Text:
    """When, which event, how much it matters, whose it is, and what happened with its figures."""
    alert = answer.alert
    severity = coloured(enum_name(alert, "severity"))
    severity.pad_right(max(0, SEVERITY_CELLS - len(severity)))
    line = Text.assemble(
        (time_text(alert.time), FAINT),
        (f" {answer.cursor:>8} ", FAINT),
        severity,
        "  ",
        (f"{alert.account or EVERYBODY:<{ACCOUNT_CELLS}}  ", "bold" if alert.account else FAINT),
        alert.text,
    )
    if alert.from_state:
        line.append(f" (was {words(enum_name(alert, 'from_state'))})", style=FAINT)
    for each in alert.figures:
        line.append(f"  {words(each.name)} ", style=FAINT)
        line.append(money_text(each.amount))
    if alert.order_ids:
        more = ", and more" if alert.order_ids_cut else ""
        line.append(f"  cancel: {', '.join(alert.order_ids)}{more}", style=BAD)
    return line
