"""What a server answers about every account, to be compared over a restart."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
from google.protobuf.message import Message

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from margingate.v1.account_service_pb2_grpc import AccountServiceStub
from margingate.v1.margin_service_pb2_grpc import MarginServiceStub
from tests.integration.main_job.report import Remembered

READERS = 8


@dataclass(frozen=True, slots=True)
class Answers:
    """Three answers about one account."""

    account: accounts.GetAccountResponse
    requirement: accounts.GetMarginResponse
    orders: margin.ListOrdersResponse


def ask_about(target: str, names: Sequence[str]) -> dict[str, Answers]:
    """Answers by account."""
    with grpc.insecure_channel(target) as channel, ThreadPoolExecutor(READERS) as pool:
        back_office, routers = AccountServiceStub(channel), MarginServiceStub(channel)

        def ask(name: str) -> Answers:
            return Answers(
                account=_unpublished(
                    back_office.GetAccount(accounts.GetAccountRequest(account=name))
                ),
                requirement=_timeless(
                    back_office.GetMargin(accounts.GetMarginRequest(account=name))
                ),
                orders=routers.ListOrders(margin.ListOrdersRequest(account=name, page_size=1000)),
            )

        return dict(zip(names, pool.map(ask, names), strict=True))


def _unpublished(answer: accounts.GetAccountResponse) -> accounts.GetAccountResponse:
    """Without what was published of its margin state, which goes on beside the orders."""
    for name in ("version", "published_state"):
        answer.account.ClearField(name)
    return answer


def _timeless(answer: accounts.GetMarginResponse) -> accounts.GetMarginResponse:
    """Without what says when and from which snapshot: both are new after a restart."""
    answer.basis.ClearField("market_version")
    answer.basis.ClearField("account_version")
    answer.basis.ClearField("decision_time")
    return answer


def forgotten(target: str, decided: Iterable[Remembered]) -> list[str]:
    """Requests that are not answered again as they were answered first."""
    with grpc.insecure_channel(target) as channel:
        stub = MarginServiceStub(channel)
        return [text for known in decided if (text := _retold(stub, known))]


def _retold(stub: MarginServiceStub, known: Remembered) -> str:
    request = margin.CheckOrderRequest.FromString(known.request)
    answer = stub.CheckOrder(request)
    if answer.replayed and answer.decision == types.Decision.FromString(known.decision):
        return ""
    return f"{request.account} {request.request_id}: {answer}"


def first_difference(before: Message, after: Message) -> str:
    """The first lines that differ, for people."""
    pairs = zip(str(before).splitlines(), str(after).splitlines(), strict=False)
    return next((f"{old!r} became {new!r}" for old, new in pairs if old != new), "lengths differ")
