"""Instants as files write them."""

from datetime import UTC, datetime, timedelta
from typing import Final

from margingate_engine.core.errors import InvalidInput

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant_ns(text: str, field: str) -> int:
    """Nanoseconds since 1970 of an ISO 8601 text with its zone; InvalidInput naming `field`."""
    try:
        return moment_ns(datetime.fromisoformat(text.strip()))
    except (ValueError, TypeError):
        raise InvalidInput(field, "must be an ISO 8601 instant with its zone") from None


def moment_ns(moment: datetime) -> int:
    """Nanoseconds since 1970 of a moment that knows its zone; TypeError when it does not."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
