"""`margingate release-all`."""

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.orders import release_all_table
from margingate_server.client import new_id

app = typer.Typer(add_completion=False)


@app.command()
def release_all(
    account: options.Account,
    *,
    request_id: options.RequestId = "",
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Give back what every open order of an account holds."""
    request_id = request_id or new_id()
    with connected(target, timeout, is_json) as session:
        answer = session.gate.release_all(account, request_id=request_id)
        session.show(answer, release_all_table, {"request_id": request_id})
