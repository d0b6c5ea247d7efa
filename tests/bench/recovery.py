"""How long a start takes over a long log, without and with a snapshot: `make bench-recovery`.

    python -m tests.bench.recovery [--events N] [--directory DIR]

Makes a ledger of orders, releases, fills and refusals of a thousand accounts, with the bodies that
a server writes; then recovers it in processes of their own, so that memory is that of the recovery.
"""

import argparse
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time

from rich.console import Console
from rich.table import Table

from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_server.ledger.folding import folded
from margingate_server.ledger.snapshot_file import newest_snapshot
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.maintenance.snapshotting import take_snapshot
from tests.bench.machine import ROOT, machine_facts
from tests.unit.ledger.random_log import RandomLog

NANO = 10**9
ACCOUNTS = 1_000
OPTIONS = 500
MIX = {
    "accepted": 40,
    "released": 22,
    "filled": 25,
    "rejected": 10,
    "deposited": 1,
    "amended": 1,
    "amend_answered": 1,
}
GROUP = 500
SNAPSHOT_AT = 0.9
"""Of a million events the worst that `serve --snapshot-every` leaves by default: 100,000 events."""


def instruments() -> list[Instrument]:
    """Options by the names that a venue gives them."""
    return [
        Instrument(
            name=f"BTC-{1 + number % 28}NOV26-{50_000 + 1_000 * number}-C",
            kind=InstrumentKind.OPTION,
            underlying="BTC",
            settlement=Settlement.INVERSE,
            contract_nano=NANO,
            lot_nano=NANO // 10,
            tick_nano=NANO // 10_000,
            expiry_ns=1_795_000_000 * NANO,
            strike_nano=(50_000 + 1_000 * number) * NANO,
            right=OptionRight.CALL,
        )
        for number in range(OPTIONS)
    ]


def write(log: RandomLog, directory: Path, until: int) -> None:
    """Append events until the log has so many."""
    with closing(SqliteStore(directory, opened_ns=1)) as store:
        while store.head.seq < until:
            store.append(log.draw(min(GROUP, until - store.head.seq)))
            if store.head.seq % 50_000 == 0:
                store.checkpoint()
                sys.stderr.write(f"\r{store.head.seq:,} of {until:,} events")
    sys.stderr.write("\n")


def recover(directory: Path) -> None:
    """Do what a server does with a ledger before it serves; print seconds and bytes."""
    started, started_cpu = perf_counter(), process_time()
    with closing(SqliteStore(directory, opened_ns=1)) as store:
        state, _ = folded(store, newest_snapshot(directory))
        took, took_cpu = perf_counter() - started, process_time() - started_cpu
        assert state.last_seq == store.head.seq
    print_figures(took, took_cpu)


def snapshot(directory: Path) -> None:
    """Do what the command does; print seconds and bytes."""
    started, started_cpu = perf_counter(), process_time()
    take_snapshot(directory, 1)
    print_figures(perf_counter() - started, process_time() - started_cpu)


def print_figures(*figures: float) -> None:
    """The figures, and the most memory that this process ever took, in bytes."""
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(" ".join(map(str, (*figures, peak_bytes))))


def measured(phase: str, directory: Path) -> list[str]:
    """Seconds, seconds of processor time and peak memory of a phase in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.recovery", "--phase", phase]
    process = subprocess.run(
        [*command, "--directory", str(directory)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    took, took_cpu, peak_bytes = map(float, process.stdout.split())
    return [f"{took:.1f}", f"{took_cpu:.1f}", f"{peak_bytes / 1e6:,.0f}"]


def snapshot_mb(directory: Path) -> str:
    """Size of the newest snapshot."""
    found = newest_snapshot(directory)
    assert found is not None
    return f"{len(found.body) / 1e6:,.0f}"


def measure(directory: Path, events: int) -> Table:
    """Make the ledger, recover it in each way, and tabulate."""
    log = RandomLog(1, accounts=ACCOUNTS, weights=MIX, instruments=instruments())
    table = Table("phase", "seconds", "cpu s", "peak MB", "snapshot MB")
    write(log, directory, int(events * SNAPSHOT_AT))
    making = measured("snapshot", directory)
    early_mb = snapshot_mb(directory)
    write(log, directory, events)
    table.add_row(f"snapshot of {SNAPSHOT_AT:.0%}, from the start", *making, early_mb)
    table.add_row(f"recovery, snapshot at {SNAPSHOT_AT:.0%}", *measured("recover", directory), "")
    making = measured("snapshot", directory)
    table.add_row(f"snapshot of 100 %, after {SNAPSHOT_AT:.0%}", *making, snapshot_mb(directory))
    table.add_row("recovery, snapshot at 100 %", *measured("recover", directory), "")
    for path in directory.glob("snapshot-*"):
        path.unlink()
    table.add_row("recovery without a snapshot", *measured("recover", directory), "")
    per_million = (directory / "ledger.sqlite").stat().st_size / events
    table.title = f"{events:,} events; {per_million:,.0f} MB of database per million"
    return table


def main() -> None:
    """Measure, or be one of the processes measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--directory", type=Path, default=ROOT / "build", help="on the disk to use")
    parser.add_argument("--phase", choices=("recover", "snapshot"))
    arguments = parser.parse_args()
    if arguments.phase:
        {"recover": recover, "snapshot": snapshot}[arguments.phase](arguments.directory)
        return
    arguments.directory.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=arguments.directory) as name:
        table = measure(Path(name), arguments.events)
    console = Console(width=120)
    console.print(", ".join(f"{key} {value}" for key, value in machine_facts().items()))
    console.print(table)


if __name__ == "__main__":
    main()
