"""`margingate orders`."""

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.orders import orders_table

app = typer.Typer(add_completion=False)


@app.command()
def orders(
    account: options.Account,
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """List the open orders of an account."""
    with connected(target, timeout, is_json) as session:
        session.show(session.gate.list_orders(account), orders_table)
