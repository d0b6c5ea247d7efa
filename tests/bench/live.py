"""Many accounts in a market that ticks five times a second: `make bench-live ACCOUNTS=100000`.

Checks at a fixed rate while prices stand still and while they move, how long the lock was held for
new prices, how long margining everybody takes beside the raw arithmetic of the same size, and how
long after a price an alert arrives.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import perf_counter

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from scipy.sparse import csr_matrix

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate_server.client.gate import MarginGate
from margingate_server.rpc.decimals import nano_text
from margingate_server.service.market import MarketView
from tests.bench.cores import LOAD_CORE, pinned
from tests.bench.http2 import Call
from tests.bench.live_server import OPEN_ORDERS, POSITIONS
from tests.bench.load import Sample, open_loop
from tests.bench.machine import ROOT, machine_facts
from tests.bench.market import SEED, limit_nano, simulated_view, traded_rows
from tests.bench.servers import Server

BUILD = ROOT / "build"
LOADING_SECONDS_MAX = 600
RAW_ROUNDS = 5
Figures = dict[str, float]


def main() -> None:
    """Measure and show."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--per-second", type=float, default=100.0, help="checks")
    asked = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    view = simulated_view(is_frozen=False)
    figures: Figures = {"accounts": asked.accounts, "checks_per_second": asked.per_second}
    _tell("the raw arithmetic")
    figures["raw_ms"] = raw_ms(view, asked.accounts)
    with TemporaryDirectory(dir=BUILD) as name:
        folder = Path(name)
        with _served(folder, asked.accounts) as server:
            _tell("prices stand still")
            quiet = _checked(server, view, asked.accounts, asked.per_second, asked.seconds / 3)
            figures |= _latencies("quiet", quiet)
            _tell("prices move")
            before = _revaluations(server)
            with _alerts(server) as alerts:
                os.kill(server.pid, signal.SIGUSR1)
                ticking = _checked(server, view, asked.accounts, asked.per_second, asked.seconds)
                os.kill(server.pid, signal.SIGUSR1)
                time.sleep(2)
            figures |= _latencies("ticking", ticking)
            after = _revaluations(server)
            count_ = after[1] - before[1]
            figures["revaluations"] = count_
            figures["revaluation_ms"] = (after[0] - before[0]) / count_ * 1e3
        seen = json.loads((folder / "seen.json").read_text())
    figures |= _held(seen["held_seconds"])
    figures |= _alert_figures(alerts, {int(v): at for v, at in seen["swaps_ns"].items()})
    figures["revaluation_over_raw"] = figures["revaluation_ms"] / figures["raw_ms"]
    _show(figures)
    report = {"machine": machine_facts(), "figures": figures}
    (BUILD / "live.json").write_text(json.dumps(report, indent=2) + "\n")


def raw_ms(view: MarketView, accounts: int) -> float:
    """Median time of one product of positions and one of orders with the rows, and the minima."""
    draw = np.random.default_rng(SEED)
    rows = len(view.table)
    pnl_ir = np.ascontiguousarray(view.arrays.pnl_ir)
    durations = []
    books = [
        csr_matrix(
            (
                draw.integers(-20, 20, accounts * entries),
                draw.integers(0, rows, accounts * entries).astype(np.int32),
                np.arange(0, accounts * entries + 1, entries, dtype=np.int32),
            ),
            shape=(accounts, rows),
        )
        for entries in (POSITIONS, OPEN_ORDERS)
    ]
    for _ in range(RAW_ROUNDS):
        started = perf_counter()
        positions_ar, orders_ar = (np.asarray(book @ pnl_ir) for book in books)
        positions_ar.min(axis=1)
        (positions_ar + np.minimum(orders_ar, 0)).min(axis=1)
        durations.append(perf_counter() - started)
    return float(np.median(durations)) * 1e3


@contextmanager
def _served(folder: Path, accounts: int) -> Iterator[Server]:
    command = ["-m", "tests.bench.live_server", str(folder), str(accounts)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, *command], stdout=log, stderr=log)
    try:
        server = _loaded(process, folder, accounts)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=60)


def _loaded(process: "subprocess.Popen[bytes]", folder: Path, accounts: int) -> Server:
    started, ports = perf_counter(), folder / "ports.json"
    while perf_counter() - started < LOADING_SECONDS_MAX:
        time.sleep(1.0)
        if process.poll() is not None:
            break
        if ports.exists():
            told = json.loads(ports.read_text())
            server = Server(process.pid, told["grpc_port"], told["http_port"])
            known = _sum(server, "margingate_accounts_by_state")
            _tell(f"{known:.0f} of {accounts} accounts are margined")
            if known == accounts:
                return server
    raise RuntimeError(f"no server: {(folder / 'log').read_text()}")


def _checked(
    server: Server, view: MarketView, accounts: int, per_second: float, seconds: float
) -> Sample:
    calls = _checks(view, accounts)
    with pinned(LOAD_CORE):
        sample = open_loop(server.grpc_port, calls, per_second, seconds)
    decided = [margin.CheckOrderResponse.FromString(each) for each in sample.responses]
    if not all(each.decision.verdict for each in decided):
        raise RuntimeError("a check was not decided")
    return sample


_NUMBERS = count(1)


def _checks(view: MarketView, accounts: int) -> Iterator[Call]:
    """Orders of one lot of random accounts."""
    draw, rows = Random(time.time_ns()), traded_rows(view)
    sent = Timestamp(seconds=int(time.time()))
    while True:
        row, number = draw.choice(rows), next(_NUMBERS)
        instrument = view.table.instruments[row]
        leg = types.OrderLeg(
            instrument=instrument.name,
            side=draw.choice((types.SIDE_BUY, types.SIDE_SELL)),
            quantity=nano_text(instrument.lot_nano),
            limit_price=nano_text(limit_nano(view, row)),
        )
        request = margin.CheckOrderRequest(
            request_id=f"live-{number}",
            account=f"bench-{draw.randrange(accounts):06d}",
            order=types.Order(order_id=f"live-{number}", legs=[leg]),
            sent_time=sent,
        )
        yield Call("/margingate.v1.MarginService/CheckOrder", request.SerializeToString())


@contextmanager
def _alerts(server: Server) -> Iterator[list[tuple[int, int, int]]]:
    """(received, recorded, market version) of each alert that comes meanwhile; UTC in ns."""
    found: list[tuple[int, int, int]] = []
    ended = Event()

    def listen() -> None:
        with MarginGate.connect(f"127.0.0.1:{server.grpc_port}") as gate:
            for each in gate.watching.alerts():
                if ended.is_set():
                    return
                if each.HasField("alert"):
                    recorded_ns = each.alert.time.ToNanoseconds()
                    found.append((time.time_ns(), recorded_ns, each.alert.market_version))

    Thread(target=listen, daemon=True).start()
    time.sleep(1.0)
    yield found
    ended.set()


def _latencies(name: str, sample: Sample) -> Figures:
    ordered = np.array(sample.latencies_ns) / 1e6
    p50, p99, p999 = np.quantile(ordered, (0.5, 0.99, 0.999)).tolist()
    most = float(ordered.max())
    return {
        f"check_{name}_p50_ms": p50,
        f"check_{name}_p99_ms": p99,
        f"check_{name}_p999_ms": p999,
        f"check_{name}_max_ms": most,
    }


def _held(held_seconds: Mapping[str, Sequence[float]]) -> Figures:
    """The longest that the threads of feed and revaluation held the lock, and how often."""
    figures: Figures = {}
    for name in ("feed", "revaluation"):
        held_ms = np.array(held_seconds.get(name, [0.0])) * 1e3
        figures[f"lock_{name}_p999_ms"] = float(np.quantile(held_ms, 0.999))
        figures[f"lock_{name}_max_ms"] = float(held_ms.max())
        figures[f"lock_{name}_count"] = len(held_ms)
    return figures


def _alert_figures(alerts: list[tuple[int, int, int]], swaps_ns: Mapping[int, int]) -> Figures:
    """From the swap of the market that an alert rests on to its record, and to its receipt."""
    known = [(got, made, swaps_ns[version]) for got, made, version in alerts if version in swaps_ns]
    figures: Figures = {"alerts": len(known)}
    if known:
        got, made, swapped = np.array(known).T
        for name, delay_ns in (("record", made - swapped), ("receipt", got - swapped)):
            p50, p99, most = np.quantile(delay_ns / 1e6, (0.5, 0.99, 1.0)).tolist()
            figures |= {f"alert_{name}_p50_ms": p50, f"alert_{name}_p99_ms": p99}
            figures[f"alert_{name}_max_ms"] = most
    return figures


def _revaluations(server: Server) -> tuple[float, float]:
    """(seconds, how many) so far."""
    name = "margingate_accounts_revaluation_duration_seconds"
    return _sum(server, f"{name}_sum"), _sum(server, f"{name}_count")


def _sum(server: Server, name: str) -> float:
    return sum(value for found, value in server.samples() if found == name)


def _show(figures: Figures) -> None:
    table = Table("figure", "value")
    for name, value in figures.items():
        table.add_row(name, f"{value:,.2f}")
    Console().print(table)


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
