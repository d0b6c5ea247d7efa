"""Joins what happens in the lane, the publisher and the transport to metrics and logs."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from margingate_server.ledger.store import EventDraft, Store
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics
from margingate_server.rpc.observers import REASON_WORDS
from margingate_server.service.market import MarketView

ID_LENGTH_MAX = 64


class LaneObserving:
    """Commits and decisions."""

    def __init__(self, metrics: Metrics, store: Store, log: Log) -> None:
        self._metrics = metrics
        self._store = store
        self._log = log
        self._tell_health: Callable[[], None] = lambda: None
        self._tell_kinds: Callable[[Iterable[str]], None] = lambda _kinds: None

    def when_health_changes(self, tell: Callable[[], None]) -> None:
        """Have `tell` called whenever the ledger went down or came up again."""
        self._tell_health = tell

    def when_committed(self, tell: Callable[[Iterable[str]], None]) -> None:
        """Have `tell` called with the kinds of events that became durable, after each commit."""
        self._tell_kinds = tell

    def committed(self, events: list[EventDraft], byte_count: int, duration_seconds: float) -> None:
        """A batch became durable."""
        self._metrics.ledger.committed(len(events), byte_count, duration_seconds)
        counts = Counter(event.kind for event in events)
        self._tell_kinds(counts)
        for kind, count in counts.items():
            self._metrics.ledger.recorded(kind, count)

    def checked(self, decide_seconds: float, commit_seconds: float) -> None:
        """An order was decided and made durable."""
        self._metrics.decisions.stage_finished("decide", decide_seconds)
        self._metrics.decisions.stage_finished("commit", commit_seconds)

    def failed(self) -> None:
        """A commit failed."""
        self._metrics.ledger.commit_failed()
        self._metrics.ledger.health_changed(is_healthy=False)
        self._tell_health()
        self._log.warned("ledger_down")

    def recovered(self) -> None:
        """The ledger is up again."""
        self._metrics.ledger.health_changed(is_healthy=True)
        self._tell_health()
        self._log.told("ledger_recovered", head_seq=self._store.head.seq)


class MarketObserving:
    """New market views. follow: has accounts margined at them."""

    def __init__(self, metrics: Metrics, follow: Callable[[], None]) -> None:
        self._metrics = metrics
        self._follow = follow

    def revalued(self, view: MarketView, duration_seconds: float) -> None:
        """A view was swapped in."""
        self._follow()
        priced = sum(view.arrays.priced_i)
        unpriced = len(view.table) - priced
        self._metrics.market.updated(view.snapshot.version, priced=priced, unpriced=unpriced)
        self._metrics.market.revalued(duration_seconds)
        snapshot, quality = view.snapshot, self._metrics.quality
        quality.listed(view.table.underlyings)
        for each in view.quality.findings:
            quality.found(each.underlying, each.doubt.name.lower(), each.count)
        quality.uncertain(
            doubted=int(np.count_nonzero(snapshot.doubt_u) + np.count_nonzero(snapshot.doubt_i)),
            surcharged=int(np.count_nonzero(snapshot.surcharge_ppm_i)),
        )


class StageObserving:
    """Parsing and printing."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def decoded(self, duration_seconds: float) -> None:
        """A request was parsed."""
        self._metrics.decisions.stage_finished("decode", duration_seconds)

    def encoded(self, duration_seconds: float) -> None:
        """An answer was printed."""
        self._metrics.decisions.stage_finished("encode", duration_seconds)


class RequestObserving:
    """Requests: counted all, logged when they can change something."""

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics
        self._log = log

    def started(self) -> None:
        """A request arrived."""
        self._metrics.requests.started()

    def finished(self, path: str, grpc_code: str, duration_seconds: float) -> None:
        """A request was answered."""
        self._metrics.requests.finished(path, grpc_code, duration_seconds)

    def incident(self, error: Exception, path: str) -> str:
        """Id under which an error that nobody foresaw is logged."""
        return self._log.incident(error, "incident", method=path)

    def changed(self, path: str, grpc_code: str, request: object, response: object | None) -> None:
        """A request under a request id was answered; of a batch, each of its orders."""
        items: Sequence[Any] = getattr(request, "items", None) or (request,)
        answers: Sequence[Any] = getattr(response, "results", None) or (response,) * len(items)
        for item, answer in zip(items, answers, strict=True):
            fields: dict[str, object] = {"grpc_code": grpc_code}
            decision = getattr(answer, "decision", None)
            if decision is not None:
                fields["order_id"] = decision.order_id
                fields["reason"] = REASON_WORDS[decision.reject_reason]
            for name in ("position_count", "account_count"):
                if hasattr(answer, name):  # of a settlement
                    fields[name] = getattr(answer, name)
            self._log.changed(
                path.rpartition("/")[2],
                request_id=_id_of(item, "request_id") or _id_of(item, "fill_id"),
                account=_id_of(request, "account"),
                **fields,
            )


def _id_of(message: object, name: str) -> str:
    """An id for the log; a refused one may be of any length, and is cut."""
    text: str = getattr(message, name, "")
    return text[:ID_LENGTH_MAX]
