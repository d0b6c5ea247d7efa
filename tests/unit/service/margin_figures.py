"""Figures of every account of a small desk, as a revaluation would hand them on."""

import numpy as np

from margingate_engine.models.strain import largest_strain_ppm
from margingate_engine.revaluation.account_figures import AccountFigures
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.holdings_range import known_risk
from tests.unit.service.small_desk import AGE_LIMITS, SmallDesk


def figures_of(desk: SmallDesk, age_limits: AgeLimits = AGE_LIMITS) -> AccountFigures:
    """Worked out one account after the other, under the market of now."""
    rows = []
    for account in desk.state.accounts.values():
        view = desk.shard.view_of(account)
        unfit = view.oldest.unfit(desk.now_ns, age_limits)
        risk = known_risk(view) if unfit is None else None
        if risk is None or view.risk is None:
            rows.append((account.version, 0, 0, 0, 0, 0, False))
            continue
        held = view.risk.positions_risk
        strain_ppm = largest_strain_ppm(view.risk)
        figures = (held.equity, held.initial, held.maintenance, risk.headroom, strain_ppm)
        rows.append((account.version, *figures, True))
    columns = [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]
    return AccountFigures(
        arrays=desk.shard.market.view.arrays,
        accounts=tuple(desk.state.accounts),
        version_a=columns[0],
        equity_a=columns[1],
        initial_a=columns[2],
        maintenance_a=columns[3],
        headroom_a=columns[4],
        strain_ppm_a=columns[5],
        is_known_a=columns[6].astype(np.bool_),
    )


def looked(desk: SmallDesk) -> list[MarginStateChanged]:
    """Every state that is published before nobody waits for a look any more."""
    published: list[MarginStateChanged] = []
    while True:
        events, seq = desk.desk.monitor.look(desk.now_ns)
        assert (seq == desk.state.last_seq) is bool(events)
        published += events
        assert desk.desk.monitor.failures.taken() == []
        if not desk.desk.monitor.is_behind:
            return published


def revalued(desk: SmallDesk, monotonic_ns: int = 0) -> list[MarginStateChanged]:
    """What is published of every account by its figures of now."""
    desk.desk.monitor.consider(figures_of(desk), monotonic_ns, desk.now_ns)
    return looked(desk)
