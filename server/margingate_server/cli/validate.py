"""`margingate validate FILE...`: published numbers against the engine, without a server."""

from pathlib import Path
from typing import Annotated

import typer

from margingate_server.cli.exit_codes import USAGE
from margingate_server.validating.case import Outcome
from margingate_server.validating.runner import UnreadableDocument, document, results, summary

FAILED = 1
"""Exit code: at least one case came out different."""

app = typer.Typer(add_completion=False)


@app.command()
def validate(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="JSON documents of cases.")
    ],
) -> None:
    """Run published cases through the engine: a line a case, then how many passed."""
    outcomes: list[Outcome] = []
    # All files are read first: a wrong name is told before a long run, not in the middle of it.
    try:
        documents = [(path.name, document(path)) for path in files]
    except UnreadableDocument as error:
        typer.echo(f"margingate: {error.path}: {error.problem}", err=True)
        raise typer.Exit(USAGE) from None
    for name, content in documents:
        for result in results(name, content):
            typer.echo(result.line)
            outcomes.append(result.outcome)
    typer.echo(summary(outcomes))
    if Outcome.FAIL in outcomes:
        raise typer.Exit(FAILED)
