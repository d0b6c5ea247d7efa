"""What an answer promises for good, as bytes that can be compared.

A key is an idempotency key: its space ("request" or "fill"), the account, the id. An answer that
is only true for now (a refusal by a rule) promises nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types

Key = tuple[str, str, str]

MARGIN_REASONS = {
    types.REJECT_REASON_UNSPECIFIED,
    types.REJECT_REASON_INSUFFICIENT_COLLATERAL_CURRENCY,
    types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN,
    types.REJECT_REASON_STILL_UNDERMARGINED,
}
"""Acceptance, and the refusals that are remembered."""

CHANGES = {
    "CreateAccount",
    "AdjustCollateral",
    "SetPositions",
    "CheckOrder",
    "BatchCheckOrders",
    "ReleaseOrder",
    "ReleaseAll",
    "ReportFill",
    "AmendOrder",
    "ConfirmAmend",
    "RejectAmend",
}
"""Methods whose requests carry ids of their own."""


@dataclass(frozen=True, slots=True)
class Promise:
    """said: the part of an answer that never changes. is_replayed: None where not told."""

    key: Key
    said: bytes
    is_replayed: bool | None = None


def keys_of(method: str, request: Message) -> list[Key]:
    """The ids that a request brings along; none where it changes nothing."""
    if method not in CHANGES:
        return []
    if isinstance(request, margin.BatchCheckOrdersRequest):
        return [("request", request.account, item.request_id) for item in request.items]
    if isinstance(request, margin.ReportFillRequest):
        return [("fill", request.account, request.fill_id)]
    return [("request", request.account, request.request_id)]  # type: ignore[attr-defined]


def promises_of(method: str, request: Message, answer: Message) -> list[Promise]:
    """What the answer to a request promises."""
    if isinstance(answer, margin.BatchCheckOrdersResponse):
        return list(_decisions(keys_of(method, request), list(answer.results)))
    if isinstance(answer, margin.CheckOrderResponse | margin.AmendOrderResponse):
        return list(_decisions(keys_of(method, request), [answer]))
    if isinstance(answer, margin.GetDecisionResponse):
        assert isinstance(request, margin.GetDecisionRequest)
        key = ("request", request.account, request.request_id)
        return [Promise(key, decision_bytes(answer.decision))]
    return [
        Promise(key, said, getattr(answer, "replayed", None))
        for key in keys_of(method, request)
        if (said := _said(answer))
    ]


def decision_bytes(decision: types.Decision) -> bytes:
    """A decision as bytes, the same for the same decision."""
    return bytes(decision.SerializeToString(deterministic=True))


def _decisions(
    keys: list[Key], results: Sequence[margin.CheckOrderResponse | margin.AmendOrderResponse]
) -> Iterator[Promise]:
    for key, result in zip(keys, results, strict=True):
        if result.decision.reject_reason in MARGIN_REASONS:
            yield Promise(key, decision_bytes(result.decision), result.replayed)


def _said(answer: Message) -> bytes:
    if isinstance(answer, margin.ReleaseOrderResponse):
        return released_said(int(answer.released), types.LifecycleFlag.Name(answer.flag))
    if isinstance(answer, margin.ConfirmAmendResponse | margin.RejectAmendResponse):
        return f"settled {types.LifecycleFlag.Name(answer.flag)}".encode()
    if isinstance(answer, margin.ReleaseAllResponse):
        return released_said(answer.released_count, "LIFECYCLE_FLAG_UNSPECIFIED")
    if isinstance(answer, margin.ReportFillResponse):
        return f"filled {types.LifecycleFlag.Name(answer.flag)}".encode()
    if isinstance(answer, accounts.AdjustCollateralResponse):
        return f"balance {answer.balance.currency} {answer.balance.amount}".encode()
    if isinstance(answer, accounts.CreateAccountResponse):
        return f"opened {answer.account.fee_tier}".encode()
    if isinstance(answer, accounts.SetPositionsResponse):
        return positions_said(
            (each.instrument, each.booked_quantity, each.stated_quantity) for each in answer.breaks
        )
    return b""


def released_said(count: int, flag: str) -> bytes:
    """How many orders were released, and what was unusual."""
    return f"released {count} {flag}".encode()


def positions_said(breaks: Iterator[tuple[str, str, str]]) -> bytes:
    """The breaks of a statement: instrument, booked and stated quantity."""
    return ("stated " + "; ".join(" ".join(each) for each in breaks)).encode()
