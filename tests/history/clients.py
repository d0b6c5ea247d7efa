"""Clients that share a few accounts, do as they please, and write down what they saw."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from random import Random
from threading import Thread
from time import monotonic_ns, sleep

from tests.history.calls import (
    Adjust,
    Answer,
    Call,
    Check,
    Decided,
    Fill,
    Operation,
    ReadAccount,
    ReadDecision,
    ReadOrders,
    Release,
    id_of,
)
from tests.history.wire import Caller
from tests.integration.support.wire import CALL_SECONDS_MAX, connected
from tests.reference.contracts import Instrument
from tests.reference.fills import unit
from tests.reference.orders import Leg, Order

RETRIES_MAX = 200
RETRY_SECONDS = 0.01
HURRIED_SECONDS = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradable:
    """An instrument to send orders for: what it costs about, and the price's step."""

    instrument: Instrument
    price: Fraction
    step: Fraction
    lots_max: int


@dataclass(slots=True)
class Shared:
    """One account: what was accepted there, and everything that its clients saw."""

    name: str
    orders: list[Order] = field(default_factory=list)
    request_ids: list[str] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the clients of a run do. hurried: share of calls that are given hardly any time."""

    target: str
    tradables: Sequence[Tradable]
    clients: int
    calls_each: int
    hurried: float
    seed: str


def run_clients(plan: Plan, accounts: Sequence[Shared]) -> None:
    """Has every client make its calls, at the same time, and waits for them."""
    failures: list[BaseException] = []

    def run(client: int) -> None:
        try:
            with connected(plan.target) as wire:
                instruments = {each.instrument.symbol: each.instrument for each in plan.tradables}
                callers = {each.name: Caller(wire, each.name, instruments) for each in accounts}
                _Client(plan, client, callers).run(accounts)
        except BaseException as error:  # noqa: BLE001 - raised again in the test's own thread
            failures.append(error)

    threads = [Thread(target=run, args=(number,)) for number in range(plan.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for failure in failures:
        raise failure


def fund(plan: Plan, account: Shared, deposits: dict[str, str]) -> None:
    """Opens an account and pays in, as the first calls of its history."""
    with connected(plan.target) as wire:
        wire.open(account.name)
        client = _Client(plan, -1, {account.name: Caller(wire, account.name, {})})
        for asset, amount in deposits.items():
            whole = int(Fraction(amount) * unit(asset))
            client.make(account, Adjust(f"fund-{asset}", asset, whole), is_hurried=False)


class _Client:
    def __init__(self, plan: Plan, number: int, callers: dict[str, Caller]) -> None:
        self._plan = plan
        self._number = number
        self._callers = callers
        self._random = Random(f"{plan.seed} {number}")
        self._ids = (f"{number}-{each}" for each in count())

    def run(self, accounts: Sequence[Shared]) -> None:
        """Makes the calls; one that got no answer is often made again until it gets one."""
        for _ in range(self._plan.calls_each):
            account = self._random.choice(accounts)
            call = self._drawn(account)
            is_hurried = self._random.random() < self._plan.hurried
            answer = self.make(account, call, is_hurried=is_hurried)
            if answer is None and id_of(call) is not None and self._random.random() < 0.7:
                self._insist(account, call)

    def make(self, account: Shared, call: Call, *, is_hurried: bool) -> Answer | None:
        """One call, written down with its times and its answer."""
        invoked_ns = monotonic_ns()
        seconds = HURRIED_SECONDS if is_hurried else CALL_SECONDS_MAX
        answer = self._callers[account.name].send(call, seconds)
        returned_ns = monotonic_ns() if answer is not None else None
        if answer is not None or id_of(call) is not None:
            account.operations.append(
                Operation(
                    client=self._number,
                    call=call,
                    invoked_ns=invoked_ns,
                    returned_ns=returned_ns,
                    answer=answer,
                )
            )
        if isinstance(call, Check) and isinstance(answer, Decided):
            account.request_ids.append(call.request_id)
            if not answer.reason:
                account.orders.append(call.order)
        return answer

    def _insist(self, account: Shared, call: Call) -> None:
        for _ in range(RETRIES_MAX):
            if self.make(account, call, is_hurried=False) is not None:
                return
            sleep(RETRY_SECONDS)
        raise AssertionError(f"never answered: {call}")

    def _drawn(self, account: Shared) -> Call:
        dice = self._random.random()
        recent = account.orders[-12:]
        if dice < 0.40 or not recent:
            return Check(f"r-{next(self._ids)}", self._order(account))
        order = self._random.choice(recent)
        if dice < 0.57:
            return Release(f"x-{next(self._ids)}", order.order_id)
        if dice < 0.72:
            return self._execution(order)
        if dice < 0.82:
            return self._adjustment()
        if dice < 0.90:
            return ReadAccount()
        if dice < 0.95:
            return ReadOrders()
        return ReadDecision(self._random.choice(account.request_ids[-12:]))

    def _order(self, account: Shared) -> Order:
        order_id = f"o-{next(self._ids)}"
        if account.orders and self._random.random() < 0.05:
            order_id = self._random.choice(account.orders[-12:]).order_id
        traded = self._random.choice(self._plan.tradables)
        lots = self._random.randint(1, traded.lots_max)
        leg = Leg(
            symbol=traded.instrument.symbol,
            side=self._random.choice((1, -1)),
            quantity=lots * traded.instrument.lot,
            price=traded.price + self._random.randint(-2, 2) * traded.step,
        )
        return Order(order_id=order_id, legs=(leg,))

    def _execution(self, order: Order) -> Fill:
        (leg,) = order.legs
        (traded,) = [e for e in self._plan.tradables if e.instrument.symbol == leg.symbol]
        most = int(leg.quantity / traded.instrument.lot)
        assert leg.price is not None
        return Fill(
            fill_id=f"f-{next(self._ids)}",
            order_id=order.order_id,
            symbol=leg.symbol,
            side=leg.side,
            lots=self._random.choice((most, self._random.randint(1, most))),
            price=str(float(leg.price)),
            fee=self._random.choice((0, 1_000)),
        )

    def _adjustment(self) -> Adjust:
        asset, amount = self._random.choice((("USD", "4000"), ("BTC", "0.05")))
        sign = self._random.choice((1, -1))
        return Adjust(f"a-{next(self._ids)}", asset, sign * int(Fraction(amount) * unit(asset)))
