"""What is asked, and what the answer may depend on besides the account's own risk."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from margingate_engine.core.amounts import NANO
from margingate_engine.core.orders import Execution, Side
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.risk_arrays import RiskArrays


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedLeg:
    """A leg as asked: quantity > 0 in the venue's unit, limit >= 0 or None for a market order."""

    row: int
    side: Side
    quantity: Decimal
    limit: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestedOrder:
    """An order as asked, on known instruments.

    is_reduce_only: whether the venue cuts it to what closes a position.
    """

    order_id: str
    legs: tuple[RequestedLeg, ...]
    execution: Execution = Execution.SINGLE
    is_reduce_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """The open order that a request changes: what is open of it, and what of each leg was filled.

    The quantities of the request are totals, in which those fills are included.
    """

    legs: tuple[OpenLeg, ...]
    filled_lots: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits on one order; None is no limit.

    Quantities in 1e-9, notional in 1e-6 USD, collar in 1e-6.
    """

    quantity_nano_max: int | None = None
    quantity_usd_nano_max: int | None = None
    notional_micro_max: int | None = None
    collar_ppm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Choices of the house.

    allowance_ppm: of notional, for fees and spread of risk-reducing orders.
    may_trade_in_liquidation: whether such orders pass of an account in liquidation.
    """

    allowance_ppm: int = 1_000
    borrow_limit_by_asset: tuple[tuple[str, int], ...] = ()
    may_hedges_grow: bool = False
    may_trade_in_liquidation: bool = True

    def borrow_limit(self, asset: str) -> int:
        """How far cash of an asset may fall below zero, in its units."""
        return dict(self.borrow_limit_by_asset).get(asset, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """Which of the account's or order's prices an answer cannot rest on; None where it can.

    stale_subject: whose price is too old. suspect_subject: whose is in doubt, and suspect_words
    why.
    """

    stale_subject: str | None = None
    missing_subject: str | None = None
    suspect_subject: str | None = None
    suspect_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gates:
    """State outside the account's holdings that can refuse an order.

    is_unqualified: the account's equity is too low for its regime. is_liquidation_suspended: it is
    given time to come back to its margin. settled_legs: numbers of the legs whose instruments have
    settled, whatever the market's clock says now. unpermitted_legs: of those that the regime is not
    for.
    """

    is_expired_request: bool = False
    is_killed: bool = False
    is_reduce_only: bool = False
    is_suspended: bool = False
    is_duplicate_order: bool = False
    is_unqualified: bool = False
    is_liquidation_suspended: bool = False
    settled_legs: tuple[int, ...] = ()
    unpermitted_legs: tuple[int, ...] = ()

    @property
    def is_for_reducing(self) -> bool:
        """True when only orders that reduce risk may pass."""
        return self.is_reduce_only or self.is_unqualified


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One order of one account, with everything its answer may depend on.

    account: None when something the account holds has no price; then only the rules that need no
    price can be answered. amends: the open order that this one takes the place of; `account` holds
    its margin, `portfolio` is without it.
    """

    order: RequestedOrder
    portfolio: Portfolio
    account: AccountRisk | None
    arrays: RiskArrays
    limits: Limits
    policy: Policy
    gates: Gates
    freshness: Freshness
    amends: Amend | None = None

    @property
    def table(self) -> InstrumentTable:
        """The instruments the order's rows refer to."""
        return self.arrays.table

    def open_lots_asked(self) -> Iterable[tuple[int, Side, Fraction]]:
        """(row, side, lots) of each leg as far as it is not filled; lots may be off lot."""
        filled = self.amends.filled_lots if self.amends else (0,) * len(self.order.legs)
        for leg, filled_lots in zip(self.order.legs, filled, strict=True):
            lots = Fraction(leg.quantity) * NANO / self.table.instruments[leg.row].lot_nano
            yield leg.row, leg.side, max(lots - filled_lots, Fraction(0))
