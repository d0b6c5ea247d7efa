"""Every way a call can end without an answer: one table from exceptions to gRPC statuses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.refusals import (
    AmendPending,
    BeyondLog,
    Busy,
    NameTaken,
    NotExpired,
    NotNow,
    RequestConflict,
    UnknownName,
)

DOMAIN = "margingate"
DETAILS_KEY = "grpc-status-details-bin"
RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A status. reason: of google.rpc.ErrorInfo. violation: field of a malformed request."""

    code: grpc.StatusCode
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violation: str = ""
    is_retryable: bool = False


def failure_of(error: Exception, incident_of: Callable[[Exception], str]) -> Failure:
    """The status of an exception; of one that nobody foresaw INTERNAL with an incident id."""
    match error:
        case InvalidInput():
            return Failure(
                code=grpc.StatusCode.INVALID_ARGUMENT,
                reason="INVALID_FIELD",
                message=f"{error.field} {error.problem}",
                metadata={"field": error.field, "problem": error.problem},
                violation=error.field,
            )
        case UnknownName():
            return Failure(
                code=grpc.StatusCode.NOT_FOUND,
                reason=f"{error.kind.upper()}_NOT_FOUND",
                message=f"no {error.kind} {error.name}",
                metadata={"kind": error.kind, "name": error.name},
            )
        case NameTaken() | RequestConflict():
            return _taken(error)
        case AmendPending():
            return _not_now("AMEND_PENDING", error.order_id)
        case NotExpired():
            return _not_now("NOT_EXPIRED", error.underlying)
        case NotNow():
            return _not_now(error.reason.name, error.subject)
        case MissingData():
            return _not_now("MARKET_DATA_MISSING", error.subject)
        case BeyondLog():
            return Failure(
                code=grpc.StatusCode.OUT_OF_RANGE,
                reason="CURSOR_BEYOND_LEDGER",
                message=f"no event {error.cursor}: the ledger ends at {error.last_seq}",
                metadata={"cursor": str(error.cursor), "last": str(error.last_seq)},
            )
        case Busy():
            return Failure(
                code=grpc.StatusCode.RESOURCE_EXHAUSTED,
                reason="BUSY",
                message=f"too many ask for {error.what} at once",
                metadata={"what": error.what},
                is_retryable=True,
            )
        case LedgerDown():
            return Failure(
                code=grpc.StatusCode.UNAVAILABLE,
                reason="LEDGER_DOWN",
                message="nothing can be made durable now; retry with the same id",
                is_retryable=True,
            )
    incident = incident_of(error)
    return Failure(
        code=grpc.StatusCode.INTERNAL,
        reason="INTERNAL",
        message=f"internal error, incident {incident}",
        metadata={"incident": incident},
    )


def _taken(error: NameTaken | RequestConflict) -> Failure:
    if isinstance(error, NameTaken):
        return Failure(
            code=grpc.StatusCode.ALREADY_EXISTS,
            reason=f"{error.kind.upper()}_EXISTS",
            message=f"{error.kind} {error.name} exists",
            metadata={"kind": error.kind, "name": error.name},
        )
    return Failure(
        code=grpc.StatusCode.ALREADY_EXISTS,
        reason="REQUEST_ID_REUSED",
        message=f"request id {error.request_id} was used with another body",
        metadata={"request_id": error.request_id},
    )


def _not_now(reason: str, subject: str) -> Failure:
    return Failure(
        code=grpc.StatusCode.FAILED_PRECONDITION,
        reason=reason,
        message=f"refused: {reason} ({subject})",
        metadata={"subject": subject},
    )


def details_of(failure: Failure) -> bytes:
    """The serialized google.rpc.Status with ErrorInfo, field violation and RetryInfo."""
    parts: list[any_pb2.Any] = []
    info = error_details_pb2.ErrorInfo(
        reason=failure.reason, domain=DOMAIN, metadata=failure.metadata
    )
    parts.append(_packed(info))
    if failure.violation:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=failure.violation, description=failure.message
        )
        parts.append(_packed(error_details_pb2.BadRequest(field_violations=[violation])))
    if failure.is_retryable:
        delay = Duration(seconds=RETRY_SECONDS)
        parts.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
    number: int = failure.code.value[0]
    status = status_pb2.Status(code=number, message=failure.message, details=parts)
    return bytes(status.SerializeToString())


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
