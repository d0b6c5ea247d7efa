"""`margingate compare`: a portfolio under every model, of a server's account or of a file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from margingate_engine.core.errors import InvalidInput, ModelFailure
from margingate_server.cli import options
from margingate_server.cli.exit_codes import CANNOT_SERVE, USAGE
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import COLUMNS_MIN, connected
from margingate_server.cli.tables.compare import (
    answer_tables,
    comparison_tables,
    json_rows,
    rows_of_comparison,
)
from margingate_server.comparing.picture import picture
from margingate_server.comparing.portfolio_file import (
    FilePortfolio,
    read_portfolio,
    worked_portfolios,
)
from margingate_server.comparing.running import comparison
from margingate_server.config import path_by_name
from margingate_server.files.models import read_models

app = typer.Typer(add_completion=False)


@app.command()
def compare(
    *,
    account: Annotated[
        str, typer.Option("--account", metavar="ACCOUNT", help="Of a server: what it holds.")
    ] = "",
    portfolio: Annotated[
        Path | None,
        typer.Option("--portfolio", metavar="FILE", help="TOML with a market; needs no server."),
    ] = None,
    is_worked: Annotated[
        bool, typer.Option("--worked", help="The portfolios that come with the program.")
    ] = False,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameters",
            metavar="MODEL=FILE",
            help="Of a model, instead of built-in ones; without a server. Repeatable.",
        ),
    ] = None,
    drawn: Annotated[
        Path | None,
        typer.Option("--picture", metavar="OUT.svg", help="Draw P&L over price and vol of a file."),
    ] = None,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show margin and capital used under every model side by side.

    margingate compare --account desk-1

    margingate compare --portfolio condor.toml --picture condor.svg
    """
    if [bool(account), portfolio is not None, is_worked].count(True) != 1:
        raise typer.BadParameter("give --account, or --portfolio, or --worked")
    if account and (parameters or drawn is not None):
        raise typer.BadParameter("--parameters and --picture are for --portfolio and --worked")
    if drawn is not None and (portfolio is None or drawn.suffix != ".svg"):
        raise typer.BadParameter("needs --portfolio and a .svg file", param_hint="--picture")
    if account:
        with connected(target, timeout, is_json) as session:
            session.show(session.gate.accounts.compare_regimes(account), answer_tables)
        return
    try:
        every = worked_portfolios() if portfolio is None else (read_portfolio(portfolio),)
        _show(every, parameters or [], drawn, is_json=is_json)
    except InvalidInput as wrong:
        typer.echo(f"margingate: {wrong.field} {wrong.problem}", err=True)
        raise typer.Exit(USAGE) from None
    except ModelFailure:
        typer.echo("margingate: legs are beyond the range of the risk integers", err=True)
        raise typer.Exit(USAGE) from None


def _show(
    every: Sequence[FilePortfolio], parameters: list[str], drawn: Path | None, *, is_json: bool
) -> None:
    models = read_models(path_by_name(parameters, "parameters"))
    console = Console(markup=False, highlight=False, emoji=False, width=COLUMNS_MIN)
    printed = []
    for portfolio in every:
        holding, found = comparison(portfolio, models.values())
        rows = rows_of_comparison(found)
        if is_json:
            printed.append(
                {
                    "portfolio": portfolio.name,
                    "title": portfolio.title,
                    "regimes": json_rows(rows),
                }
            )
        else:
            console.print(comparison_tables(rows, portfolio.title, portfolio.about))
        if drawn is not None:
            _write(drawn, picture(portfolio, holding, found))
    if is_json:
        print(json.dumps({"portfolios": printed}, indent=2))


def _write(path: Path, document: str) -> None:
    try:
        path.write_text(document, "utf-8")
    except OSError as error:
        typer.echo(f"margingate: {error.strerror}: {path}", err=True)
        raise typer.Exit(CANNOT_SERVE) from None
