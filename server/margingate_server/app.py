"""The composition root: the only file that knows everyone."""

import signal
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from threading import Event
from typing import get_args

from margingate_engine.core.times import DAY_NS
from margingate_server.account_observing import AccountObserving
from margingate_server.clock import Clock, SystemClock
from margingate_server.config import ServerConfig
from margingate_server.feed_choice import feed_of, follower_of
from margingate_server.feed_loop import FeedLoop
from margingate_server.feed_observing import FeedObserving
from margingate_server.garbage import settle_garbage_collector
from margingate_server.health import Health
from margingate_server.hint import hint
from margingate_server.ledger.folding import EventLog
from margingate_server.ledger.journal import Journal
from margingate_server.ledger.snapshot_file import newest_snapshot
from margingate_server.ledger.sqlite_market_store import SqliteMarketStore
from margingate_server.ledger.sqlite_store import SqliteStore
from margingate_server.ledger.state import ShardState
from margingate_server.market_retention import MarketRetention
from margingate_server.observe.http import HttpEndpoint
from margingate_server.observe.ledger_metrics import KillScope
from margingate_server.observe.logs import Log, configure
from margingate_server.observe.metrics import Metrics, new_registry
from margingate_server.observing import (
    LaneObserving,
    MarketObserving,
    RequestObserving,
    StageObserving,
)
from margingate_server.recovery import DeskBuilder
from margingate_server.revaluation_loop import RevaluationLoop
from margingate_server.rpc.account_servicer import AccountServicer
from margingate_server.rpc.admin_servicer import AdminServicer
from margingate_server.rpc.compare_servicer import CompareServicer
from margingate_server.rpc.lane import Lane, LedgerDown
from margingate_server.rpc.margin_servicer import MarginServicer
from margingate_server.rpc.market_servicer import MarketServicer
from margingate_server.rpc.order_servicer import OrderServicer
from margingate_server.rpc.publisher import Publisher
from margingate_server.rpc.server import RpcServer
from margingate_server.rpc.transport import Transport
from margingate_server.seed_accounts import seed
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.terms import Terms
from margingate_server.snapshot_keeper import SnapshotKeeper
from margingate_server.streaming import Streaming
from margingate_server.terms_files import read_terms
from margingate_server.upkeep import Upkeep

UPKEEP_SECONDS = 1.0
GRACE_SECONDS = 5.0


class Application:
    """One server, from configuration to served ports. Stop it, or the ledger stays locked."""

    def __init__(self, config: ServerConfig, clock: Clock | None = None) -> None:
        """Open the ledger, fold it, take the first prices, bind the ports.

        InvalidInput for wrong settings, LedgerError when the ledger cannot be opened.
        """
        self._clock = clock or SystemClock()
        self._log = Log()
        self._stopping = Event()
        age_limits = AgeLimits(
            underlying_ns_max=int(config.underlying_age_seconds_max * 1e9),
            instrument_ns_max=int(config.instrument_age_seconds_max * 1e9),
        )
        self._read_terms = partial(read_terms, config)
        newest = partial(newest_snapshot, config.data_dir)
        self._builder = DeskBuilder(self._read_terms(), age_limits, newest)
        self._metrics = Metrics(
            new_registry(),
            version=version("margingate"),
            age_seconds_by_underlying=self._index_ages,
        )
        feed = feed_of(config, self._clock, FeedObserving(self._metrics, self._log))
        self._store = SqliteStore(config.data_dir, opened_ns=self._clock.now_ns())
        self._markets = SqliteMarketStore(config.data_dir)
        self._journal = Journal(self._store, self._markets)
        observer = LaneObserving(self._metrics, self._store, self._log)
        self._desk = self._open_desk(self._store)
        self._lane = Lane(self._desk, self._journal, self._clock, observer)
        self._health = Health(self._lane, self._clock, age_limits, self._stopping)
        account_observer = AccountObserving(self._metrics, self._log)
        self._revaluation = RevaluationLoop(self._lane, self._clock, account_observer)
        market_observer = MarketObserving(self._metrics, self._revaluation.wake)
        self._publisher = Publisher(self._lane, self._clock, market_observer)
        self._metrics.ledger.health_changed(is_healthy=True)
        self._tell_terms(self._builder.terms)
        self._record_parameters()
        self._feed_loop = None
        if feed is not None:
            follow = follower_of(feed, self._lane.decide, self._metrics, self._log)
            self._feed_loop = FeedLoop(
                feed, self._publisher, self._clock, self._metrics, self._log, follow
            )
        has_market = self._feed_loop is not None and self._feed_loop.attempt()
        if config.has_seed_accounts and has_market:
            self._lane.decide(lambda desk, now_ns: (None, seed(desk, now_ns)))
        self._upkeep = self._made_upkeep(config)
        self._streaming = Streaming(
            self._lane, self._store, self._clock, age_limits, self._metrics, self._log
        )
        observer.when_committed(self._streaming.committed)
        self._rpc = self._rpc_server(config, age_limits)
        observer.when_health_changes(self._change_health)
        self.grpc_port = self._rpc.bind(config.host, config.port, config.tls_pair())
        self._http = HttpEndpoint(
            self._metrics.registry,
            self._health.readiness,
            host=config.http_host,
            port=config.http_port,
        )
        self.http_port = self._http.port

    def start(self) -> None:
        """Serve."""
        self._tell_at_scrapes()
        self._tell_health()
        self._streaming.start()
        self._rpc.start()
        if self._feed_loop is not None:
            self._feed_loop.start()
        self._revaluation.start()
        self._upkeep.start()
        ports = {"grpc_port": self.grpc_port, "http_port": self.http_port}
        self._log.told("serving", **ports, ledger_seq=self._store.head.seq)

    def welcome(self, config: ServerConfig) -> str:
        """Where the server listens, and an order to send to it."""
        scheme = "" if config.tls_key_path is None else "https://"
        lines = [
            f"margingate serves gRPC on {config.host}:{self.grpc_port}",
            f"metrics on http://{self._http.host}:{self.http_port}/metrics",
            *hint(
                sys.argv[0],
                self._health.view(),
                self._desk.shard.state.accounts,
                f"{scheme}{config.host}:{self.grpc_port}",
            ),
        ]
        return "\n".join(lines)

    def stop(self) -> bool:
        """Finish what is under way, make it durable, and give everything back.

        False where a thread waits for a venue or a disk that does not answer: the stores are then
        left as they are, in which everything acknowledged is durable.
        """
        self._rpc.set_serving(is_serving=False)
        self._rpc.stop(GRACE_SECONDS)
        self._streaming.stop()
        self._stopping.set()
        ended = {
            "feed": self._feed_loop is None or self._feed_loop.stop(),
            "revaluation": self._revaluation.stop(),
            "upkeep": self._upkeep.stop(),
        }
        self._http.close()
        if not all(ended.values()):
            hanging = [name for name, has_ended in ended.items() if not has_ended]
            self._log.warned("stopped_hanging", threads=hanging)
            return False
        self._markets.close()
        self._store.close()
        self._log.told("stopped", ledger_seq=self._store.head.seq)
        return True

    def _rpc_server(self, config: ServerConfig, age_limits: AgeLimits) -> RpcServer:
        metrics, lane = self._metrics, self._lane
        transport = Transport(
            self._clock, RequestObserving(metrics, self._log), StageObserving(metrics)
        )
        servicers = {
            "MarginService": (
                MarginServicer(lane, metrics.decisions),
                OrderServicer(lane, metrics.decisions),
            ),
            "AccountService": (
                *(AccountServicer(lane), CompareServicer(lane)),
                *self._streaming.servicers,
            ),
            "MarketService": (MarketServicer(lane, self._publisher, self._clock, age_limits),),
            "AdminService": (AdminServicer(lane, self._reload),),
        }
        return RpcServer(transport, servicers, config.workers, self._streaming.streams)

    def _made_upkeep(self, config: ServerConfig) -> Upkeep:
        clock, log = self._clock, self._log
        retention_ns = int(config.market_retention_days * DAY_NS)
        return Upkeep(
            lane=self._lane,
            store=self._store,
            open_desk=self._reopen_desk,
            snapshots=SnapshotKeeper(
                *(config.data_dir, config.snapshot_every, clock, log, self._metrics.ledger)
            ),
            retention=MarketRetention(self._journal, retention_ns, clock, log),
            report=self._report,
            clock=clock,
            log=log,
            period_seconds=UPKEEP_SECONDS,
        )

    def _tell_at_scrapes(self) -> None:
        self._metrics.readiness.follow(self._health.readiness)
        self._metrics.market.marks.follow(self._health.mark_ages)
        self._metrics.background.follow(self._revaluation.turns)
        self._metrics.background.follow(self._upkeep.turns)
        if self._feed_loop is not None:
            self._metrics.background.follow(self._feed_loop.turns)

    def _open_desk(self, log: EventLog) -> Desk:
        desk = self._builder.open_desk(log, self._journal.market_version_min)
        newest = self._journal.newest_market()
        if newest is not None:
            desk.shard.market.remember(newest)
        return desk

    def _reopen_desk(self, log: EventLog) -> Desk:
        """A desk on which the terms of now are in force even if the log lost their event."""
        desk = self._open_desk(log)
        self._builder.bring_into_force(desk, self._clock.now_ns())
        return desk

    def _reload(self) -> tuple[Terms, bool]:
        """Put the files of now into force; (what is, whether it differs from before)."""
        terms = self._read_terms()
        changed = self._publisher.change_terms(terms, self._builder.adopt)
        self._tell_terms(terms)
        digests = {name: model.parameters_digest for name, model in terms.models.items()}
        self._log.told("parameters_reloaded", changed=changed, digests=digests)
        return terms, changed

    def _tell_terms(self, terms: Terms) -> None:
        for name, model in terms.models.items():
            self._metrics.market.parameters_changed(name, model.parameters_digest)

    def _record_parameters(self) -> None:
        """Remember in the ledger which parameters, fees and policy decide from here on."""
        self._lane.decide(lambda desk, now_ns: (None, self._builder.bring_into_force(desk, now_ns)))

    def _report(self) -> None:
        self._tell_health()
        self._metrics.ledger.market_store_changed(self._markets.size_bytes)
        self._metrics.ledger.disk_changed(self._store.disk_free_bytes)
        self._count_state()

    def _count_state(self) -> None:
        try:
            self._lane.look(lambda desk, _now_ns: self._tell_state(desk.shard.state))
        except LedgerDown:
            return

    def _tell_state(self, state: ShardState) -> None:
        self._metrics.ledger.holds_changed(state.open_order_count)
        self._metrics.ledger.accounts_changed(len(state.accounts))
        scopes = Counter(scope for scope, _ in state.kill_switches)
        for scope in get_args(KillScope):
            self._metrics.ledger.kill_switches_changed(scope, scopes[scope])

    def _index_ages(self) -> dict[str, float]:
        return self._health.index_ages()

    def _change_health(self) -> None:
        self._tell_health()
        self._upkeep.wake()

    def _tell_health(self) -> None:
        """Also once a second: what failed and what recovered may have been told in either order."""
        self._metrics.ledger.health_changed(is_healthy=not self._lane.is_down)
        self._rpc.set_serving(is_serving=all(self._health.readiness().values()))


def serve(config: ServerConfig, announce: Callable[[str], None]) -> bool:
    """Serve until SIGTERM or SIGINT; as Application.stop.

    announce: shows a person where, and what to try.
    """
    configure(config.log_level)
    application = Application(config)
    ending = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ending.set())
    application.start()
    settle_garbage_collector()
    announce(application.welcome(config))
    ending.wait()
    return application.stop()
