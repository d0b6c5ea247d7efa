"""The model `cross`: every position for itself, one pool of equity. docs/methodology/cross.md"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from margingate_engine.core.charges import Charge
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.position_margin import (
    PositionParameters,
    future_initial,
    future_lots,
    position_arrays,
    positions_maintenance,
)
from margingate_engine.models.table_model import TableModel
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import (
    NOT_A_SCENARIO,
    EquityBasis,
    Regime,
    Requirement,
)
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import RiskArrays


@dataclass(frozen=True, kw_only=True)
class CrossParameters(PositionParameters):
    """Parameters of one underlying in the model `cross`."""

    MODEL: ClassVar[str] = "cross"


@dataclass(frozen=True, slots=True)
class CrossMargin:
    """What the positions of a group require, 1e-6 USD; with orders, at most.

    options: of shorts, with the entry losses of all orders.
    """

    underlying: str
    options: int
    futures: int
    maintenance: int


class CrossModel(TableModel[CrossParameters]):
    """No offset between positions: each requires its own margin. [CROSS-01]"""

    name = "cross"
    regime = Regime.CROSS
    equity_basis = EquityBasis.WITHOUT_OPTION_VALUE
    worst_fill = Exactness.BOUND
    has_wallets = False
    PARAMETERS = CrossParameters

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """What a short option requires by lot, and lots of futures by row. [CROSS-02]"""
        return position_arrays(self, self.parameters, table, snapshot)

    def group_margin(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> CrossMargin:
        """What the positions of a group require one by one. [CROSS-03, CROSS-04]"""
        return CrossMargin(
            totals.group.underlying,
            totals.worst_minimum(holds),
            sum(future_initial(totals, row, lots) for row, *lots in future_lots(totals, holds)),
            0 if holds else positions_maintenance(totals),
        )

    def requirements(self, margins: Mapping[int, CrossMargin]) -> list[Requirement]:
        """One requirement a group, the sum over its positions. [CROSS-01]"""
        return [_requirement(number, margin) for number, margin in margins.items()]

    def maintenance(self, margins: Mapping[int, CrossMargin]) -> int:
        """The sum over the positions. [CROSS-05]"""
        return sum(margin.maintenance for margin in margins.values())

    def size_kinks(
        self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals
    ) -> Iterable[int]:
        """None: a position's margin only grows with its size, its headroom is concave. [DEC-06]"""
        del before, filled, hold
        return ()


def _requirement(number: int, margin: CrossMargin) -> Requirement:
    charges = (
        (Charge.SHORT_OPTION_MARGIN, margin.options),
        (Charge.FUTURE_MARGIN, margin.futures),
    )
    return Requirement(
        subject=margin.underlying,
        total=margin.options + margin.futures,
        charges=charges,
        binding=max(charges, key=lambda charge: charge[1]),
        scenario=NOT_A_SCENARIO,
        words="each position for itself",
        groups=(number,),
        is_exact=False,
    )
