"""What the events add up to: accounts, instruments, limits, kill switches, remembered requests."""

from dataclasses import dataclass, field

from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.ledger.events import LimitNumbers
from margingate_server.ledger.requests import RequestIndex

CLOSED_ORDERS_MAX = 1_000
"""How many closed orders an account remembers, to tell a late fill from an unknown order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMemo:
    """What is known of an open order besides its legs."""

    request_id: str
    accepted_ns: int
    is_combo: bool


@dataclass(slots=True, kw_only=True)
class AccountState:
    """One account. version: number of its last event."""

    account: str
    fee_tier: str
    opened_ns: int
    portfolio: Portfolio
    version: int = 1
    is_suspended: bool = False
    limits: LimitNumbers = field(default_factory=LimitNumbers)
    orders: dict[str, OrderMemo] = field(default_factory=dict)
    closed_orders: dict[str, None] = field(default_factory=dict)

    def close_order(self, order_id: str) -> None:
        """Move an order from open to closed, forgetting the oldest closed ones."""
        del self.orders[order_id]
        self.closed_orders[order_id] = None
        if len(self.closed_orders) > CLOSED_ORDERS_MAX:
            del self.closed_orders[next(iter(self.closed_orders))]


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
    """Everything that the events of one shard add up to."""

    table: InstrumentTable = field(default_factory=lambda: InstrumentTable(()))
    accounts: dict[str, AccountState] = field(default_factory=dict)
    default_limits: LimitNumbers = field(default_factory=LimitNumbers)
    kill_switches: dict[tuple[str, str], KillSwitchState] = field(default_factory=dict)
    requests: RequestIndex = field(default_factory=RequestIndex)
    admin_version: int = 0
    parameters_digest: str = ""
    fees_text: str = ""
    open_order_count: int = 0
    last_seq: int = 0
