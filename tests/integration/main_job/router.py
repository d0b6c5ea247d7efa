"""A client process: its accounts, its orders, and an oracle that knows what must be answered."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

import grpc

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import admin_service_pb2 as admin
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate.v1.account_service_pb2_grpc import AccountServiceStub
from margingate.v1.admin_service_pb2_grpc import AdminServiceStub
from margingate.v1.margin_service_pb2_grpc import MarginServiceStub
from tests.integration.main_job.lifecycle import Lifecycle
from tests.integration.main_job.order_flow import OrderFlow
from tests.integration.main_job.population import AccountPlan, apply_plan, draw_plan
from tests.integration.main_job.questions import Questions
from tests.integration.main_job.report import Report
from tests.integration.main_job.snapshot import Snapshot
from tests.integration.main_job.wire import text
from tests.reference.book import Book
from tests.reference.contracts import Kind, Limits, Parameters, Rate
from tests.reference.decision import Switches
from tests.reference.fills import unit
from tests.reference.lots import Lot
from tests.reference.oracle import Oracle


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Everything a client process needs; it owns the accounts named."""

    target: str
    snapshot: Snapshot
    parameters: Mapping[str, Parameters]
    fees: Mapping[Kind, Rate]
    weights: Mapping[str, float]
    lots: Mapping[str, Lot]
    default_limits: Limits
    names: tuple[str, ...]
    order_count: int
    seed: str


def run_router(task: Task) -> Report:
    """Opens the accounts, sends the orders, and reports what was answered."""
    snapshot = task.snapshot
    book = Book(snapshot.instruments, snapshot.market, task.parameters, task.fees, task.lots)
    oracle = Oracle(book, task.default_limits)
    with grpc.insecure_channel(task.target) as channel:
        router = Router(task, oracle, channel)
        for name in task.names:
            router.open_account(draw_plan(name, book, task.weights, f"{task.seed}-{name}"))
        for number in range(task.order_count):
            router.step(number)
        router.finish()
    return router.report


class Router:
    """One thread of requests over a set of accounts."""

    def __init__(self, task: Task, oracle: Oracle, channel: grpc.Channel) -> None:
        self.report = Report()
        self._oracle = oracle
        self._source = random.Random(task.seed)
        self._flow = OrderFlow(oracle.book, task.weights, self._source)
        self._accounts = AccountServiceStub(channel)
        self._admin = AdminServiceStub(channel)
        stub = MarginServiceStub(channel)
        self._questions = Questions(oracle, stub, self.report)
        self._lifecycle = Lifecycle(oracle, stub, self.report, self._source)
        self._names = task.names
        self._switches = dict.fromkeys(self._names, Switches())

    def open_account(self, plan: AccountPlan) -> None:
        """Opens an account with its collateral, positions and limits."""
        name = plan.name
        self._accounts.CreateAccount(
            accounts.CreateAccountRequest(request_id=f"create-{name}", account=name)
        )
        for asset, amount in plan.deposits.items():
            self._accounts.AdjustCollateral(
                accounts.AdjustCollateralRequest(
                    request_id=f"deposit-{asset}",
                    account=name,
                    currency=asset,
                    amount=text(Fraction(amount, unit(asset))),
                )
            )
        self._state_positions(plan)
        self._admin.SetLimits(
            admin.SetLimitsRequest(
                request_id=f"limits-{name}", account=name, limits=write_limits(plan.limits)
            )
        )
        apply_plan(self._oracle, plan)

    def _state_positions(self, plan: AccountPlan) -> None:
        instruments = self._oracle.book.instruments
        stated = [
            types.Position(
                instrument=position.symbol,
                quantity=text(position.lots * instruments[position.symbol].lot),
                entry_price="" if position.entry_price is None else text(position.entry_price),
            )
            for position in plan.positions
        ]
        self._accounts.SetPositions(
            accounts.SetPositionsRequest(
                request_id="statement", account=plan.name, positions=stated
            )
        )

    def step(self, number: int) -> None:
        """One order, and now and then a preview, a retry, a size, a fill or a release."""
        name = self._source.choice(self._names)
        dice = self._source.random()
        if dice < 0.01 or (dice < 0.5 and self._switches[name] != Switches()):
            self._switch(name, number)
        order = self._flow.draw(self._oracle.accounts[name], f"o-{number}")
        switches = replace(self._switches[name], expired=self._source.random() < 0.01)
        if 0.01 < dice < 0.06 and not switches.expired:
            self._questions.preview(name, order, switches)
        self._questions.check(name, order, switches, f"r-{number}")
        if 0.06 < dice < 0.12:
            self._questions.retry_last()
        if 0.12 < dice < 0.15:
            self._questions.retry_remembered(name)
        if 0.15 < dice < 0.16 and order.legs[0].price is not None:
            self._questions.size(name, order.legs[0], switches)
        if 0.20 < dice < 0.45:
            self._lifecycle.fill(name, number)
        if 0.45 < dice < 0.60:
            self._lifecycle.release(name, number)

    def _switch(self, name: str, number: int) -> None:
        """Suspends or kills an account, or lifts what is in force."""
        now = self._switches[name]
        if now.suspended:
            self._admin.ResumeAccount(
                admin.ResumeAccountRequest(request_id=f"resume-{number}", account=name)
            )
        elif now.killed:
            self._admin.ReleaseKillSwitch(
                admin.ReleaseKillSwitchRequest(
                    request_id=f"unkill-{name}-{number}",
                    scope=admin.KILL_SCOPE_ACCOUNT,
                    subject=name,
                )
            )
        elif number % 2:
            self._admin.SuspendAccount(
                admin.SuspendAccountRequest(
                    request_id=f"suspend-{number}", account=name, reason="test"
                )
            )
        else:
            self._admin.EngageKillSwitch(
                admin.EngageKillSwitchRequest(
                    request_id=f"kill-{name}-{number}",
                    scope=admin.KILL_SCOPE_ACCOUNT,
                    subject=name,
                    mode=admin.KILL_MODE_BLOCK_ALL,
                    reason="test",
                )
            )
        stopped = now.suspended or now.killed
        self._switches[name] = Switches(
            suspended=not stopped and number % 2 == 1, killed=not stopped and number % 2 == 0
        )

    def finish(self) -> None:
        """Compares what the server has of every account with the oracle's books."""
        for name in self._names:
            answer = self._accounts.GetAccount(accounts.GetAccountRequest(account=name))
            self._lifecycle.compare_books(name, answer)
            self._lifecycle.compare_orders(name, margin.ListOrdersRequest(account=name))
        self._questions.keep_last_decisions()


def write_limits(limits: Limits) -> admin.Limits:
    """Limits on the wire; what is None stays empty."""
    names = Limits.__slots__
    values = {name: getattr(limits, name) for name in names}
    return admin.Limits(**{n: text(v) for n, v in values.items() if v is not None})


def set_default_limits(target: str, limits: Limits) -> None:
    """Sets the limits of every account that has none of its own."""
    with grpc.insecure_channel(target) as channel:
        AdminServiceStub(channel).SetLimits(
            admin.SetLimitsRequest(request_id="default-limits", limits=write_limits(limits))
        )
