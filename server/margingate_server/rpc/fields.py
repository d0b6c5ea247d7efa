"""Checks of request fields that are the same everywhere. InvalidInput names the field."""

import re
from collections.abc import Mapping
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from margingate_engine.core.errors import InvalidInput

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_INSTRUMENT = re.compile(r"[A-Za-z0-9._-]{1,64}")
_UNDERLYING = re.compile(r"[A-Z0-9]{1,16}")
PAGE_SIZE_DEFAULT = 100
PAGE_SIZE_MAX = 1_000
TEXT_LENGTH_MAX = 256

ValueT = TypeVar("ValueT")
NumberT = TypeVar("NumberT", bound=int)


def identifier(text: str, field: str) -> str:
    """An account, order, request or fill id."""
    if _ID.fullmatch(text) is None:
        raise InvalidInput(field, "must have 1 to 64 characters of A-Z a-z 0-9 . _ : -")
    return text


def instrument_name(text: str, field: str) -> str:
    """A venue symbol."""
    if _INSTRUMENT.fullmatch(text) is None:
        raise InvalidInput(field, "must have 1 to 64 characters of A-Z a-z 0-9 . _ -")
    return text


def underlying_name(text: str, field: str) -> str:
    """A coin or currency."""
    if _UNDERLYING.fullmatch(text) is None:
        raise InvalidInput(field, "must have 1 to 16 characters of A-Z 0-9")
    return text


def free_text(text: str, field: str) -> str:
    """Words for people."""
    if len(text) > TEXT_LENGTH_MAX:
        raise InvalidInput(field, f"may have at most {TEXT_LENGTH_MAX} characters")
    return text


def enum_value(number: NumberT, known: Mapping[NumberT, ValueT], field: str) -> ValueT:
    """What an enum number means; unspecified and unknown numbers are refused."""
    if number not in known:
        raise InvalidInput(field, "is unspecified or unknown")
    return known[number]


def page_size(requested: int, field: str = "page_size") -> int:
    """Size of a page, the default for 0."""
    if not 0 <= requested <= PAGE_SIZE_MAX:
        raise InvalidInput(field, f"must lie in [0, {PAGE_SIZE_MAX}]")
    return requested or PAGE_SIZE_DEFAULT


def count_between(count: int, low: int, high: int, field: str) -> None:
    """Refuse a list that is too short or too long."""
    if not low <= count <= high:
        raise InvalidInput(field, f"must have {low} to {high} entries")


def time_ns(stamp: Timestamp, field: str) -> int:
    """Nanoseconds since 1970 of a timestamp between 2000 and 2262."""
    if not (946_684_800 <= stamp.seconds < 9_214_646_400 and 0 <= stamp.nanos < 10**9):
        raise InvalidInput(field, "is missing or not a time between 2000 and 2261")
    return stamp.seconds * 10**9 + stamp.nanos


def timestamp(ns: int) -> Timestamp:
    """A timestamp of nanoseconds since 1970."""
    seconds, nanos = divmod(ns, 10**9)
    return Timestamp(seconds=seconds, nanos=nanos)
