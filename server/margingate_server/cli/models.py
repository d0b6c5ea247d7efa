"""`margingate models`."""

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.market import models_tables

app = typer.Typer(add_completion=False)


@app.command()
def models(
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show the margin models in force with their parameters."""
    with connected(target, timeout, is_json) as session:
        session.show(session.gate.market.list_models(), models_tables)
