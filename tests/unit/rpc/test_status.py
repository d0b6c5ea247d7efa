"""One table from exceptions to statuses: code, reason, domain, fields, and nothing secret."""

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from margingate_engine.core.errors import InvalidInput, MissingData, ModelFailure
from margingate_engine.core.reasons import RejectReason
from margingate_server.rpc.lane import LedgerDown
from margingate_server.rpc.status import DOMAIN, Failure, details_of, failure_of
from margingate_server.service.refusals import (
    AmendPending,
    NameTaken,
    NotNow,
    RequestConflict,
    UnknownName,
)

Code = grpc.StatusCode
TABLE = [
    (InvalidInput("order.legs[0].side", "is unknown"), Code.INVALID_ARGUMENT, "INVALID_FIELD"),
    (UnknownName("account", "a"), Code.NOT_FOUND, "ACCOUNT_NOT_FOUND"),
    (UnknownName("instrument", "X"), Code.NOT_FOUND, "INSTRUMENT_NOT_FOUND"),
    (UnknownName("request", "r"), Code.NOT_FOUND, "REQUEST_NOT_FOUND"),
    (UnknownName("order", "o"), Code.NOT_FOUND, "ORDER_NOT_FOUND"),
    (AmendPending("o"), Code.FAILED_PRECONDITION, "AMEND_PENDING"),
    (NameTaken("account", "a"), Code.ALREADY_EXISTS, "ACCOUNT_EXISTS"),
    (RequestConflict("r"), Code.ALREADY_EXISTS, "REQUEST_ID_REUSED"),
    (
        NotNow(RejectReason.INSUFFICIENT_INITIAL_MARGIN, "USD"),
        Code.FAILED_PRECONDITION,
        "INSUFFICIENT_INITIAL_MARGIN",
    ),
    (MissingData("NEAR"), Code.FAILED_PRECONDITION, "MARKET_DATA_MISSING"),
    (LedgerDown(), Code.UNAVAILABLE, "LEDGER_DOWN"),
]
UNFORESEEN = [
    ModelFailure("secret"),
    KeyError("secret"),
    AssertionError("secret"),
    OSError(5, "secret", "/secret/path"),
]


def never(error: Exception) -> str:
    raise AssertionError(f"{error!r} was taken for unforeseen")


def unpacked(failure: Failure) -> tuple[status_pb2.Status, dict[str, object]]:
    status = status_pb2.Status.FromString(details_of(failure))
    found: dict[str, object] = {}
    for each in status.details:
        kind = each.type_url.rpartition(".")[2]
        message = getattr(error_details_pb2, kind)()
        assert each.Unpack(message)
        assert kind not in found
        found[kind] = message
    return status, found


@pytest.mark.parametrize(
    ("error", "code", "reason"), TABLE, ids=[f"{type(e).__name__}-{r}" for e, _, r in TABLE]
)
def test_every_foreseen_exception_has_its_code_and_reason(
    error: Exception, code: grpc.StatusCode, reason: str
) -> None:
    failure = failure_of(error, never)
    assert (failure.code, failure.reason) == (code, reason)
    status, found = unpacked(failure)
    assert (status.code, status.message) == (code.value[0], failure.message)
    info = found["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == (reason, DOMAIN) == (reason, "margingate")


@pytest.mark.parametrize(("error", "code", "_reason"), TABLE)
def test_every_variable_of_the_message_is_in_the_metadata(
    error: Exception, code: grpc.StatusCode, _reason: str
) -> None:
    failure = failure_of(error, never)
    assert failure.code is code
    for variable in (*error.args, *vars(error).values()):
        if isinstance(variable, str) and variable in failure.message:
            assert variable in failure.metadata.values()


def test_a_malformed_field_is_named_as_a_violation() -> None:
    _, found = unpacked(failure_of(InvalidInput("order.legs[0].side", "is unknown"), never))
    bad = found["BadRequest"]
    assert isinstance(bad, error_details_pb2.BadRequest)
    (violation,) = bad.field_violations
    assert violation.field == "order.legs[0].side"
    assert violation.description == "order.legs[0].side is unknown"


def test_only_what_passes_by_itself_may_be_retried_soon() -> None:
    for error, code, _ in TABLE:
        _, found = unpacked(failure_of(error, never))
        assert ("RetryInfo" in found) == (code is Code.UNAVAILABLE)
    retry = unpacked(failure_of(LedgerDown(), never))[1]["RetryInfo"]
    assert isinstance(retry, error_details_pb2.RetryInfo)
    assert retry.retry_delay.seconds == 1


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_what_nobody_foresaw_tells_an_incident_and_nothing_else(error: Exception) -> None:
    seen: list[Exception] = []

    def incident_of(unforeseen: Exception) -> str:
        seen.append(unforeseen)
        return "0123456789ab"

    failure = failure_of(error, incident_of)
    assert seen == [error]
    assert failure.code is Code.INTERNAL
    assert failure.metadata == {"incident": "0123456789ab"}
    assert b"secret" not in details_of(failure)
    assert "secret" not in failure.message
