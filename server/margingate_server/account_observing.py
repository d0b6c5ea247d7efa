"""Joins the figures of all accounts, and the states published of them, to metrics and logs."""

import numpy as np
from msgspec import structs

from margingate_engine.core.amounts import MICRO
from margingate_engine.monitoring.states import (
    Bounds,
    MarginState,
    margin_ratios,
    states_of_figures,
)
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.ledger.events import kind_of
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.observe.account_metrics import RATIOS
from margingate_server.observe.logs import Log
from margingate_server.observe.metrics import Metrics


class AccountObserving:
    """Tells both."""

    def __init__(self, metrics: Metrics, log: Log) -> None:
        self._metrics = metrics.accounts
        self._log = log
        self._told: set[str] = set()

    def figured(self, figures: AccountFigures, bounds: Bounds, duration_seconds: float) -> None:
        """All accounts were margined anew. bounds: where states begin."""
        state_a, ratio_a = states_of_figures(figures, bounds), margin_ratios(figures)
        counts = np.bincount(state_a, minlength=max(MarginState) + 1)
        self._metrics.figured(
            duration_seconds,
            {state.word: int(counts[state]) for state in MarginState},
            {ratio: int(np.count_nonzero(ratio_a >= ratio)) for ratio in RATIOS},
        )

    def account_failed(self, account: str, error: Exception) -> None:
        """An account failed: counted every time, logged once."""
        self._metrics.failed()
        if account not in self._told:
            self._told.add(account)
            self._log.incident(error, "account_failed", account=account)

    def published(self, event: MarginStateChanged) -> None:
        """A margin state was published, durably."""
        self._metrics.published(event.state)
        figures = event.figures
        amounts = {} if figures is None else structs.asdict(figures)
        usd = {name: f"{amount / MICRO:.2f}" for name, amount in amounts.items()}
        self._log.told(
            kind_of(event),
            account=event.account,
            previous=event.previous,
            state=event.state,
            instruments=list(event.instruments),
            **usd,
        )
