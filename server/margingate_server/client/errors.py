"""What a call raises when the server gave no answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status

UNANSWERED = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})
"""Codes after which it is not known whether the call took effect: repeat it with the same id."""

OF_TRANSPORT = frozenset({"INTERNAL", "UNKNOWN", "CANCELLED"})
"""Codes that a connection or a proxy ends a call with too; the server gives a reason with them."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One thing wrong with a request: dotted path of the field, and what is wrong in words."""

    field: str
    description: str

    def __str__(self) -> str:
        if self.description.startswith(self.field):
            return self.description
        return f"{self.field}: {self.description}"


class MargingateCallError(Exception):
    """A call without an answer. No order may be sent on it.

    code: gRPC status, e.g. "NOT_FOUND". reason: UPPER_SNAKE of the server, empty when it gave none.
    details: the server's message. metadata: variables of that message. violations: fields at fault.
    request_id: idempotency key to repeat the call with; empty where the call has none.
    """

    def __init__(
        self,
        code: str,
        details: str = "",
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        request_id: str = "",
    ) -> None:
        super().__init__(code, details)
        self.code = code
        self.details = details
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.violations = violations
        self.request_id = request_id

    def __str__(self) -> str:
        said = "; ".join(map(str, self.violations)) or self.details
        return f"{self.code}: {said}" if said else self.code

    @property
    def is_unanswered(self) -> bool:
        """True when the call may have taken effect all the same: repeat it with the same id."""
        return self.code in UNANSWERED or (self.code in OF_TRANSPORT and not self.reason)


def call_error(error: grpc.RpcError, request_id: str) -> MargingateCallError:
    """The typed error of what grpc raised, with everything the server said about it."""
    reason = ""
    metadata: Mapping[str, str] = {}
    violations: list[FieldViolation] = []
    for detail in _details(error):
        if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad_request = error_details_pb2.BadRequest.FromString(detail.value)
            violations += [
                FieldViolation(each.field, each.description)
                for each in bad_request.field_violations
            ]
    return MargingateCallError(
        error.code().name,
        error.details() or "",
        reason=reason,
        metadata=metadata,
        violations=tuple(violations),
        request_id=request_id,
    )


def _details(error: grpc.RpcError) -> Sequence[Any]:
    """The packed details of the status; none where the transport or a proxy made it."""
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # details that contradict the status are nobody's we know
        return ()
    return () if status is None else status.details
