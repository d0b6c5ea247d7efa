"""A router that writes down everything it asks and is told, before it goes on."""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event
from time import monotonic_ns, time_ns

import grpc
from google.protobuf.message import Message

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.crash.contracts import stamp
from tests.crash.draws import Draws, Sent
from tests.crash.journal import Entry, Journal, Purpose, Step
from tests.crash.market import Market
from tests.crash.methods import call
from tests.crash.promises import keys_of, promises_of

REFUSALS = {"INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION"}
"""Statuses after which a request has certainly done nothing."""

SENT_MAX = 200
RECENT_ASKED_AGAIN = 6
OLDER_ASKED_AGAIN = 2


class Gone(Exception):  # noqa: N818 - a state, not an error
    """The server did not answer; what it did with the last request is unknown."""


@dataclass(frozen=True, slots=True)
class Round:
    """How a client's time with one process of the server ended. said: empty when it was told to."""

    ended_ns: int
    said: str = ""


class Client:
    """One thread of requests. Ids begin with its name: nobody else uses them."""

    def __init__(
        self, name: str, journal: Journal, market: Market, accounts: Sequence[str], seed: str
    ) -> None:
        self.source = random.Random(f"{seed}-{name}")
        self.draws = Draws(market, self.source)
        self.sent: deque[Sent] = deque(maxlen=SENT_MAX)
        self.closed: deque[Sent] = deque(maxlen=SENT_MAX)
        self.amended: deque[Sent] = deque(maxlen=SENT_MAX)
        self.promised: list[tuple[str, Message]] = []
        self._name = name
        self._journal = journal
        self._accounts = accounts
        self._unsure: list[Entry] = []
        self._channel: grpc.Channel | None = None
        self._id = 0
        self._settled = 0

    def run_round(self, target: str, ending: Event, act: "Callable[[Client], None]") -> Round:
        """Talk to a server until it is gone, or until `ending`; `act` does one thing more."""
        with grpc.insecure_channel(target) as self._channel:
            try:
                self._ask_again()
                while not ending.is_set():
                    act(self)
            except Gone as gone:
                return Round(monotonic_ns(), str(gone))
        return Round(monotonic_ns())

    def account(self) -> str:
        """One of the accounts; all clients share them."""
        return self.source.choice(self._accounts)

    def fresh_id(self, kind: str) -> str:
        """An id that was never used."""
        self._id += 1
        return f"{self._name}-{kind}{self._id}"

    def check(self, account: str, order: types.Order, request_id: str) -> None:
        """Ask for an order, and remember it if it is accepted."""
        request = margin.CheckOrderRequest(
            request_id=request_id, account=account, order=order, sent_time=stamp(time_ns())
        )
        self.ask("CheckOrder", request)

    def ask(
        self, method: str, request: Message, purpose: Purpose = Purpose.FIRST
    ) -> Message | None:
        """The answer; None when it was refused. Gone when nobody knows."""
        assert self._channel is not None
        entry = self._journal.invoke(method, purpose, request.SerializeToString())
        try:
            answer = call(self._channel, method, request)
        except grpc.RpcError as error:
            self._failed(entry, error)
            return None
        self._journal.complete(entry, Step.OK, answer=answer.SerializeToString())
        self._remember(method, request, answer, purpose)
        return answer

    def _failed(self, entry: Entry, error: grpc.RpcError) -> None:
        status: str = error.code().name
        if status in REFUSALS:
            self._journal.complete(entry, Step.FAIL, said=status)
            return
        said = f"{status}: {error.details()}"
        self._journal.complete(entry, Step.INFO, said=said)
        if keys_of(entry.method, entry.asked()) and entry.purpose is not Purpose.CONFLICT:
            self._unsure.append(entry)
        raise Gone(said)

    def _remember(self, method: str, request: Message, answer: Message, purpose: Purpose) -> None:
        is_new = purpose is Purpose.FIRST and bool(keys_of(method, request))
        if is_new and promises_of(method, request, answer):
            self.promised.append((method, request))
        if isinstance(request, margin.CheckOrderRequest):
            assert isinstance(answer, margin.CheckOrderResponse)
            self._note(request.account, request.order, answer)
        elif isinstance(request, margin.AmendOrderRequest):
            assert isinstance(answer, margin.AmendOrderResponse)
            if answer.decision.verdict == types.VERDICT_ACCEPTED and not answer.replayed:
                order = types.Order(order_id=request.order_id, legs=request.legs)
                self.amended.append(Sent(request.account, order))
        elif isinstance(request, margin.BatchCheckOrdersRequest):
            assert isinstance(answer, margin.BatchCheckOrdersResponse)
            for item, result in zip(request.items, answer.results, strict=True):
                self._note(request.account, item.order, result)

    def _note(self, account: str, order: types.Order, answer: margin.CheckOrderResponse) -> None:
        if answer.decision.verdict == types.VERDICT_ACCEPTED and not answer.replayed:
            self.sent.append(Sent(account, order))

    def _ask_again(self) -> None:
        """After a restart: what nobody knows first, then a part of what was promised."""
        unsure, self._unsure = self._unsure, []
        while unsure:
            entry = unsure.pop(0)
            try:
                self.ask(entry.method, entry.asked(), Purpose.AGAIN)
            except Gone:
                self._unsure += unsure
                raise
        recent = self.promised[self._settled :]
        older = self.promised[: self._settled]
        for method, request in (
            *self.source.sample(recent, min(len(recent), RECENT_ASKED_AGAIN)),
            *self.source.sample(older, min(len(older), OLDER_ASKED_AGAIN)),
        ):
            self.ask(method, request, Purpose.AGAIN)
        self._settled = len(self.promised)

    def ask_everything_again(self, target: str) -> None:
        """Every request that was promised anything, once more."""
        with grpc.insecure_channel(target) as self._channel:
            for method, request in list(self.promised):
                self.ask(method, request, Purpose.AGAIN)

    def open_accounts(self, target: str, deposits: Mapping[str, Mapping[str, str]]) -> None:
        """Open accounts and put money in: by account, amounts by currency."""
        with grpc.insecure_channel(target) as self._channel:
            for name, amounts in deposits.items():
                opening = accounts.CreateAccountRequest(request_id="open", account=name)
                self.ask("CreateAccount", opening)
                for currency, amount in amounts.items():
                    deposit = accounts.AdjustCollateralRequest(
                        request_id=f"fund-{currency}",
                        account=name,
                        currency=currency,
                        amount=amount,
                    )
                    self.ask("AdjustCollateral", deposit)
