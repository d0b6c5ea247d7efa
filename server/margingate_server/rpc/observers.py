"""Who is told what happens here; metrics and logs are joined to it at the root."""

import logging
from collections.abc import Callable
from typing import ParamSpec, Protocol

from margingate_engine.core.reasons import RejectReason

Told = ParamSpec("Told")

REASON_WORDS = {int(reason): reason.name.lower() for reason in RejectReason}
"""Reject reasons as metrics and logs have them; "none" for an acceptance."""


def tell(report: Callable[Told, object], *args: Told.args, **kwargs: Told.kwargs) -> None:
    """Call what must never end its caller, as observers: what it raises is logged and forgotten."""
    try:
        report(*args, **kwargs)
    except Exception:
        logging.getLogger(__name__).exception("ignored")


class DecisionObserver(Protocol):
    """Who is told about decisions; reasons in lower snake case, "none" for an acceptance."""

    def decided(self, reason: str) -> None:
        """An order was decided for the first time."""
        ...

    def replayed(self) -> None:
        """A remembered decision was answered again."""
        ...

    def previewed(self, reason: str) -> None:
        """A preview was answered."""
        ...

    def flagged(self, flag: str) -> None:
        """A fill or release did not match an open order."""
        ...


class RequestObserver(Protocol):
    """Who is told about requests."""

    def started(self) -> None:
        """A request arrived."""
        ...

    def finished(self, path: str, grpc_code: str, duration_seconds: float) -> None:
        """A request was answered."""
        ...

    def changed(self, path: str, grpc_code: str, request: object, response: object | None) -> None:
        """A request under a request id was answered."""
        ...

    def incident(self, error: Exception, path: str) -> str:
        """Id under which an error that nobody foresaw is logged."""
        ...


class StageObserver(Protocol):
    """Who is told how long parsing and printing take."""

    def decoded(self, duration_seconds: float) -> None:
        """A request was parsed."""
        ...

    def encoded(self, duration_seconds: float) -> None:
        """An answer was printed."""
        ...
