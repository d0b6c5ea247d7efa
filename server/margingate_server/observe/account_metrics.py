"""How accounts stand, all together: margin states, margin ratios, and the work to know them."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from margingate_server.observe.labels import MARGIN_STATES, REVALUATION_BUCKETS_SECONDS

RATIOS = (0.5, 0.8, 0.9, 1.0)
"""Margin ratios from which on accounts are counted."""


class AccountMetrics:
    """Of positions alone; no account has a label of its own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._durations = Histogram(
            "margingate_accounts_revaluation_duration_seconds",
            "Time to margin all accounts at new prices, beside the decisions.",
            buckets=REVALUATION_BUCKETS_SECONDS,
            registry=registry,
        )
        by_state = Gauge(
            "margingate_accounts_by_state",
            "Accounts by their margin state at the latest prices, published or not yet.",
            ["state"],
            registry=registry,
        )
        by_ratio = Gauge(
            "margingate_accounts_by_margin_ratio",
            "Accounts whose maintenance margin is at least this share of their equity.",
            ["ratio"],
            registry=registry,
        )
        published = Counter(
            "margingate_margin_states_published",
            "Margin states that were published, by the state that accounts came into.",
            ["state"],
            registry=registry,
        )
        self._failures = Counter(
            "margingate_account_failures",
            "Times that an account's margin or state could not be worked out as nobody foresaw.",
            registry=registry,
        )
        self._by_state = {state: by_state.labels(state) for state in MARGIN_STATES}
        self._by_ratio = {ratio: by_ratio.labels(f"{ratio:g}") for ratio in RATIOS}
        self._published = {state: published.labels(state) for state in MARGIN_STATES}

    def figured(
        self,
        duration_seconds: float,
        states: Mapping[str, int],
        ratios: Mapping[float, int],
    ) -> None:
        """All accounts were margined: how many there are by state and from each of RATIOS on."""
        self._durations.observe(duration_seconds)
        for state, gauge in self._by_state.items():
            gauge.set(states.get(state, 0))
        for ratio, gauge in self._by_ratio.items():
            gauge.set(ratios[ratio])

    def failed(self) -> None:
        """An account's margin or state could not be worked out."""
        self._failures.inc()

    def published(self, state: str) -> None:
        """An account came into a state."""
        self._published[state].inc()
