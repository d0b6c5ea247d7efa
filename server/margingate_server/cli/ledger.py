"""`margingate ledger ...`: on the files of a data directory, beside a running server or without."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn
from rich.table import Table

from margingate_server.cli.exit_codes import CANNOT_SERVE, CORRUPT, USAGE
from margingate_server.cli.replay import replay
from margingate_server.clock import SystemClock
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.store import CorruptLedger, LedgerError, LedgerInUse, StoreFailure
from margingate_server.maintenance.copying import copy_ledger
from margingate_server.maintenance.exporting import exported
from margingate_server.maintenance.snapshotting import take_snapshot
from margingate_server.maintenance.verifying import Finding, verify_ledger

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Verify, replay, snapshot, export, back up and restore the ledger in a data directory.",
)
app.command()(replay)

DataDir = Annotated[Path, typer.Option("--data-dir", metavar="DIR", help="Where the ledger is.")]
DATA_DIR = Path("var/margingate")
_REBUILD_WARNING = """\
This accepts the log as it is: events that it lost stay lost, and nothing will tell of them again.
Holds and fills that clients were told of may be among them. Only do it when you know that the log
is complete, or that what is missing is accounted for elsewhere; look at a backup first."""


@app.command()
def verify(
    *,
    data_dir: DataDir = DATA_DIR,
    is_deep: Annotated[
        bool,
        typer.Option("--deep", help="Also fold the log, compare snapshots, decode markets."),
    ] = False,
) -> None:
    """Check every event, the head, snapshots and cited markets; a server may run meanwhile."""
    with _ending_plainly(data_dir):
        findings = _verified(data_dir, is_deep=is_deep)
    if any(finding.problem is not None for finding in findings):
        raise typer.Exit(CORRUPT)


@app.command()
def snapshot(*, data_dir: DataDir = DATA_DIR) -> None:
    """Keep the state at the head of the log, for a faster start; a server may run meanwhile."""
    with _ending_plainly(data_dir):
        taken = take_snapshot(data_dir, SystemClock().now_ns())
    if taken.event_count:
        typer.echo(f"{taken.path}: state at event {taken.seq}, {taken.event_count} events folded")
    else:
        typer.echo(f"nothing new since event {taken.seq}")


@app.command()
def export(
    *,
    data_dir: DataDir = DATA_DIR,
    after_seq: Annotated[
        int, typer.Option("--after", min=0, metavar="SEQ", help="Only events after this one.")
    ] = 0,
    account: Annotated[
        str | None,
        typer.Option("--account", metavar="ACCOUNT", help="Only its events; '' administrative."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A new file.")
    ] = None,
) -> None:
    """Write the events as lines of JSON, each verified; a server may run meanwhile."""
    with _ending_plainly(data_dir):
        lines = exported(data_dir, after_seq, account)
        if output is None:
            sys.stdout.buffer.writelines(lines)
            sys.stdout.buffer.flush()
            return
        with output.open("xb") as file:
            file.writelines(lines)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="A new or empty directory.")],
    *,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Copy log, markets and newest snapshot, and verify the copy; a server may run meanwhile."""
    with _ending_plainly(data_dir):
        head = copy_ledger(data_dir, target, SystemClock().now_ns())
    _refuse_bad_copy(target)
    typer.echo(f"{target}: {head.seq} events, head {head.hash.hex()}")


@app.command()
def restore(
    source: Annotated[Path, typer.Argument(metavar="BACKUP", help="Directory of a backup.")],
    *,
    data_dir: DataDir = DATA_DIR,
) -> None:
    """Verify a backup, copy it into a new or empty data directory, and verify that."""
    with _ending_plainly(source):
        findings = _verified(source, is_deep=False)
    if any(finding.problem is not None for finding in findings):
        raise typer.Exit(CORRUPT)
    with _ending_plainly(data_dir):
        head = copy_ledger(source, data_dir, SystemClock().now_ns())
    _refuse_bad_copy(data_dir)
    typer.echo(f"{data_dir}: {head.seq} events, head {head.hash.hex()}")


@app.command()
def rebuild_head(
    *,
    data_dir: DataDir = DATA_DIR,
    is_accepted: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Accept a log whose head file is missing or names an event that the log lost."""
    typer.echo(_REBUILD_WARNING, err=True)
    if not is_accepted:
        typer.confirm("Accept the log as it is?", abort=True, err=True)
    with _ending_plainly(data_dir):
        head = SqliteStore.rebuild_head(data_dir, opened_ns=SystemClock().now_ns())
    typer.echo(f"the head is event {head.seq}, {head.hash.hex()}")


def _refuse_bad_copy(directory: Path) -> None:
    with _ending_plainly(directory):
        findings = _verified(directory, is_deep=False)
    if any(finding.problem is not None for finding in findings):
        typer.echo(f"margingate: the copy in {directory} is no good; delete it", err=True)
        raise typer.Exit(CORRUPT)


def _verified(directory: Path, *, is_deep: bool) -> list[Finding]:
    """What was found, shown as a table; the way there as a bar, on a terminal."""
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), "events", TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("", total=None)
        findings = verify_ledger(
            directory,
            lambda done, total: bar.update(task, completed=done, total=total),
            is_deep=is_deep,
        )
    table = Table("checked", "", "found", title=str(directory), title_justify="left")
    for finding in findings:
        is_good = finding.problem is None
        found = finding.found if is_good else _problem_words(finding)
        table.add_row(finding.subject, "ok" if is_good else "BAD", found)
    Console(markup=False, highlight=False, emoji=False, width=160).print(table)
    return findings


def _problem_words(finding: Finding) -> str:
    assert finding.problem is not None
    words = f"event {finding.problem.seq} in {finding.problem.place}: {finding.problem.problem}"
    return f"{words} ({finding.found})" if finding.found else words


@contextmanager
def _ending_plainly(directory: Path) -> Iterator[None]:
    """What goes wrong ends the command with a sentence and an exit code."""
    try:
        yield
    except CorruptLedger as error:
        typer.echo(f"margingate: event {error.seq} in {error.place}: {error.problem}", err=True)
        raise typer.Exit(CORRUPT) from None
    except FileExistsError as error:
        typer.echo(f"margingate: {error.strerror}: {error.filename or ''}".rstrip(": "), err=True)
        raise typer.Exit(USAGE) from None
    except BrokenPipeError:
        raise
    except (LedgerError, OSError) as error:
        typer.echo(f"margingate: {_sentence(error, directory)}", err=True)
        raise typer.Exit(CANNOT_SERVE) from None


def _sentence(error: LedgerError | OSError, directory: Path) -> str:
    match error:
        case LedgerInUse():
            return f"process {error.pid} is at work in {directory}"
        case StoreFailure():
            return f"{error.operation} in {directory} failed: {error.reason}"
        case _:
            return str(error)
