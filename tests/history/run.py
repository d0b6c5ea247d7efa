"""A run: a server, its clients, and what the ledger says afterwards."""

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from margingate_server.ledger.sqlite_store import SqliteStore
from tests.history.clients import Tradable
from tests.history.model import Model
from tests.integration.main_job.server import ROOT, Server, _wait_until_serving
from tests.integration.main_job.snapshot import Snapshot, learn_market
from tests.reference.book import Book
from tests.reference.contracts import read_fees, read_parameters
from tests.reference.oracle import Oracle

DEFAULTS = ROOT / "server" / "margingate_server" / "files" / "defaults"
IS_LONG = os.environ.get("HISTORY") == "long"
DAY_NS = 86_400 * 10**9
SERVE = ("serve", "--host", "127.0.0.1", "--port", "0", "--http-port", "0", "--no-seed-accounts")


@contextmanager
def served(folder: Path, *faults: str) -> Iterator[Server]:
    """The failing server on a market that stands still, its ledger in `folder`."""
    program = [sys.executable, "-m", "tests.history.failing_server", *faults]
    paths = [str(ROOT / part) for part in ("engine", "server", "proto/gen", ".")]
    process = subprocess.Popen(
        [*program, *SERVE, "--data-dir", str(folder), "--freeze"],
        cwd=ROOT,
        env={"PYTHONPATH": ":".join(paths), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    server = Server(process)
    try:
        _wait_until_serving(server)
        yield server
    finally:
        server.end()


@dataclass(frozen=True, slots=True)
class World:
    """The market that stands still, as the model knows it."""

    model: Model
    tradables: Sequence[Tradable]


def learned(target: str) -> World:
    """What the server's own market is, and a perpetual and a call of it to trade."""
    snapshot = learn_market(target)
    book = Book(
        snapshot.instruments,
        snapshot.market,
        read_parameters(DEFAULTS / "span.toml"),
        read_fees(DEFAULTS / "fees.toml"),
    )
    step = Fraction("0.0005")
    call = _call(snapshot)
    call_price = max(step * 3, snapshot.market.mark[call] // step * step)
    perpetual_price = snapshot.market.mark["BTC-PERPETUAL"] // 10 * 10
    return World(
        Model(Oracle(book)),
        (
            Tradable(
                instrument=snapshot.instruments["BTC-PERPETUAL"],
                price=perpetual_price,
                step=Fraction(10),
                lots_max=4_000,
            ),
            Tradable(
                instrument=snapshot.instruments[call], price=call_price, step=step, lots_max=6
            ),
        ),
    )


def _call(snapshot: Snapshot) -> str:
    """The inverse BTC call of more than two weeks that is nearest to the money."""
    market = snapshot.market

    def distance(symbol: str) -> Fraction:
        return abs(snapshot.instruments[symbol].strike - market.forward[symbol])

    return min(
        (
            name
            for name, each in snapshot.instruments.items()
            if each.call
            and each.inverse
            and each.underlying == "BTC"
            and name in market.mark
            and each.expiry_ns is not None
            and each.expiry_ns > market.time_ns + 14 * DAY_NS
        ),
        key=distance,
    )


def event_ids(folder: Path) -> dict[str, list[str]]:
    """The request ids of each account's events, in order, but for the one that opened it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    with closing(SqliteStore(folder, opened_ns=2)) as store:
        for record in store.read():
            if record.account and record.version > 1:
                found[record.account].append(record.request_id)
                assert len(found[record.account]) == record.version - 1
    return dict(found)
