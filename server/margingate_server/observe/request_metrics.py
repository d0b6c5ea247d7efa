"""What is counted of gRPC requests."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from margingate_server.observe.children import Children
from margingate_server.observe.labels import (
    GRPC_CODES,
    LATENCY_BUCKETS_SECONDS,
    METHODS,
    OTHER,
    SHED_REASONS,
)

PACKAGE = "/margingate.v1."
SHED_REASONS_FURTHER_MAX = 8


class RequestMetrics:
    """Requests by method and status; a method or status we do not know counts as "other"."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "margingate_grpc_requests",
            "Finished gRPC requests, by method and gRPC status code.",
            ["method", "grpc_code"],
            registry=registry,
        )
        durations = Histogram(
            "margingate_grpc_request_duration_seconds",
            "Time from the arrival of a gRPC request to its answer.",
            ["method"],
            buckets=LATENCY_BUCKETS_SECONDS,
            registry=registry,
        )
        self._inflight = Gauge(
            "margingate_inflight_requests",
            "gRPC requests that are being answered.",
            registry=registry,
        )
        shed = Counter(
            "margingate_shed",
            "Requests turned away unanswered because of overload, by reason.",
            ["reason"],
            registry=registry,
        )
        self._shed_by_reason = Children(shed, SHED_REASONS, unknown_max=SHED_REASONS_FURTHER_MAX)
        self._method_by_path = {PACKAGE + method: method for method in METHODS}
        # Filled as methods are called: most pairs never occur and would burden each scrape.
        self._count_by_method_code: dict[tuple[str, str], Counter] = {}
        self._duration_by_method = Children(durations, unknown_max=len(METHODS))

    def started(self) -> None:
        """A request arrived; each is followed by exactly one `finished`."""
        self._inflight.inc()

    def finished(self, path: str, grpc_code: str, duration_seconds: float) -> None:
        """A request was answered.

        path: as gRPC has it, "/package.Service/Method". grpc_code: name of the status, "OK".
        """
        self._inflight.dec()
        method = self._method_by_path.get(path, OTHER)
        count = self._count_by_method_code.get((method, grpc_code))
        if count is None:
            count = self._first_of(method, grpc_code)
        count.inc()
        self._duration_by_method[method].observe(duration_seconds)

    def shed(self, reason: str) -> None:
        """A request was refused for overload. reason: a word of our own, never text of a caller."""
        self._shed_by_reason[reason].inc()

    def _first_of(self, method: str, grpc_code: str) -> Counter:
        known = grpc_code if grpc_code in GRPC_CODES else OTHER
        count = self._requests.labels(method, known)
        if known == grpc_code:
            self._count_by_method_code[method, grpc_code] = count
        return count
