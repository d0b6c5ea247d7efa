"""Fields that are the same everywhere."""

from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from margingate_engine.core.errors import InvalidInput
from margingate_server.rpc import fields


def is_refused(check: Callable[..., object], *arguments: object) -> bool:
    try:
        check(*arguments, "path.of.it")
    except InvalidInput as refused:
        return refused.field == "path.of.it"
    return False


@pytest.mark.parametrize("text", ["a", "A-1.b_c:d", "x" * 64])
def test_ids_have_up_to_64_plain_characters(text: str) -> None:
    assert fields.identifier(text, "f") == text


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a/b", "ä", "a\n", "\x00", "a'"])
def test_other_ids_are_refused(text: str) -> None:
    assert is_refused(fields.identifier, text)
    assert is_refused(fields.instrument_name, text)


def test_a_symbol_has_no_colon_and_a_coin_only_capitals() -> None:
    assert fields.instrument_name("BTC_USDC-27DEC24-0d5-C", "f") == "BTC_USDC-27DEC24-0d5-C"
    assert is_refused(fields.instrument_name, "a:b")
    assert fields.underlying_name("1INCH", "f") == "1INCH"
    assert all(is_refused(fields.underlying_name, bad) for bad in ("", "btc", "B-C", "B" * 17))


def test_words_for_people_have_up_to_256_characters() -> None:
    assert fields.free_text("ü" * 256, "f") == "ü" * 256
    assert fields.free_text("", "f") == ""
    assert is_refused(fields.free_text, "u" * 257)


def test_an_enum_number_that_is_not_known_is_refused() -> None:
    assert fields.enum_value(1, {1: "one"}, "f") == "one"
    assert all(is_refused(fields.enum_value, number, {1: "one"}) for number in (0, 2, -1, 2**31))


def test_a_page_has_1_to_1000_entries_and_100_when_nothing_is_said() -> None:
    assert [fields.page_size(size) for size in (0, 1, 1_000)] == [100, 1, 1_000]
    assert is_refused(fields.page_size, -1)
    assert is_refused(fields.page_size, 1_001)


def test_a_list_is_neither_too_short_nor_too_long() -> None:
    fields.count_between(1, 1, 2, "f")
    fields.count_between(2, 1, 2, "f")
    assert is_refused(fields.count_between, 0, 1, 2)
    assert is_refused(fields.count_between, 3, 1, 2)


@pytest.mark.parametrize(
    ("seconds", "nanos"),
    [
        (0, 0),
        (946_684_799, 999_999_999),
        (9_214_646_400, 0),
        (-1, 0),
        (2**62, 0),
        (1_700_000_000, -1),
        (1_700_000_000, 10**9),
    ],
)
def test_a_time_that_is_missing_or_of_another_age_is_refused(seconds: int, nanos: int) -> None:
    assert is_refused(fields.time_ns, Timestamp(seconds=seconds, nanos=nanos))


@pytest.mark.parametrize("ns", [946_684_800 * 10**9, 1_700_000_000_123_456_789])
def test_a_time_is_read_and_printed_to_the_nanosecond(ns: int) -> None:
    assert fields.time_ns(fields.timestamp(ns), "f") == ns


def test_times_before_1970_are_printed_with_positive_nanoseconds() -> None:
    assert fields.timestamp(-1) == Timestamp(seconds=-1, nanos=999_999_999)
