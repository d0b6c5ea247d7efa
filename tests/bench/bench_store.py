"""What a durable commit costs, beside a bare write and fdatasync of as many bytes in the same run.

    python tests/bench/bench_store.py [--directory DIR] [--seconds S] [--events N]

Prints one table. The bare write appends to a file of its own in the same directory, alternating
with the commits, so both meet the same disk at the same time.
"""

import argparse
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import perf_counter, perf_counter_ns

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "server")]

from margingate_server.ledger.sqlite_store import SqliteStore  # noqa: E402
from margingate_server.ledger.store import EventDraft  # noqa: E402

BODY_BYTES = 400
GROUP_SIZES = (1, 32, 256)
ACCOUNTS = 100_000


def drafts(count: int, start: int, random: Random) -> list[EventDraft]:
    """`count` events of random accounts, with the lengths a decision has."""
    return [
        EventDraft(
            account=f"account-{random.randrange(ACCOUNTS):06d}",
            version=start + number,
            request_id=f"{random.getrandbits(128):032x}",
            kind="order_accepted",
            body=random.randbytes(BODY_BYTES),
            model="span",
            parameters_digest="a1b2c3d4e5f60718",
            market_version=start,
            recorded_ns=1_760_000_000_000_000_000 + start,
        )
        for number in range(count)
    ]


def say(line: str) -> None:
    """Write `line` to the standard output at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def elapsed_us(action: Callable[[], object]) -> float:
    """Microseconds that `action` takes."""
    start_ns = perf_counter_ns()
    action()
    return (perf_counter_ns() - start_ns) / 1000


def percentile(values: list[float], percent: int) -> float:
    """The value that `percent` of `values` do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


@contextmanager
def background(store: SqliteStore) -> Iterator[None]:
    """The service's own background work beside the commits: once a second."""
    is_done = threading.Event()

    def work() -> None:
        while not is_done.wait(1.0):
            store.sync_head()
            store.checkpoint()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    is_done.set()
    thread.join()


def bench_commits(directory: Path, size: int, seconds: float) -> None:
    """Print one line of the table: commits of `size` events for `seconds`."""
    random, commits, bare = Random(size), list[float](), list[float]()
    descriptor = os.open(directory / f"bare-{size}", os.O_WRONLY | os.O_CREAT)

    def write_bare(content: bytes) -> None:
        os.write(descriptor, content)
        os.fdatasync(descriptor)

    with closing(SqliteStore(directory / f"ledger-{size}", opened_ns=1)) as store:
        with background(store):
            until, count = perf_counter() + seconds, 0
            while perf_counter() < until:
                group = drafts(size, count + 1, random)
                commits.append(elapsed_us(lambda group=group: store.append(group)))  # type: ignore[misc]
                content = bytes(store.bytes_written * size // store.head.seq)
                bare.append(elapsed_us(lambda content=content: write_bare(content)))  # type: ignore[misc]
                count += size
        event_bytes = store.bytes_written / count
        database = directory / f"ledger-{size}" / "ledger.sqlite"
    os.close(descriptor)
    stored_bytes = database.stat().st_size / count
    times_us = [percentile(values, percent) for values in (commits, bare) for percent in (50, 99)]
    ratio = times_us[0] / times_us[2]
    columns = [len(commits), *times_us]
    say(
        f"{size:>6}"
        + "".join(f"{value:>10.0f}" for value in columns)
        + f"{ratio:>7.2f}{event_bytes:>9.0f}{stored_bytes:>9.0f}"
    )


def bench_reading(directory: Path, count: int) -> None:
    """Print how fast `count` events are read and verified, and how long a scan for one takes."""
    random = Random(0)
    with closing(SqliteStore(directory / "ledger-read", opened_ns=1)) as store:
        for start in range(0, count, 1000):
            store.append(drafts(1000, start + 1, random))
            if start % 50_000 == 0:
                store.checkpoint()
        read_us = elapsed_us(lambda: sum(1 for _ in store.read()))
        oldest = store.get(1)
        assert oldest is not None
        find_us = elapsed_us(lambda: store.find(oldest.account, oldest.request_id))
        get_us = elapsed_us(lambda: store.get(count // 2))
    open_us = elapsed_us(lambda: SqliteStore(directory / "ledger-read", opened_ns=1).close())
    say(f"read and verify: {count / read_us * 1e6:,.0f} events/s over {count:,} events")
    say(f"find the oldest of {count:,}: {find_us / 1000:.0f} ms; get one: {get_us:.0f} µs")
    say(f"open and close: {open_us / 1000:.1f} ms")


def main() -> None:
    """Run everything in a directory that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="on the disk to measure")
    parser.add_argument("--seconds", type=float, default=10.0, help="per group size")
    parser.add_argument("--events", type=int, default=200_000, help="to read")
    arguments = parser.parse_args()
    with TemporaryDirectory(dir=arguments.directory) as name:
        say(
            f"{'events':>6}{'commits':>10}{'p50 µs':>10}{'p99 µs':>10}{'bare p50':>10}"
            f"{'bare p99':>10}{'ratio':>7}{'B/event':>9}{'stored':>9}"
        )
        for size in GROUP_SIZES:
            bench_commits(Path(name), size, arguments.seconds)
        bench_reading(Path(name), arguments.events)


if __name__ == "__main__":
    main()
