"""Finds, among all accounts at once, those that another margin state is to be published of."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.arrays import IntArray, ScalarT
from margingate_engine.core.risk import Risk
from margingate_engine.monitoring.publishing import Publishing, Wait, Waits, followed
from margingate_engine.monitoring.states import (
    Bounds,
    MarginState,
    StateArray,
    states_of_figures,
)
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.ledger.state import AccountState
from margingate_server.service.shard import Shard

HEALTHY = MarginState.HEALTHY

URGENCY = (
    MarginState.LIQUIDATION,
    MarginState.MARGIN_CALL,
    MarginState.UNKNOWN,
    MarginState.WARNING,
    MarginState.HEALTHY,
)
"""In which order new states are published."""


class Due(NamedTuple):
    """An account to be looked at. waited_for: what is over of its waits.

    figures, place: where its margin stands; None for one that has none yet.
    """

    account: str
    waited_for: Wait = Wait.NOTHING
    figures: AccountFigures | None = None
    place: int = 0

    def figures_of(self, account: AccountState, arrays: RiskArrays) -> "OwnFigures | None":
        """Its figures; None unless they are of these arrays and of the account of now."""
        figures, place = self.figures, self.place
        if figures is None or figures.arrays is not arrays:
            return None
        if figures.version_a[place] != account.version:
            return None
        if not figures.is_known_a[place]:
            return OwnFigures(None, 0)
        return OwnFigures(figures.positions_risk_at(place), int(figures.strain_ppm_a[place]))


class OwnFigures(NamedTuple):
    """Margin of an account's positions, None where it is not known, and their largest strain."""

    risk: Risk | None
    strain_ppm: int


class Round:
    """What is published of every account, as arrays (axis A), and what each waits for."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard
        self._accounts: tuple[str, ...] = ()
        self._place: dict[str, int] = {}
        self._version_a: IntArray = np.zeros(0, dtype=np.int64)
        self._state_a: StateArray = np.zeros(0, dtype=np.int8)
        self._known_a: StateArray = np.zeros(0, dtype=np.int8)
        self._not_before_ns_a: IntArray = np.zeros(0, dtype=np.int64)
        self._waits = Waits.none(0)
        self._forgotten: deque[str] = deque()

    def due(
        self, figures: AccountFigures, publishing: Publishing, monotonic_ns: int, now_ns: int
    ) -> list[Due]:
        """Accounts that are to have another state by these figures now, the most urgent first."""
        self._follow(figures)
        standing = (
            self._standing(figures, publishing.entering, now_ns),
            self._standing(figures, publishing.leaving, now_ns),
        )
        target_a, self._waits, changes_a = followed(
            self._state_a, self._known_a, standing, self._waits, publishing, monotonic_ns
        )
        places = np.flatnonzero(changes_a)
        if not len(places):
            return []
        rank_by_state = np.zeros(max(MarginState) + 1, dtype=np.int8)
        rank_by_state[list(URGENCY)] = np.arange(len(URGENCY))
        order = np.argsort(rank_by_state[target_a[places]], kind="stable")
        waits = [Wait(code) for code in self._waits.wait_a[places[order]].tolist()]
        return [
            Due(figures.accounts[place], wait, figures, place)
            for place, wait in zip(places[order].tolist(), waits, strict=True)
        ]

    def forget(self, account: str) -> None:
        """Read again what is published of an account, before the next figures."""
        self._forgotten.append(account)

    def _standing(self, figures: AccountFigures, bounds: Bounds, now_ns: int) -> StateArray:
        state_a = states_of_figures(figures, bounds)
        suspended_a = (self._not_before_ns_a > now_ns) & figures.is_known_a
        if suspended_a.any():
            state_a[suspended_a] = np.minimum(state_a[suspended_a], MarginState.MARGIN_CALL)
        return state_a

    def _follow(self, figures: AccountFigures) -> None:
        """Have one entry per account of the figures, as the ledger has it now."""
        if figures.accounts is not self._accounts:
            self._take_accounts(figures.accounts)
        stale = figures.version_a != self._version_a
        for _ in range(len(self._forgotten)):
            place = self._place.get(self._forgotten.popleft())
            if place is not None:
                stale[place] = True
        self._version_a = figures.version_a
        self._read(np.flatnonzero(stale))

    def _take_accounts(self, accounts: tuple[str, ...]) -> None:
        """Go on with more accounts; where they are others, every wait begins anew."""
        known = len(self._accounts)
        if accounts[:known] != self._accounts:
            self._place, known = {}, 0
        new = len(accounts) - known
        self._place.update(zip(accounts[known:], range(known, len(accounts)), strict=True))
        self._accounts = accounts
        self._version_a = _longer(self._version_a[:known], new, -1)
        self._state_a = _longer(self._state_a[:known], new, MarginState.HEALTHY)
        self._known_a = _longer(self._known_a[:known], new, MarginState.HEALTHY)
        self._not_before_ns_a = _longer(self._not_before_ns_a[:known], new, 0)
        self._waits = Waits(
            wait_a=_longer(self._waits.wait_a[:known], new, Wait.NOTHING),
            waiting_ns_a=_longer(self._waits.waiting_ns_a[:known], new, 0),
        )

    def _read(self, places: IntArray) -> None:
        """Take over what is published of the accounts at some places; new states wait for none."""
        known = self._shard.state.accounts
        accounts = [known.get(self._accounts[place]) for place in places.tolist()]
        state_a = _column(each.margin_state if each else HEALTHY for each in accounts)
        known_a = _column(each.known_margin_state if each else HEALTHY for each in accounts)
        is_new_a = (state_a != self._state_a[places]) | (known_a != self._known_a[places])
        self._waits.wait_a[places[is_new_a]] = Wait.NOTHING
        self._state_a[places], self._known_a[places] = state_a, known_a
        self._not_before_ns_a[places] = _column(
            each.liquidation_not_before_ns if each else 0 for each in accounts
        )


def _column(numbers: Iterable[int]) -> IntArray:
    return np.fromiter(map(int, numbers), dtype=np.int64)


def _longer(array: NDArray[ScalarT], count: int, value: int) -> NDArray[ScalarT]:
    return np.concatenate((array, np.full(count, value, dtype=array.dtype)))
