"""`margingate crash-study`: a recorded market with drawn accounts. No server needed."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.monitoring.states import Bounds
from margingate_server.cli.exit_codes import CANNOT_SERVE, USAGE
from margingate_server.cli.tables.crash_study import (
    coverage_table,
    lead_table,
    level_table,
    orders_table,
    reached_table,
    states_table,
)
from margingate_server.config import OPENING_MODEL, ServerConfig, path_by_name
from margingate_server.crash_study.findings import coverage, lead, level, reached
from margingate_server.crash_study.findings_of_orders import order_findings
from margingate_server.crash_study.planning import MODELS, Asked, planned
from margingate_server.crash_study.running import Plan, Study, study_of
from margingate_server.crash_study.saving import save

app = typer.Typer(add_completion=False)

WIDTH = 150
WHOSE = {"": "all accounts", "USD": "accounts with USD as collateral"}


@app.command()
def crash_study(
    *,
    replay: Annotated[Path, typer.Argument(metavar="REPLAY", help="As of --feed replay:REPLAY.")],
    accounts: Annotated[int, typer.Option("--accounts", min=10)] = 2_000,
    orders: Annotated[int, typer.Option("--orders", min=0, help="Drawn at each snapshot.")] = 60,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    gap: Annotated[
        str,
        typer.Option("--gap", metavar="FROM/UNTIL", help="Snapshots that a second run withholds."),
    ] = "",
    day: Annotated[
        int, typer.Option("--day", min=1, help="Snapshots that make the longer horizon.")
    ] = 4,
    coins: Annotated[str, typer.Option("--coins", metavar="LIST")] = "BTC,ETH",
    models: Annotated[str, typer.Option("--models", metavar="LIST")] = ",".join(MODELS),
    model_parameters: Annotated[
        list[str] | None,
        typer.Option("--model-parameters", metavar="NAME=PATH", help="As of serve. Repeatable."),
    ] = None,
    save_to: Annotated[
        Path | None, typer.Option("--save", metavar="DIR", help="Findings and courses as files.")
    ] = None,
) -> None:
    """Play a recorded market to drawn accounts: who is called when, and what margins covered."""
    asked = Asked(
        replay=replay,
        account_count=accounts,
        orders_per_snapshot=orders,
        seed=seed,
        gap=gap,
        coins=tuple(coins.split(",")),
        models=tuple(models.split(",")),
    )
    try:
        paths = path_by_name(model_parameters or (), "model_parameters")
        plan, terms, bounds = planned(asked, ServerConfig(model_parameters=paths))
        with _bar() as bar:
            task = bar.add_task("")
            study = study_of(
                plan, terms, lambda done, total: bar.update(task, completed=done, total=total)
            )
    except InvalidInput as wrong:
        typer.echo(f"margingate: {wrong.field} {wrong.problem}", err=True)
        raise typer.Exit(USAGE) from None
    except MissingData as missing:
        typer.echo(f"margingate: the replay lacks prices: {missing.subject}", err=True)
        raise typer.Exit(USAGE) from None
    _show(plan, study, bounds, day, save_to)


def _show(plan: Plan, study: Study, bounds: Bounds, day: int, save_to: Path | None) -> None:
    course, models = study.course, plan.models
    far = [row for model in models for row in reached(course, model, bounds)]
    leads = [lead(course, model, bounds) for model in models]
    orders = order_findings(plan, study, OPENING_MODEL, bounds)
    console = Console(markup=False, highlight=False, emoji=False, width=WIDTH)
    console.print(states_table(course, OPENING_MODEL, bounds))
    console.print(reached_table(far))
    levels = [level(course, model) for model in models]
    console.print(level_table(course, levels))
    console.print(lead_table(leads))
    covered = []
    for steps in (1, day):
        for posted, whose in WHOSE.items():
            rows = [row for model in models for row in coverage(course, model, steps, posted)]
            title = f"losses within {steps} snapshots against margin, {whose}"
            console.print(coverage_table(rows, title))
            covered += rows
    console.print(orders_table(orders))
    if save_to is not None:
        try:
            save(save_to, study, bounds, [*far, *levels, *leads, *covered], orders)
        except OSError as error:
            typer.echo(f"margingate: {error.strerror}: {save_to}", err=True)
            raise typer.Exit(CANNOT_SERVE) from None


def _bar() -> Progress:
    """The way there, on a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), "snapshots", TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
