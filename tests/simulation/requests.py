"""Everything that can be asked of a server, as values that carry themselves out on a desk.

Two requests of one `key` are the same request exactly when their `digest` is the same.
"""

from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property
from hashlib import blake2b
from typing import Any, ClassVar

from margingate_engine.check.question import RequestedLeg, RequestedOrder
from margingate_engine.core.amounts import units_per_whole, whole
from margingate_engine.core.orders import Execution, Side
from margingate_server.ledger.fold import REQUEST_SPACE
from margingate_server.ledger.requests import FILL_SPACE
from margingate_server.service.amending import AmendCommand, AmendLeg, VenueAnswer
from margingate_server.service.decisions import CheckAnswer, CheckCommand
from margingate_server.service.desk import Desk
from margingate_server.service.orders import FillAnswer, FillCommand, ReleaseAnswer
from tests.simulation.instruments import BY_NAME

Key = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True)
class Request:
    """Base of all requests. account: "" for what concerns no account or all of them."""

    is_read: ClassVar[bool] = False
    account: str
    request_id: str

    @property
    def key(self) -> Key:
        """(space of ids, account, id): what makes a retry a retry."""
        return REQUEST_SPACE, self.account, self.request_id

    @cached_property
    def digest(self) -> str:
        """Of everything but what a retry may change."""
        body = [
            (each.name, getattr(self, each.name))
            for each in fields(self)
            if each.name not in ("request_id", "sent_ns")
        ]
        text = repr((type(self).__name__, body))
        return blake2b(text.encode(), digest_size=12).hexdigest()

    def use(self, desk: Desk, now_ns: int) -> tuple[Any, int]:
        """(answer, event that must be durable before it may leave)."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class LegAsked:
    """lots > 0; price in 1e-9, None for a market order."""

    instrument: str
    side: int
    lots: int
    price_nano: int | None


def quantity_of(instrument: str, lots: int) -> Decimal:
    """So many lots in the venue's unit."""
    return Decimal(lots * BY_NAME[instrument].lot_nano).scaleb(-9)


def price_of(price_nano: int) -> Decimal:
    """A price as it is written."""
    return Decimal(price_nano).scaleb(-9)


@dataclass(frozen=True, kw_only=True)
class Check(Request):
    """May this order be sent? sent_ns: by the router's clock. hold_ns: 0 for no expiry."""

    order_id: str
    legs: tuple[LegAsked, ...]
    is_combo: bool
    sent_ns: int
    is_reduce_only: bool = False
    hold_ns: int = 0

    def order(self, desk: Desk) -> RequestedOrder:
        """The order in the rows of the desk's table; UnknownName for what is not listed."""
        execution = Execution.ATOMIC_COMBO if self.is_combo else Execution.INDEPENDENT_LEGS
        return RequestedOrder(
            order_id=self.order_id,
            legs=tuple(
                RequestedLeg(
                    row=desk.shard.row(leg.instrument),
                    side=Side(leg.side),
                    quantity=quantity_of(leg.instrument, leg.lots),
                    limit=None if leg.price_nano is None else price_of(leg.price_nano),
                )
                for leg in self.legs
            ),
            execution=execution if len(self.legs) > 1 else Execution.SINGLE,
            is_reduce_only=self.is_reduce_only,
        )

    def command(self, desk: Desk) -> CheckCommand:
        """What the desk decides."""
        return CheckCommand(
            account=self.account,
            request_id=self.request_id,
            digest=self.digest,
            order=self.order(desk),
            sent_ns=self.sent_ns,
            hold_ns=self.hold_ns,
        )

    def use(self, desk: Desk, now_ns: int) -> tuple[CheckAnswer, int]:
        """See Request."""
        answer = desk.checking.check(self.command(desk), now_ns)
        return answer, answer.seq


@dataclass(frozen=True, kw_only=True)
class Batch(Request):
    """Several orders of one account, with one commit; it has no id of its own."""

    checks: tuple[Check, ...]

    def use(self, desk: Desk, now_ns: int) -> tuple[list[CheckAnswer], int]:
        """See Request."""
        answers = desk.checking.check_all([each.command(desk) for each in self.checks], now_ns)
        return answers, max(each.seq for each in answers)


@dataclass(frozen=True, kw_only=True)
class Amend(Request):
    """May this open order become another one? Lots are totals, fills included."""

    order_id: str
    legs: tuple[LegAsked, ...]
    sent_ns: int

    def use(self, desk: Desk, now_ns: int) -> tuple[CheckAnswer, int]:
        """See Request."""
        command = AmendCommand(
            account=self.account,
            request_id=self.request_id,
            digest=self.digest,
            order_id=self.order_id,
            legs=tuple(
                AmendLeg(
                    instrument=leg.instrument,
                    side=Side(leg.side),
                    quantity=quantity_of(leg.instrument, leg.lots),
                    limit=None if leg.price_nano is None else price_of(leg.price_nano),
                )
                for leg in self.legs
            ),
            sent_ns=self.sent_ns,
        )
        answer = desk.amending.amend(command, now_ns)
        return answer, answer.seq


@dataclass(frozen=True, kw_only=True)
class VenueSays(Request):
    """The venue took the pending change of an order, or did not."""

    order_id: str
    is_confirmed: bool

    def use(self, desk: Desk, now_ns: int) -> tuple[VenueAnswer, int]:
        """See Request."""
        settle = desk.amending.confirm if self.is_confirmed else desk.amending.withdraw
        answer = settle(self.account, self.order_id, self.request_id, self.digest, now_ns)
        return answer, answer.seq


@dataclass(frozen=True, kw_only=True)
class Release(Request):
    """An order holds nothing any more."""

    order_id: str

    def use(self, desk: Desk, now_ns: int) -> tuple[ReleaseAnswer, int]:
        """See Request."""
        answer = desk.orders.release(
            self.account, self.order_id, self.request_id, self.digest, now_ns
        )
        return answer, answer.seq


@dataclass(frozen=True, kw_only=True)
class ReleaseAll(Request):
    """No order of the account holds anything any more."""

    def use(self, desk: Desk, now_ns: int) -> tuple[ReleaseAnswer, int]:
        """See Request."""
        answer = desk.orders.release_all(self.account, self.request_id, self.digest, now_ns)
        return answer, answer.seq


@dataclass(frozen=True, kw_only=True)
class Fill(Request):
    """An execution; fee in the settlement asset's units, None for the schedule's."""

    order_id: str
    instrument: str
    side: int
    lots: int
    price_nano: int
    fee: int | None

    @property
    def key(self) -> Key:
        """Fill ids are a space of their own."""
        return FILL_SPACE, self.account, self.request_id

    def use(self, desk: Desk, now_ns: int) -> tuple[FillAnswer, int]:
        """See Request."""
        asset = BY_NAME[self.instrument].settlement_asset
        command = FillCommand(
            account=self.account,
            fill_id=self.request_id,
            digest=self.digest,
            order_id=self.order_id,
            instrument=self.instrument,
            side=Side(self.side),
            quantity=quantity_of(self.instrument, self.lots),
            price=price_of(self.price_nano),
            fee=None if self.fee is None else whole(self.fee, units_per_whole(asset)),
        )
        answer = desk.orders.fill(command, now_ns)
        return answer, answer.seq


@dataclass(frozen=True, kw_only=True)
class GetDecision(Request):
    """What was decided under this id? As Lane.read: everything seen must be durable."""

    is_read = True

    def use(self, desk: Desk, _now_ns: int) -> tuple[CheckAnswer, int]:
        """See Request."""
        answer = desk.checking.decision_of(self.account, self.request_id)
        return answer, desk.shard.state.last_seq


@dataclass(frozen=True, kw_only=True)
class ListOrders(Request):
    """Which orders are open? Read as a decision is."""

    is_read = True

    def use(self, desk: Desk, _now_ns: int) -> tuple[tuple[str, ...], int]:
        """See Request."""
        account = desk.shard.account(self.account)
        return tuple(sorted(account.orders)), desk.shard.state.last_seq
