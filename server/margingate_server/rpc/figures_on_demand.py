"""Margins of all accounts, worked out when somebody asks: for servers of few accounts."""

from threading import Lock

import numpy as np

from margingate_engine.core.errors import MissingData
from margingate_engine.monitoring.figures import AccountFigures
from margingate_server.rpc.lane import Lane
from margingate_server.service.desk import Desk
from margingate_server.service.sighting import Figures, Glance, figures, glance

ACCOUNTS_MAX = 2_000
"""About a second of work."""

GLANCES_MAX = 20
"""Accounts that are looked at in one go: nobody decides meanwhile."""


class FiguresOnDemand:
    """Figures of the accounts of a shard, one caller at a time."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._working = Lock()

    def __call__(self) -> AccountFigures:
        """The figures of now; MissingData when there are more than ACCOUNTS_MAX accounts."""
        with self._working:
            arrays, names = self._lane.look(
                lambda desk, _now_ns: (
                    desk.shard.market.view.arrays,
                    sorted(desk.shard.state.accounts),
                )
            )
            if len(names) > ACCOUNTS_MAX:
                raise MissingData(f"margins of more than {ACCOUNTS_MAX} accounts")
            found: list[tuple[Glance, Figures]] = []
            for first in range(0, len(names), GLANCES_MAX):
                part = names[first : first + GLANCES_MAX]
                found += [(seen, figures(seen)) for seen in self._glances(part)]
        known = [figures.risk is not None for _, figures in found]
        rows = [_amounts(seen, figures) for seen, figures in found]
        amounts_an = np.array(rows, dtype=np.int64).reshape(len(rows), 5)
        return AccountFigures(
            arrays=arrays,
            accounts=tuple(names),
            version_a=amounts_an[:, 0],
            equity_a=amounts_an[:, 1],
            initial_a=amounts_an[:, 2],
            maintenance_a=amounts_an[:, 3],
            headroom_a=amounts_an[:, 4],
            is_known_a=np.array(known, dtype=np.bool_),
        )

    def _glances(self, names: list[str]) -> list[Glance]:
        def use(desk: Desk, _now_ns: int) -> list[Glance]:
            return [glance(desk.shard, desk.shard.account(name)) for name in names]

        return self._lane.read(use)


def _amounts(seen: Glance, found: Figures) -> tuple[int, int, int, int, int]:
    """Version, equity, initial and maintenance of positions, headroom with orders; 0 if unknown."""
    version = seen.standpoint.version
    if found.risk is None or found.positions is None:
        return version, 0, 0, 0, 0
    risk = found.positions
    return version, risk.equity, risk.initial, risk.maintenance, found.risk.headroom
