"""What the events add up to: accounts, instruments, limits, kill switches, remembered requests."""

from dataclasses import dataclass, field
from hashlib import blake2b

from margingate_engine.market.table import InstrumentTable
from margingate_engine.monitoring.states import MarginState
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.ledger.collateral import AssetNumbers
from margingate_server.ledger.numbers import LimitNumbers, ModelNumbers, PolicyNumbers
from margingate_server.ledger.requests import RequestIndex

CLOSED_ORDERS_MAX = 1_000
"""How many closed orders an account keeps by name; of older ones it keeps a number of 64 bits.

A number takes about 100 bytes, a million of closed orders 100 MB.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMemo:
    """What is known of an open order besides its legs.

    sides: instrument and side of each leg. totals: lots of each leg, fills included. hold_ns: how
    long it holds margin, 0 for no end.
    amend_totals: what the totals become when the venue takes the change that is pending.
    amend_request_id: request of that change, "" when none is.
    """

    request_id: str
    accepted_ns: int
    sides: tuple[tuple[str, int], ...]
    totals: tuple[int, ...]
    execution: str = "single"
    is_reduce_only: bool = False
    hold_ns: int = 0
    amend_totals: tuple[int, ...] | None = None
    amend_request_id: str = ""


@dataclass(slots=True, kw_only=True)
class AccountState:
    """One account. version: number of its last event. model: "" for the one of most accounts.

    unqualified_since_ns: when its grace period began, 0 while it qualifies for its regime.
    liquidation_not_before_ns: of its last fall back, 0 when its regime was set since.
    margin_state: as published, since margin_state_since_ns, 0 when none ever was.
    known_margin_state: the last published one that was not unknown.
    closed_orders: the newest, oldest first. closed_earlier: digests of those before them.
    """

    account: str
    fee_tier: str
    opened_ns: int
    portfolio: Portfolio
    version: int = 1
    model: str = ""
    experience_tier: int = 0
    unqualified_since_ns: int = 0
    liquidation_not_before_ns: int = 0
    margin_state: MarginState = MarginState.HEALTHY
    known_margin_state: MarginState = MarginState.HEALTHY
    margin_state_since_ns: int = 0
    is_suspended: bool = False
    limits: LimitNumbers = field(default_factory=LimitNumbers)
    orders: dict[str, OrderMemo] = field(default_factory=dict)
    closed_orders: dict[str, None] = field(default_factory=dict)
    closed_earlier: set[int] = field(default_factory=set)

    def close_order(self, order_id: str) -> None:
        """Move an order from open to closed; its id stays taken for good. [DEC-07]"""
        del self.orders[order_id]
        self.closed_orders[order_id] = None
        if len(self.closed_orders) > CLOSED_ORDERS_MAX:
            oldest = next(iter(self.closed_orders))
            del self.closed_orders[oldest]
            self.closed_earlier.add(_order_number(oldest))

    def is_closed(self, order_id: str) -> bool:
        """True when the order was released or filled, however long ago."""
        return order_id in self.closed_orders or _order_number(order_id) in self.closed_earlier


def _order_number(order_id: str) -> int:
    return int.from_bytes(blake2b(order_id.encode(), digest_size=8).digest())


@dataclass(frozen=True, slots=True, kw_only=True)
class KillSwitchState:
    """A kill switch in force."""

    scope: str
    subject: str
    mode: str
    reason: str
    engaged_ns: int


@dataclass(slots=True, kw_only=True)
class ShardState:
    """Everything that the events of one shard add up to.

    settlement_nano: price in 1e-9 USD that an expired instrument settled at, by row. expiring: how
    long orders hold margin, by account and order, of those that do not hold it for good.
    parameters: of the model in force, with their digest. other_models: that accounts may have.
    collateral: what assets count under all of them.
    """

    table: InstrumentTable = field(default_factory=lambda: InstrumentTable(()))
    accounts: dict[str, AccountState] = field(default_factory=dict)
    fee_tiers: dict[str, FeeTier] = field(default_factory=dict)
    policy: PolicyNumbers = field(default_factory=PolicyNumbers)
    settlement_nano: dict[int, int] = field(default_factory=dict)
    default_limits: LimitNumbers = field(default_factory=LimitNumbers)
    kill_switches: dict[tuple[str, str], KillSwitchState] = field(default_factory=dict)
    requests: RequestIndex = field(default_factory=RequestIndex)
    expiring: dict[tuple[str, str], int] = field(default_factory=dict)
    admin_version: int = 0
    model: str = ""
    parameters: tuple[tuple[str, str, str], ...] = ()
    parameters_digest: str = ""
    other_models: tuple[ModelNumbers, ...] = ()
    collateral: tuple[AssetNumbers, ...] = ()
    open_order_count: int = 0
    last_seq: int = 0
