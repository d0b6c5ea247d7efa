"""One call with its deadline, its routing header and its retries."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from time import sleep
from typing import Any, TypeVar

import grpc

from margingate_server.client.errors import MargingateCallError, call_error
from margingate_server.client.retry import RetryPolicy

ACCOUNT_HEADER = "x-account-id"
_ACCOUNT_GRAMMAR = re.compile(r"[A-Za-z0-9._:-]{1,64}")

_Response = TypeVar("_Response")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Makes calls. Every try has `timeout_seconds` and sends the same request, id included."""

    timeout_seconds: float
    retry: RetryPolicy
    sleep: Callable[[float], None] = sleep
    jitter: Callable[[], float] = SystemRandom().random

    def __call__(
        self,
        rpc: "grpc.UnaryUnaryMultiCallable[Any, _Response]",
        request: Any,
        timeout_seconds: float | None = None,
    ) -> _Response:
        """The answer to `request`; MargingateCallError when there is none.

        timeout_seconds: of each try, of a call that takes longer than others.
        """
        timeout_seconds = timeout_seconds or self.timeout_seconds
        tries = 0
        while True:
            tries += 1
            try:
                return rpc(request, timeout=timeout_seconds, metadata=routing(request))
            except grpc.RpcError as error:
                failure = call_error(error, _request_id(request))
            except ValueError:  # so grpc says it
                raise MargingateCallError(
                    "CANCELLED", "the connection is closed", request_id=_request_id(request)
                ) from None
            if not failure.is_unanswered or tries >= self.retry.tries_max:
                raise failure
            self.sleep(self.retry.pause_seconds(tries, self.jitter()))


def _request_id(request: Any) -> str:
    return getattr(request, "request_id", "") or getattr(request, "fill_id", "")


def routing(request: Any) -> tuple[tuple[str, str], ...]:
    """The header proxies hash on; none for an id outside the grammar: the server refuses it."""
    account = getattr(request, "account", "")
    return ((ACCOUNT_HEADER, account),) if _ACCOUNT_GRAMMAR.fullmatch(account) else ()
