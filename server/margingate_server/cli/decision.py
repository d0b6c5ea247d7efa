"""`margingate decision`."""

from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.exit_codes import REJECTED
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.decision import decision_table
from margingate_server.client import is_accepted

app = typer.Typer(add_completion=False)


@app.command()
def decision(
    account: options.Account,
    request_id: Annotated[
        str, typer.Argument(metavar="REQUEST_ID", help="Id of the check that was answered.")
    ],
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show what was answered for a request id; exits like the check itself."""
    with connected(target, timeout, is_json) as session:
        answer = session.gate.get_decision(account, request_id)
        session.show(answer, lambda each: decision_table(each.decision, request_id))
    if not is_accepted(answer.decision):
        raise typer.Exit(REJECTED)
