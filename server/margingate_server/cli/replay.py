"""`margingate ledger replay`: take every decision again; a server may run meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from margingate_server.cli.exit_codes import CANNOT_SERVE, CORRUPT
from margingate_server.ledger.sqlite_log import SqliteLog
from margingate_server.ledger.sqlite_market_reading import SqliteMarketReader
from margingate_server.ledger.sqlite_market_store import FILE_NAME
from margingate_server.ledger.store import CorruptLedger, LedgerError, StoreFailure
from margingate_server.replaying.replay import Options, Report, replayed

WIDTH = 160


def replay(
    *,
    data_dir: Annotated[
        Path, typer.Option("--data-dir", metavar="DIR", help="Where the ledger is, or a backup.")
    ] = Path("var/margingate"),
    after_seq: Annotated[
        int, typer.Option("--after", min=0, metavar="SEQ", help="Take only later events again.")
    ] = 0,
    account: Annotated[
        str, typer.Option("--account", metavar="ACCOUNT", help="Take only its events again.")
    ] = "",
    limit: Annotated[
        int, typer.Option("--limit", min=0, metavar="COUNT", help="Differences to show.")
    ] = 20,
    is_verdict_all: Annotated[
        bool,
        typer.Option("--verdicts", help="Compare verdicts alone: for decisions of another build."),
    ] = False,
    is_strict: Annotated[
        bool, typer.Option("--strict", help="Fail also for want of a market that was pruned.")
    ] = False,
) -> None:
    """Take every decision again from its inputs, and compare each integer with what was answered.

    Also works out again what follows from the books: balances, flows, settlements, breaks.
    """
    options = Options(
        after_seq=after_seq,
        account=account,
        is_verdict_all=is_verdict_all,
        differences_max=limit,
    )
    with _ending_plainly():
        report = _replayed(data_dir, options)
    Console(markup=False, highlight=False, emoji=False, width=WIDTH).print(_shown(report, data_dir))
    if report.different or (is_strict and report.without_inputs):
        raise typer.Exit(CORRUPT)


def _replayed(data_dir: Path, options: Options) -> Report:
    log, markets_path = SqliteLog(data_dir), data_dir / FILE_NAME
    if not markets_path.exists():
        raise StoreFailure("read", 2, f"no {FILE_NAME} in {data_dir}: no decision has its market")
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), "events", TimeRemainingColumn())
    is_shown = console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=not is_shown) as bar:
        task = bar.add_task("", total=log.head.seq)
        return replayed(
            log.read(),
            SqliteMarketReader(markets_path),
            options,
            lambda seq: bar.update(task, completed=seq),
        )


def _shown(report: Report, data_dir: Path) -> RenderableType:
    counts = Table("taken again", "same", "different", "without inputs")
    counts.title, counts.title_justify = f"{data_dir}, events to {report.last_seq}", "left"
    columns = (report.same, report.different, report.without_inputs)
    for kind in sorted({kind for column in columns for kind in column}):
        counts.add_row(kind, *(str(column[kind]) for column in columns))
    counts.add_row("all", *(str(column.total()) for column in columns))
    if not report.differences:
        return counts
    found = Table("event", "account", "kind", "field", "stored", "taken again")
    found.title, found.title_justify = "first differences", "left"
    for each in report.differences:
        place = (str(each.seq), each.account, each.kind)
        for change in each.changes:
            found.add_row(*place, *change)
            place = ("", "", "")
    return Group(counts, found)


@contextmanager
def _ending_plainly() -> Iterator[None]:
    """What goes wrong ends the command with a sentence and an exit code."""
    try:
        yield
    except CorruptLedger as error:
        typer.echo(f"margingate: event {error.seq} in {error.place}: {error.problem}", err=True)
        raise typer.Exit(CORRUPT) from None
    except LedgerError as error:
        words = error.reason if isinstance(error, StoreFailure) else repr(error)
        typer.echo(f"margingate: cannot read: {words}", err=True)
        raise typer.Exit(CANNOT_SERVE) from None
