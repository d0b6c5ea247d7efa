"""`margingate models`."""

from typing import Annotated

import typer

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected
from margingate_server.cli.tables.market import models_tables
from margingate_server.client import ListModelsResponse

NameArgument = Annotated[str, typer.Argument(help="One model; absent: all of them.")]

app = typer.Typer(add_completion=False)


@app.command()
def models(
    name: NameArgument = "",
    *,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show the margin models in force with their parameters, or one of them."""
    with connected(target, timeout, is_json) as session:
        answer = session.gate.market.list_models()
        known = [each.model for each in answer.models]
        if name and name not in known:
            raise typer.BadParameter(f"must be one of {', '.join(known)}")
        named = [each for each in answer.models if name in ("", each.model)]
        collateral = () if name else answer.collateral
        session.show(ListModelsResponse(models=named, collateral=collateral), models_tables)
