"""`margingate alerts`."""

from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.alerts import alert_line
from margingate_server.client import AlertKind, MargingateCallError, Severity

app = typer.Typer(add_completion=False)


@app.command()
def alerts(
    *,
    since: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="CURSOR",
            help="After this event; 0 for all. Absent: all, or with --follow none.",
        ),
    ] = None,
    is_following: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with each new one, until Ctrl-C.")
    ] = False,
    account: Annotated[
        str, typer.Option(metavar="ACCOUNT", help="Only what concerns this account.")
    ] = "",
    severity: Annotated[
        Severity, typer.Option(help="Only what matters as much or more.")
    ] = Severity.INFO,
    kind: Annotated[
        list[AlertKind] | None, typer.Option(help="Only this kind. Repeatable.")
    ] = None,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show what somebody may have to act on: margin calls, suspensions, kill switches.

    The number before each alert is its cursor: --since goes on after it.

    margingate alerts --since 4711 --follow --severity warning
    """
    start = since if since is not None or is_following else 0
    with connected(target, timeout, is_json) as session:
        answers = session.gate.watching.alerts(
            start, account=account, min_severity=severity, kinds=kind or (), resuming=_tell
        )
        for each in answers:
            if each.HasField("alert"):
                session.show_line(each, alert_line)
            elif each.caught_up and not is_following:
                return


def _tell(error: MargingateCallError) -> None:
    typer.echo(f"margingate: interrupted, going on: {error}", err=True)
