"""What is counted of prices that were not taken as they came."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from margingate_server.observe.labels import DOUBTS, OTHER

UNDERLYINGS_MAX = 8
"""So many underlyings have series of their own, those that were listed first."""


class QualityMetrics:
    """Prices by what is wrong with them: a Doubt in lower snake case."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._findings = Counter(
            "margingate_market_data_findings",
            "Prices that were not taken as they arrived, by underlying and what is wrong.",
            ["underlying", "reason"],
            registry=registry,
        )
        uncertain = Gauge(
            "margingate_market_data_uncertain",
            "Prices that no order may rest on, and prices that more is put up for.",
            ["state"],
            registry=registry,
        )
        self._doubted = uncertain.labels("doubted")
        self._surcharged = uncertain.labels("surcharged")
        self._known: set[str] = set()

    def listed(self, underlyings: Iterable[str]) -> None:
        """Have counts of these from zero, so that their first increase is seen as one."""
        for underlying in underlyings:
            if underlying not in self._known and len(self._known) < UNDERLYINGS_MAX:
                self._known.add(underlying)
                for doubt in DOUBTS:
                    self._findings.labels(underlying, doubt)

    def found(self, underlying: str, doubt: str, count: int) -> None:
        """So many prices of one update were not taken as they came, for one reason."""
        name = underlying if underlying in self._known else OTHER
        self._findings.labels(name, doubt if doubt in DOUBTS else OTHER).inc(count)

    def uncertain(self, *, doubted: int, surcharged: int) -> None:
        """So many prices, indices included, are in doubt, and so many instruments surcharged."""
        self._doubted.set(doubted)
        self._surcharged.set(surcharged)
