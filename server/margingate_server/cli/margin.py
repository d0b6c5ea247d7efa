"""`margingate margin ...`."""

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.margin import margin_tables
from margingate_server.cli.tables.outlook import outlook_tables
from margingate_server.client.accounts import OUTLOOK_SECONDS

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def margin() -> None:
    """Margin of an account and how it comes about."""


@app.command()
def show(
    account: options.Account,
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show the margin, the calculation as a tree, and every scenario with the worst one marked."""
    with connected(target, timeout, is_json) as session:
        session.show(session.gate.accounts.get_margin(account), margin_tables)


@app.command()
def outlook(
    account: options.Account,
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = OUTLOOK_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show liquidation prices, what the next expiry changes, and what to close if need be."""
    with connected(target, timeout, is_json) as session:
        session.show(
            session.gate.accounts.outlook(account, timeout_seconds=timeout), outlook_tables
        )
