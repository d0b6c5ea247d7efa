"""What clients ask of one account, and what they are answered, as plain values."""

from dataclasses import dataclass, field, fields
from typing import Any

from tests.reference.orders import Order

TOLERANCE = 10**9


@dataclass(frozen=True, slots=True)
class Check:
    """An order to decide."""

    request_id: str
    order: Order


@dataclass(frozen=True, slots=True)
class Release:
    """An order that will not fill further."""

    request_id: str
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """An execution of so many lots; price and fee as the venue wrote them, no fee for None."""

    fill_id: str
    order_id: str
    symbol: str
    side: int
    lots: int
    price: str
    fee: int | None


@dataclass(frozen=True, slots=True)
class Adjust:
    """A deposit or withdrawal, in units of the asset."""

    request_id: str
    asset: str
    units: int


@dataclass(frozen=True, slots=True)
class ReadAccount:
    """The account as it stands."""


@dataclass(frozen=True, slots=True)
class ReadOrders:
    """The open orders."""


@dataclass(frozen=True, slots=True)
class ReadDecision:
    """What was answered for an order's request."""

    request_id: str


Call = Check | Release | Fill | Adjust | ReadAccount | ReadOrders | ReadDecision


def id_of(call: Call) -> str | None:
    """The id under which a change is remembered; None for what only reads."""
    match call:
        case Check() | Release() | Adjust():
            return call.request_id
        case Fill():
            return call.fill_id
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Margin:
    """Millionths of a USD. slack: by how much the last bits of floats may move the margins."""

    equity: int
    initial: int
    maintenance: int
    slack: int = field(default=0, compare=False)

    def agrees(self, expected: "Margin") -> bool:
        """Equity to the last unit, margins within the slack of the expected one."""
        gaps = (self.initial - expected.initial, self.maintenance - expected.maintenance)
        return self.equity == expected.equity and all(
            abs(gap) * TOLERANCE <= expected.slack for gap in gaps
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A decision; reason empty when accepted. version: number of the event it rests on."""

    reason: str
    order_id: str
    before: Margin | None
    after: Margin | None
    version: int
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """What a release did."""

    was_held: bool
    flag: str
    margin: Margin


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What a fill did, in lots."""

    flag: str
    position: int
    open_lots: int
    margin: Margin
    is_replayed: bool = False


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The balance in units of the asset."""

    balance: int
    margin: Margin


@dataclass(frozen=True, slots=True)
class Refused:
    """A withdrawal that may not be, or a decision that is not there."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """An account: cash by asset, lots by instrument."""

    version: int
    cash: tuple[tuple[str, int], ...]
    positions: tuple[tuple[str, int], ...]
    open_orders: int
    margin: Margin


@dataclass(frozen=True, slots=True)
class Listed:
    """Open orders: id, request, and (instrument, side, lots) of each open leg."""

    orders: tuple[tuple[str, str, tuple[tuple[str, int, int], ...]], ...]


Answer = Decided | Released | Filled | Adjusted | Refused | Books | Listed


def agrees(answer: Answer, expected: Answer) -> bool:
    """True when a server may answer so where the model answers `expected`."""
    return type(answer) is type(expected) and all(
        _alike(getattr(answer, each.name), getattr(expected, each.name)) for each in fields(answer)
    )


def _alike(found: Any, expected: Any) -> bool:
    if isinstance(found, Margin) and isinstance(expected, Margin):
        return found.agrees(expected)
    return bool(found == expected)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A call as its client saw it, by the machine's monotonic clock.

    answer and returned_ns are None where it is not known whether the call did anything.
    """

    client: int
    call: Call
    invoked_ns: int
    returned_ns: int | None = None
    answer: Answer | None = None
