"""`margingate span FILE`: a published SPAN file and requirements by it, without a server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeElapsedColumn

from margingate_engine.core.errors import InvalidInput
from margingate_server.cli.exit_codes import USAGE
from margingate_server.cli.tables.span_file import (
    file_facts,
    file_table,
    portfolio_facts,
    portfolio_table,
)
from margingate_server.files.span_file import SpanFile
from margingate_server.files.span_xml import Watch
from margingate_server.span_margin.figures import (
    PortfolioFigures,
    contracts_by_commodity,
    portfolio_figures,
)
from margingate_server.span_margin.reading import read_lots, read_span_file

INCOMPLETE = 1
"""Exit code: some contracts of the portfolio have no requirement."""

WIDTH = 200
_PLAIN_STEP = 10
_TOLD_FROM = 4_000_000
"""Smaller files are read before anybody wonders."""

app = typer.Typer(add_completion=False)


@app.command()
def span(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .spn (XML) or .pa2 file.")],
    *,
    portfolio: Annotated[
        Path | None,
        typer.Option("--portfolio", metavar="CSV", help="Columns contract and quantity, in lots."),
    ] = None,
    contracts: Annotated[
        str | None,
        typer.Option(
            "--contracts", metavar="TEXT", help="List the contracts that have it in them."
        ),
    ] = None,
    floor_net: Annotated[
        bool,
        typer.Option("--floor-net", help="Report risk less option value as 0 at least."),
    ] = False,
    is_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Show what a SPAN file holds; with a portfolio, what each combined commodity requires."""
    try:
        # First, so that a mistake in it is told before a long read.
        lots = None if portfolio is None else read_lots(portfolio)
    except InvalidInput as wrong:
        raise _told(f"{wrong.field} {wrong.problem}") from None
    try:
        with _progress(file) as watch:
            found = read_span_file(file, net_is_floored=floor_net, watch=watch)
        figures = None if lots is None else portfolio_figures(found, lots)
    except InvalidInput as wrong:
        raise _told(f"{file}: {wrong.field} {wrong.problem}") from None
    if contracts is not None:
        _list(found, contracts, is_json=is_json)
    else:
        _show(found, figures, is_json=is_json)
    if figures is not None and figures.without:
        raise typer.Exit(INCOMPLETE)


def _list(file: SpanFile, text: str, *, is_json: bool) -> None:
    keys = [key for key in file.contracts.keys if text in key]
    print(json.dumps(keys, indent=2) if is_json else "\n".join(keys))


def _show(file: SpanFile, figures: PortfolioFigures | None, *, is_json: bool) -> None:
    counts = contracts_by_commodity(file, file.contracts.keys)
    if is_json:
        document = file_facts(file, counts)
        if figures is not None:
            document["portfolio"] = portfolio_facts(figures)
        print(json.dumps(document, indent=2))
        return
    console = Console(markup=False, highlight=False, emoji=False, width=WIDTH)
    console.print(file_table(file, counts) if figures is None else portfolio_table(figures))


def _told(problem: str) -> typer.Exit:
    """Say what is wrong; the exit that follows from it."""
    typer.echo(f"margingate: {problem}", err=True)
    return typer.Exit(USAGE)


@contextmanager
def _progress(path: Path) -> Iterator[Watch]:
    """How much of the file was read: a bar on a terminal, else a line every ten per cent."""
    size = path.stat().st_size if path.is_file() else 0
    console = Console(stderr=True)
    if console.is_terminal:
        columns = (BarColumn(), DownloadColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("", total=size)
            yield lambda done: bar.update(task, completed=done)
        return
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        percent = 100 * done // max(size, 1)
        if percent >= told + _PLAIN_STEP and size > _TOLD_FROM:
            told = percent // _PLAIN_STEP * _PLAIN_STEP
            typer.echo(f"margingate: {told} % of {size / 1e6:.1f} MB read", err=True)

    yield tell
