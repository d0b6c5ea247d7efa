"""What a margin methodology must be able to do, and the requirement it answers with."""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from margingate_engine.core.charges import Charge
from margingate_engine.core.explanation import Component
from margingate_engine.core.risk import Exactness
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable

if TYPE_CHECKING:
    from margingate_engine.portfolio.collateral import CollateralTerms
    from margingate_engine.portfolio.group_totals import GroupTotals
    from margingate_engine.portfolio.order_totals import OrderTotals
    from margingate_engine.portfolio.risk_arrays import RiskArrays

NO_SCENARIO = 0
"""Binding scenario of a requirement that none makes: nothing loses."""

NOT_A_SCENARIO = -1
"""Binding scenario of a requirement that something else makes: a minimum, a rule, a statistic."""


class EquityBasis(Enum):
    """What counts as equity: marks of options and all unrealised profit, or no option value."""

    WITH_OPTION_VALUE = "with_option_value"
    WITHOUT_OPTION_VALUE = "without_option_value"


class Regime(Enum):
    """How an account is margined."""

    PORTFOLIO = "portfolio"
    STRATEGY = "strategy"
    ISOLATED = "isolated"
    CROSS = "cross"


class Requirement(NamedTuple):
    """What some groups require together, 1e-6 USD.

    subject: an underlying or a name of the model's. total >= 0. charges: its parts, credits
    negative; how they combine is the model's. binding: the part it rests on most, with its amount.
    scenario: number from 1 of the binding one, or NO_SCENARIO or NOT_A_SCENARIO; words say it.
    groups: numbers of the groups it covers. is_exact: no fill combination is worse than another one
    that was counted. parts: what the first charge consists of, where the model says so itself.
    """

    subject: str
    total: int
    charges: tuple[tuple[Charge, int], ...]
    binding: tuple[Charge, int]
    scenario: int
    words: str
    groups: tuple[int, ...]
    is_exact: bool
    parts: tuple[Component, ...] = ()


class MarginModel(Protocol):
    """A methodology with its parameters. Pure: one answer for the same totals.

    Nothing of it changes once `models/registry.model`, which says what counts as collateral, has
    made it.

    What `group_margin` returns is the model's own affair: `requirements` and `maintenance` alone
    read it. It is kept as long as neither the group nor its orders change.
    """

    name: str
    regime: Regime
    parameters_digest: str
    equity_basis: EquityBasis
    collateral: "CollateralTerms"
    """What assets count as collateral: of the house, alike under every model.

    `registry.model` sets it, before anybody has the model.
    """
    worst_fill: Exactness
    """EXACT where the requirement over open orders can be their worst fill itself."""
    has_wallets: bool
    """Whether positions have margin to themselves, as `models/isolated` works it out. [ISO-02]"""

    def parameter_items(self) -> list[tuple[str, str, str]]:
        """Underlying, name and value of every parameter, in order."""
        ...

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> "RiskArrays":
        """Features of one lot of every instrument at this snapshot."""
        ...

    def group_margin(self, totals: "GroupTotals", holds: Sequence["OrderTotals"]) -> Any:
        """What one group brings into the requirement, its positions with the orders of `holds`.

        With orders it covers every combination of their fills, part fills included.
        """
        ...

    def requirements(self, margins: Mapping[int, Any]) -> Sequence[Requirement]:
        """Requirements of an account from the margins of its groups, in order."""
        ...

    def maintenance(self, margins: Mapping[int, Any]) -> int:
        """Maintenance margin from margins of positions without orders, 1e-6 USD, rounded up."""
        ...

    def size_kinks(
        self, before: "GroupTotals", filled: "GroupTotals", hold: "OrderTotals"
    ) -> Iterable[int] | None:
        """Sizes of an order beyond which the requirement may turn from convex to concave.

        filled: the positions with one lot of it filled; hold: of one lot on order. None where no
        such sizes can be named and each size has to be tried.
        """
        ...
