"""The log: one JSON object per line on stderr, the event first, times in UTC."""

import logging
import sys
from collections.abc import Callable
from typing import BinaryIO
from uuid import uuid4

import msgspec
import structlog
from structlog.typing import EventDict, WrappedLogger

LEVELS = ("debug", "info", "warning", "error")


def configure(level: str = "info", stream: BinaryIO | None = None) -> None:
    """Makes every log line of the process a JSON object on `stream` (default stderr).

    level: one of LEVELS; what is below it costs next to nothing. The standard library's loggers,
    and so gRPC's, take the same form from warning on. Raises ValueError for an unknown level.
    """
    if level not in LEVELS:
        raise ValueError(f"log level {level!r} is not one of {', '.join(LEVELS)}")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            _without_exceptions_below_error,
            structlog.processors.format_exc_info,
            _as_json,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.BytesLoggerFactory(
            sys.stderr.buffer if stream is None else stream
        ),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Bridge)]:
        root.removeHandler(handler)
    root.addHandler(_Bridge(logging.WARNING))


class Log:
    """Writes lines by the configuration in force when it was made; one is shared by all threads.

    A line that cannot be written is lost: a broken log ends nothing and nobody. The next line that
    can be written is preceded by one that says how many were lost.
    """

    def __init__(self) -> None:
        # Bound once: structlog's lazy logger would spend 5 µs of every request on binding anew.
        self._logger = structlog.get_logger().bind()
        self._lost_count = 0

    def changed(self, event: str, *, request_id: str, account: str, **fields: object) -> None:
        """Writes the one line, at info, of a request that changed something.

        event: what happened, in lower snake case ("order_accepted"). fields: of JSON's types.
        """
        self._write(self._logger.info, event, request_id=request_id, account=account, **fields)

    def told(self, event: str, **fields: object) -> None:
        """Writes a line at info about the server itself. fields: of JSON's types."""
        self._write(self._logger.info, event, **fields)

    def warned(self, event: str, **fields: object) -> None:
        """Writes a line at warning about the server itself. fields: of JSON's types."""
        self._write(self._logger.warning, event, **fields)

    def incident(self, error: BaseException, event: str, **fields: object) -> str:
        """Id, 12 hexadecimal digits, of an error nobody foresaw; logged with its traceback.

        The caller of the failed request gets the id and nothing else of the error.
        """
        incident = uuid4().hex[:12]
        self._write(self._logger.error, event, incident=incident, exc_info=error, **fields)
        return incident

    def _write(self, write: Callable[..., object], event: str, **fields: object) -> None:
        try:
            if self._lost_count:
                self._logger.warning("log_lines_lost", count=self._lost_count)
                self._lost_count = 0
            write(event, **fields)
        except Exception:  # noqa: BLE001 - what logs has better things to do than to fail
            self._lost_count += 1


class _Bridge(logging.Handler):
    """Takes the lines of libraries that log by the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            structlog.get_logger().log(
                record.levelno,
                "library_message",
                logger=record.name,
                message=record.getMessage(),
                exc_info=record.exc_info,
            )
        except Exception:  # noqa: BLE001 - a log that cannot be written must not end what logs
            self.handleError(record)


def _without_exceptions_below_error(
    _: WrappedLogger, method_name: str, event_dict: EventDict
) -> EventDict:
    """Drops tracebacks of lines below error: they name paths, and belong to incidents."""
    if method_name not in {"error", "critical"}:
        event_dict.pop("exc_info", None)
        event_dict.pop("stack_info", None)
    return event_dict


def _as_json(_: WrappedLogger, __: str, event_dict: EventDict) -> bytes:
    """The line, event first; values that JSON does not know are written as text."""
    line = {"event": event_dict.pop("event"), **event_dict}
    return msgspec.json.encode(line, enc_hook=str)
