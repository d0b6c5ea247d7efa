"""What is counted of the ledger: its journal, its health, and what it holds."""

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from margingate_server.observe.children import Children
from margingate_server.observe.labels import (
    BATCH_BUCKETS,
    KILL_SCOPES,
    LATENCY_BUCKETS_SECONDS,
    SNAPSHOT_RESULTS,
)

EVENT_KINDS_MAX = 32

KillScope = Literal["all", "account", "underlying"]


class LedgerMetrics:
    """The journal and the state folded from it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._fsync_durations = Histogram(
            "margingate_journal_fsync_duration_seconds",
            "Time that a batch of events took to become durable.",
            buckets=LATENCY_BUCKETS_SECONDS,
            registry=registry,
        )
        self._batch_sizes = Histogram(
            "margingate_journal_batch_size",
            "Events that became durable in one commit.",
            buckets=BATCH_BUCKETS,
            registry=registry,
        )
        self._bytes = Counter(
            "margingate_journal_bytes", "Bytes of events made durable.", registry=registry
        )
        self._errors = Counter(
            "margingate_journal_errors",
            "Commits that failed; nobody was told of what they held.",
            registry=registry,
        )
        events = Counter(
            "margingate_journal_events",
            "Events made durable, by kind.",
            ["kind"],
            registry=registry,
        )
        self._events_by_kind = Children(events, unknown_max=EVENT_KINDS_MAX)
        self._declare_state(registry)

    def _declare_state(self, registry: CollectorRegistry) -> None:
        self._healthy = Gauge(
            "margingate_ledger_healthy",
            "1 while the ledger can decide and commit, else 0.",
            registry=registry,
        )
        self._open_holds = Gauge(
            "margingate_open_holds", "Accepted orders whose margin is held.", registry=registry
        )
        self._market_store_bytes = Gauge(
            "margingate_market_store_bytes",
            "Size of the store of the markets that decisions cite, on its disk.",
            registry=registry,
        )
        self._disk_free_bytes = Gauge(
            "margingate_ledger_disk_free_bytes",
            "Bytes left on the disk of the ledger.",
            registry=registry,
        )
        self._disk_free_bytes.set(float("nan"))  # not known yet; 0 would be an alert
        snapshots = Counter(
            "margingate_snapshots",
            "Snapshots of the ledger that ended, by result.",
            ["result"],
            registry=registry,
        )
        self._snapshots = {result: snapshots.labels(result) for result in SNAPSHOT_RESULTS}
        self._accounts = Gauge("margingate_accounts", "Accounts opened.", registry=registry)
        kill_switches = Gauge(
            "margingate_kill_switch_active",
            "Kill switches that are engaged, by scope.",
            ["scope"],
            registry=registry,
        )
        self._kill_switches = {scope: kill_switches.labels(scope) for scope in KILL_SCOPES}

    def committed(self, event_count: int, bytes_written: int, fsync_seconds: float) -> None:
        """A batch of events became durable in one commit."""
        self._batch_sizes.observe(event_count)
        self._bytes.inc(bytes_written)
        self._fsync_durations.observe(fsync_seconds)

    def recorded(self, kind: str, count: int = 1) -> None:
        """Events of one kind became durable. kind: the event's name in lower snake case."""
        self._events_by_kind[kind].inc(count)

    def commit_failed(self) -> None:
        """A commit failed, and what it held is void."""
        self._errors.inc()

    def health_changed(self, *, is_healthy: bool) -> None:
        """The ledger can, or cannot, decide and commit."""
        self._healthy.set(is_healthy)

    def holds_changed(self, open_holds: int) -> None:
        """So many accepted orders hold margin now."""
        self._open_holds.set(open_holds)

    def market_store_changed(self, size_bytes: int) -> None:
        """The store of cited markets takes so much now."""
        self._market_store_bytes.set(size_bytes)

    def disk_changed(self, free_bytes: int) -> None:
        """So much is left on the ledger's disk now."""
        self._disk_free_bytes.set(free_bytes)

    def snapshot_made(self) -> None:
        """A snapshot was made."""
        self._snapshots["made"].inc()

    def snapshot_failed(self) -> None:
        """A snapshot was not made; the next try comes by itself."""
        self._snapshots["failed"].inc()

    def accounts_changed(self, accounts: int) -> None:
        """So many accounts exist now."""
        self._accounts.set(accounts)

    def kill_switches_changed(self, scope: KillScope, engaged: int) -> None:
        """So many kill switches of a scope are engaged now."""
        self._kill_switches[scope].set(engaged)
