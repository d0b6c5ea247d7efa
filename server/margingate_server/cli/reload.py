"""`margingate reload`."""

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.regime import loaded_table

app = typer.Typer(add_completion=False)


@app.command()
def reload(
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Have a server read its files of parameters, fees and policy again; all of them or none."""
    with connected(target, timeout, is_json) as session:
        session.show(session.gate.admin.reload_parameters(), loaded_table)
