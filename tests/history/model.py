"""One account, one call after the other: what each call must answer. Knows nothing of the server.

Margins are worked out in full each time, by the reference calculation on a frozen market.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from tests.history.calls import (
    Adjust,
    Adjusted,
    Answer,
    Books,
    Call,
    Check,
    Decided,
    Fill,
    Filled,
    Listed,
    Margin,
    ReadAccount,
    ReadDecision,
    ReadOrders,
    Refused,
    Release,
    Released,
)
from tests.reference.account import Account, Position
from tests.reference.oracle import Oracle
from tests.reference.orders import OpenLeg, OpenOrder

MARGIN_REASONS = {
    "INSUFFICIENT_COLLATERAL_CURRENCY",
    "INSUFFICIENT_INITIAL_MARGIN",
    "STILL_UNDERMARGINED",
}
NAME = "account"


class Lots(NamedTuple):
    """An open leg."""

    symbol: str
    side: int
    lots: int
    price: Fraction


class Held(NamedTuple):
    """An open order and the request that carried it."""

    request_id: str
    legs: tuple[Lots, ...]


@dataclass(frozen=True, kw_only=True)
class State:
    """An account between two calls. Its dictionaries are never changed, only replaced.

    version: number of its last event. closed: ids of orders that are no longer open.
    remembered: the first answer to each request id.
    """

    version: int = 1
    cash: dict[str, int] = field(default_factory=dict)
    positions: dict[str, tuple[int, int]] = field(default_factory=dict)
    orders: dict[str, Held] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()
    remembered: dict[str, Answer] = field(default_factory=dict)

    @cached_property
    def key(self) -> frozenset[object]:
        """Equal for equal states."""
        parts = (self.cash, self.positions, self.orders, self.remembered)
        items = ((number, *item) for number, part in enumerate(parts) for item in part.items())
        return frozenset((self.version, *items))


OPENED = State()


class Model:
    """Moves states of one account, by an oracle of the market and its rules."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    def step(self, state: State, call: Call) -> tuple[State, Answer]:
        """The state after a call, and its answer."""
        match call:
            case Check():
                return self._check(state, call)
            case Release():
                return self._release(state, call)
            case Fill():
                return self._fill(state, call)
            case Adjust():
                return self._adjust(state, call)
            case ReadAccount():
                return state, self._books(state)
            case ReadOrders():
                return state, _listed(state)
            case ReadDecision():
                found = state.remembered.get(call.request_id)
                if isinstance(found, Decided):
                    return state, found
                return state, Refused("REQUEST_NOT_FOUND")

    def _check(self, state: State, call: Check) -> tuple[State, Answer]:
        earlier = state.remembered.get(call.request_id)
        if isinstance(earlier, Decided):
            return state, replace(earlier, is_replayed=True)
        self._load(state)
        answer = self._oracle.preview(NAME, call.order)
        binds = answer.accepted or answer.reason in MARGIN_REASONS
        decided = Decided(
            reason=answer.reason,
            order_id=call.order.order_id,
            before=_margin(answer.before, answer.gross) if binds else None,
            after=_margin(answer.after, answer.gross) if binds else None,
            version=state.version,
        )
        if not binds:
            return state, decided
        orders = state.orders
        if answer.accepted:
            legs = tuple(Lots(leg.symbol, leg.side, leg.lots, leg.price) for leg in answer.legs)
            orders = {**orders, call.order.order_id: Held(call.request_id, legs)}
        return _moved(state, call.request_id, decided, orders=orders), decided

    def _release(self, state: State, call: Release) -> tuple[State, Answer]:
        earlier = state.remembered.get(call.request_id)
        if isinstance(earlier, Released):
            return state, replace(earlier, margin=self._margin_of(state))
        was_held = call.order_id in state.orders
        flag = "LATE" if call.order_id in state.closed else "UNKNOWN_ORDER"
        orders = {name: held for name, held in state.orders.items() if name != call.order_id}
        closed = state.closed | ({call.order_id} if was_held else frozenset())
        after = replace(state, orders=orders, closed=closed)
        answer = Released(was_held, "" if was_held else flag, self._margin_of(after))
        return _moved(after, call.request_id, answer), answer

    def _fill(self, state: State, call: Fill) -> tuple[State, Answer]:
        earlier = state.remembered.get(call.fill_id)
        if isinstance(earlier, Filled):
            return state, self._filled(state, call, earlier.flag, is_replayed=True)
        flag = _flag(state, call)
        account = self._load(state)
        execution = OpenLeg(
            symbol=call.symbol, side=call.side, lots=call.lots, price=Fraction(call.price)
        )
        self._oracle.fill(NAME, call.order_id, execution, call.fee)
        after = self._unload(state, account)
        answer = self._filled(after, call, flag, is_replayed=False)
        return _moved(after, call.fill_id, answer), answer

    def _filled(self, state: State, call: Fill, flag: str, *, is_replayed: bool) -> Filled:
        held = state.orders.get(call.order_id)
        return Filled(
            flag=flag,
            position=state.positions.get(call.symbol, (0, 0))[0],
            open_lots=_open_lots(held, call) if held else 0,
            margin=self._margin_of(state),
            is_replayed=is_replayed,
        )

    def _adjust(self, state: State, call: Adjust) -> tuple[State, Answer]:
        earlier = state.remembered.get(call.request_id)
        if isinstance(earlier, Adjusted):
            return state, Adjusted(earlier.balance, self._margin_of(state))
        balance = state.cash.get(call.asset, 0) + call.units
        after = replace(state, cash=_without_zeros({**state.cash, call.asset: balance}))
        if call.units < 0:
            account = self._load(after)
            outflows = map(self._oracle.book.outflows, account.orders.values())
            if balance < sum(each.get(call.asset, 0) for each in outflows):
                return state, Refused("INSUFFICIENT_COLLATERAL_CURRENCY")
            if self._oracle.risk(NAME).headroom < 0:
                return state, Refused("INSUFFICIENT_INITIAL_MARGIN")
        answer = Adjusted(balance, self._margin_of(after))
        return _moved(after, call.request_id, answer), answer

    def _books(self, state: State) -> Books:
        return Books(
            version=state.version,
            cash=tuple(sorted(state.cash.items())),
            positions=tuple(sorted((name, lots) for name, (lots, _) in state.positions.items())),
            open_orders=len(state.orders),
            margin=self._margin_of(state),
        )

    def _margin_of(self, state: State) -> Margin:
        account = self._load(state)
        margin = _margin(self._oracle.risk(NAME), self._oracle.decider.gross(account))
        assert margin is not None
        return margin

    def _load(self, state: State) -> Account:
        """Have the oracle's account be as `state` says."""
        account = Account()
        account.cash.update(state.cash)
        account.positions = {name: Position(*each) for name, each in state.positions.items()}
        for order_id, held in state.orders.items():
            legs = [OpenLeg(**leg._asdict()) for leg in held.legs]
            account.orders[order_id] = OpenOrder(order_id=order_id, combo=False, legs=legs)
        account.known_order_ids = {*state.orders, *state.closed}
        self._oracle.accounts[NAME] = account
        return account

    def _unload(self, state: State, account: Account) -> State:
        """`state` with what the oracle's account came to."""
        orders = {
            order_id: Held(
                state.orders[order_id].request_id,
                tuple(Lots(e.symbol, e.side, e.lots, e.price) for e in order.legs if e.lots),
            )
            for order_id, order in account.orders.items()
        }
        return replace(
            state,
            cash=_without_zeros(dict(account.cash)),
            positions={name: (each.lots, each.entry) for name, each in account.positions.items()},
            orders=orders,
            closed=state.closed | (state.orders.keys() - orders.keys()),
        )


def _moved(
    state: State, request_id: str, answer: Answer, orders: dict[str, Held] | None = None
) -> State:
    """`state` with one event more."""
    return replace(
        state,
        version=state.version + 1,
        orders=state.orders if orders is None else orders,
        remembered={**state.remembered, request_id: answer},
    )


def _margin(risk: object, slack: int) -> Margin | None:
    if risk is None:
        return None
    return Margin(risk.equity, risk.initial, risk.maintenance, slack)  # type: ignore[attr-defined]


def _flag(state: State, call: Fill) -> str:
    held = state.orders.get(call.order_id)
    if held is None:
        return "LATE" if call.order_id in state.closed else "UNKNOWN_ORDER"
    return "OVER_FILL" if call.lots > _open_lots(held, call) else ""


def _open_lots(held: Held, call: Fill) -> int:
    matching = [leg for leg in held.legs if (leg.symbol, leg.side) == (call.symbol, call.side)]
    return sum(leg.lots for leg in matching)


def _listed(state: State) -> Listed:
    return Listed(
        tuple(
            (
                order_id,
                held.request_id,
                tuple((leg.symbol, leg.side, leg.lots) for leg in held.legs),
            )
            for order_id, held in sorted(state.orders.items())
        )
    )


def _without_zeros(cash: dict[str, int]) -> dict[str, int]:
    return {asset: units for asset, units in cash.items() if units}
