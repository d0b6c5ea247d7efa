"""`margingate backtest`: was the margin of each day enough for the day after? No server needed."""

import json
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.var.settings import Method
from margingate_server.backtesting.drawing import drawing, page
from margingate_server.backtesting.portfolios import read_portfolios
from margingate_server.backtesting.running import Run, backtest_of, closes_of, settings_of
from margingate_server.cli.exit_codes import CANNOT_SERVE, USAGE
from margingate_server.cli.tables.backtest import findings_rows, findings_table

app = typer.Typer(add_completion=False)

WIDTH = 180
_PICTURES = (".html", ".svg")


@app.command()
def backtest(
    *,
    prices: Annotated[
        list[str],
        typer.Option("--prices", metavar="NAME=FILE", help="Closes of an underlying. Repeatable."),
    ],
    vols: Annotated[
        list[str] | None,
        typer.Option("--vols", metavar="NAME=FILE", help="Its implied vols in %, as of DVOL."),
    ] = None,
    portfolios: Annotated[
        Path | None, typer.Option("--portfolios", metavar="FILE", help="TOML; else built-in ones.")
    ] = None,
    methods: Annotated[
        list[Method] | None,
        typer.Option("--method", help="Repeatable; historical and filtered if absent."),
    ] = None,
    confidence: Annotated[str, typer.Option("--confidence", metavar="SHARE")] = "0.99",
    horizon: Annotated[str, typer.Option("--horizon", metavar="DAYS")] = "1",
    lookback: Annotated[str, typer.Option("--lookback", metavar="DAYS")] = "500",
    others: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another parameter of the model var."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", metavar="FILE", help="Draw a .html or .svg file.")
    ] = None,
    is_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Set a margin every day from what was known, and count the losses that exceeded it."""
    if picture is not None and picture.suffix not in _PICTURES:
        raise typer.BadParameter(f"must end in {' or '.join(_PICTURES)}", param_hint="--picture")
    chosen = {"confidence": confidence, "horizon_days": horizon, "lookback_days": lookback}
    chosen |= _pairs(others or [], "--set")
    files = [
        {name: Path(file) for name, file in _pairs(given, option).items()}
        for given, option in ((prices, "--prices"), (vols or [], "--vols"))
    ]
    try:
        every_settings = [
            settings_of({**chosen, "method": method.value})
            for method in methods or [Method.HISTORICAL, Method.FILTERED]
        ]
        price_by_name, vol_by_name = (closes_of(each) for each in files)
        with _bar() as bar:
            task = bar.add_task("")
            run = backtest_of(
                read_portfolios(portfolios),
                every_settings,
                price_by_name,
                vol_by_name,
                lambda done, total: bar.update(task, completed=done, total=total),
            )
    except InvalidInput as wrong:
        typer.echo(f"margingate: {wrong.field} {wrong.problem}", err=True)
        raise typer.Exit(USAGE) from None
    _show(run, is_json=is_json)
    if picture is not None:
        _draw(run, picture)


def _show(run: Run, *, is_json: bool) -> None:
    if is_json:
        print(json.dumps({"tracks": findings_rows(run), "left_out": dict(run.left_out)}, indent=2))
    else:
        Console(markup=False, highlight=False, emoji=False, width=WIDTH).print(findings_table(run))


def _draw(run: Run, picture: Path) -> None:
    tracks = [track for track, _ in run.tracks]
    if picture.suffix == ".svg":
        document = drawing(tracks)
    else:
        figures = StringIO()
        Console(file=figures, width=WIDTH, color_system=None).print(findings_table(run))
        document = page(tracks, "margingate backtest", figures.getvalue())
    try:
        picture.write_text(document, "utf-8")
    except OSError as error:
        typer.echo(f"margingate: {error.strerror}: {picture}", err=True)
        raise typer.Exit(CANNOT_SERVE) from None


def _pairs(words: Iterable[str], option: str) -> dict[str, str]:
    """Values by name of NAME=VALUE."""
    pairs: dict[str, str] = {}
    for word in words:
        name, _, value = word.partition("=")
        if not (name and value):
            raise typer.BadParameter(f"{word!r} is not NAME=VALUE", param_hint=option)
        if name in pairs:
            raise typer.BadParameter(f"{name} is given twice", param_hint=option)
        pairs[name] = value
    return pairs


def _bar() -> Progress:
    """The way there, on a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), "walks", TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
