"""What every account of a study had and required at every snapshot, under several models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import BoolArray, FloatArray, IntArray
from margingate_engine.core.errors import MissingData
from margingate_engine.monitoring.states import Bounds, MarginState, StateArray, states_of
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import oldest_of_portfolio
from margingate_server.service.qualifying import qualifying_equity


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFigures:
    """Arrays over accounts (A) at one snapshot, or over snapshots and accounts (T, A); 1e-6 USD.

    Of positions alone. equity: as the model counts it, signed. is_known: False where something held
    has no price or one that is too old; the amounts are then 0.
    """

    equity: IntArray
    initial: IntArray
    maintenance: IntArray
    is_known: BoolArray

    def states(self, bounds: Bounds) -> StateArray:
        """Codes of MarginState of the same shape."""
        amounts = (self.equity.ravel(), self.initial.ravel(), self.maintenance.ravel())
        states = states_of(*amounts, bounds).reshape(self.equity.shape)
        states[~self.is_known] = MarginState.UNKNOWN
        return states


@dataclass(frozen=True, slots=True, kw_only=True)
class Instant:
    """All accounts at one snapshot. worth_a: what closing everything would leave, 1e-6 USD."""

    worth_a: IntArray
    figures_by_model: Mapping[str, ModelFigures]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """All accounts over all snapshots (axes T, A).

    index_by_coin: USD (T,). kinds: of the books. posted: asset of their collateral. worth_ta: as
    Instant; its change from a snapshot to a later one is what positions and collateral made, for
    nothing else happens to an account but settlement.
    """

    time_ns_t: tuple[int, ...]
    index_by_coin: Mapping[str, FloatArray]
    accounts: tuple[str, ...]
    kinds: tuple[str, ...]
    posted: tuple[str, ...]
    worth_ta: IntArray
    figures_by_model: Mapping[str, ModelFigures]

    def loss_ta(self, steps: int) -> IntArray:
        """Loss (T - steps, A) to the worst of the next `steps` snapshots, 1e-6 USD, loss +."""
        count = len(self.worth_ta) - steps
        later = [self.worth_ta[step : step + count] for step in range(1, steps + 1)]
        return np.asarray(self.worth_ta[:count] - np.minimum.reduce(later))

    def buffer_ta(self, model: str) -> IntArray:
        """What an account that just meets its initial margin is worth when closed, 1e-6 USD (T, A).

        The requirement, and what equity by this model lacks of the worth: haircuts, or option value
        where that does not count. A loss beyond it leaves less than nothing.
        """
        figures = self.figures_by_model[model]
        return np.asarray(figures.initial + self.worth_ta - figures.equity)


def instant_of(desk: Desk, accounts: Sequence[str], models: Sequence[str], now_ns: int) -> Instant:
    """The accounts at the desk's market of now. MissingData where the worth is not known."""
    shard = desk.shard
    view = shard.market.view
    states = [shard.account(name) for name in accounts]
    worths = [qualifying_equity(each.portfolio, view.table, view.snapshot) for each in states]
    for name, worth in zip(accounts, worths, strict=True):
        if worth is None:
            raise MissingData(name)
    is_fresh_a = np.array(
        [
            oldest_of_portfolio(view, each.portfolio).stale_subject(now_ns, desk.age_limits) is None
            for each in states
        ],
        dtype=np.bool_,
    )
    figures: dict[str, ModelFigures] = {}
    for model in models:
        arrays = view.under(model).arrays
        risks = [AccountRisk.of(each.portfolio, arrays).positions_risk for each in states]
        amounts = np.array([(each.equity, each.initial, each.maintenance) for each in risks])
        figures[model] = ModelFigures(
            equity=np.where(is_fresh_a, amounts[:, 0], 0),
            initial=np.where(is_fresh_a, amounts[:, 1], 0),
            maintenance=np.where(is_fresh_a, amounts[:, 2], 0),
            is_known=is_fresh_a,
        )
    return Instant(worth_a=np.array(worths, dtype=np.int64), figures_by_model=figures)


def stacked(instants: Sequence[Instant]) -> tuple[IntArray, Mapping[str, ModelFigures]]:
    """(worth, figures by model) of snapshots in order, over (T, A)."""
    figures = {
        model: ModelFigures(
            equity=np.stack([each.figures_by_model[model].equity for each in instants]),
            initial=np.stack([each.figures_by_model[model].initial for each in instants]),
            maintenance=np.stack([each.figures_by_model[model].maintenance for each in instants]),
            is_known=np.stack([each.figures_by_model[model].is_known for each in instants]),
        )
        for model in instants[0].figures_by_model
    }
    return np.stack([each.worth_a for each in instants]), figures
