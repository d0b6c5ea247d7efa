"""A server with many accounts and a market that ticks: `python -m tests.bench.live_server ...`.

The accounts are put into memory as a fold would leave them; everything after that is the product.
SIGUSR1 stops and starts the ticks. At SIGTERM it writes what it saw of its lock and its markets.
"""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_server import app
from margingate_server.config import ServerConfig
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.feeds.simulated.feed import SimulatedFeed
from margingate_server.garbage import settle_garbage_collector
from margingate_server.ledger.state import AccountState, ShardState
from margingate_server.observe.logs import configure
from margingate_server.service.market import MarketView
from tests.bench.market import SEED, limit_nano, traded_rows

POSITIONS, OPEN_ORDERS, LOTS_MAX = 20, 5, 20
TICKS_PER_SECOND = 5
NEAR_THE_EDGE = 20
"""One account in so many has about what it requires: its state changes as prices move."""
MICRO, NANO = 10**6, 10**9


class TickingFeed(SimulatedFeed):
    """The simulated market, a step every fifth of a second, or standing still."""

    is_ticking = False
    _last: MarketUpdate | None = None

    @property
    def interval_seconds(self) -> float:
        """Between two updates."""
        return 1 / TICKS_PER_SECOND

    def update(self, now_ns: int) -> MarketUpdate:
        """Prices of now; the last ones while it stands still."""
        if self._last is None or self.is_ticking:
            self._last = super().update(now_ns)
        return self._last

    def _levels(self, market_time_ns: int) -> Any:
        steps = (market_time_ns - self._start_ns) * TICKS_PER_SECOND
        return super()._levels(self._start_ns + steps)


class TimedLock:
    """A lock that knows how long each thread held it and waited for it, in seconds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = 0.0
        self.held: dict[str, list[float]] = {}

    def __enter__(self) -> None:
        self._lock.acquire()
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        held = time.perf_counter() - self._since
        self.held.setdefault(threading.current_thread().name.split("-")[0], []).append(held)
        self._lock.release()


def populate(state: ShardState, view: MarketView, count: int) -> None:
    """Accounts with positions and open orders, one in some with little to spare."""
    draw, rows = Random(SEED), traded_rows(view)
    limits = {row: limit_nano(view, row) for row in rows}
    ticks = {row: view.table.instruments[row].tick_nano for row in rows}
    tier = min(state.fee_tiers)
    for number in range(count):
        portfolio = Portfolio(fees=state.fee_tiers[tier], cash={"USD": 10**7 * MICRO})
        for row in draw.sample(rows, POSITIONS):
            lots = draw.randint(1, LOTS_MAX) * draw.choice((1, -1))
            portfolio.positions[row] = Position(lots, entry_at_mark(view, row, lots))
        for order in range(OPEN_ORDERS):
            row = draw.choice(rows)
            leg = OpenLeg(
                row=row,
                side=draw.choice((Side.BUY, Side.SELL)),
                lots=draw.randint(1, 5),
                price_nano=limits[row] + draw.randint(-5, 5) * ticks[row],
            )
            portfolio.legs[f"order-{order}"] = (leg,)
        if number % NEAR_THE_EDGE == 0:
            alone = AccountRisk.of(portfolio, view.arrays).positions_risk
            spare = alone.initial * draw.randint(-2_000, 4_000) // MICRO
            portfolio.cash["USD"] -= alone.headroom - spare
        name = f"bench-{number:06d}"
        state.accounts[name] = AccountState(
            account=name, fee_tier=tier, opened_ns=1, portfolio=portfolio
        )


def entry_at_mark(view: MarketView, row: int, lots: int) -> int:
    """What a future entered at its mark has as its entry: that its profit begins at zero."""
    instrument = view.table.instruments[row]
    if instrument.kind is InstrumentKind.OPTION:
        return 0
    arrays = view.arrays
    if instrument.settlement_asset == "USD":
        return -arrays.position_value(row, lots)
    return -arrays.position_coin(row, lots)


def main(folder: Path, accounts: int) -> None:
    """Serve until SIGTERM."""
    configure("warning")
    feed = TickingFeed(SEED, time.time_ns())
    setattr(app, "feed_of", lambda *_: feed)  # noqa: B010  # the one thing that is not the product
    config = ServerConfig(port=0, http_port=0, data_dir=folder / "ledger", has_seed_accounts=False)
    application = app.Application(config)
    shard = application._desk.shard
    populate(shard.state, shard.market.view, accounts)
    shard._touched = dict.fromkeys(shard.state.accounts)
    lock = application._lane._deciding = TimedLock()  # type: ignore[assignment]
    swaps: dict[int, int] = {}
    _watch_swaps(application, lambda version: swaps.setdefault(version, time.time_ns()))
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    signal.signal(signal.SIGUSR1, lambda *_: setattr(feed, "is_ticking", not feed.is_ticking))
    application.start()
    settle_garbage_collector()
    ports = {"grpc_port": application.grpc_port, "http_port": application.http_port}
    (folder / "ports.new").write_text(json.dumps(ports))
    (folder / "ports.new").rename(folder / "ports.json")
    ending.wait()
    application.stop()
    seen = {"held_seconds": lock.held, "swaps_ns": swaps}
    (folder / "seen.json").write_text(json.dumps(seen))


def _watch_swaps(application: app.Application, tell: Callable[[int], object]) -> None:
    observer = application._publisher._observer
    revalued = observer.revalued

    def told(view: MarketView, duration_seconds: float) -> None:
        tell(view.snapshot.version)
        revalued(view, duration_seconds)

    observer.revalued = told  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
