"""Which request ids are remembered, and for how long."""

import pytest

from margingate_server.ledger import requests
from margingate_server.ledger.requests import REMEMBERED_NS, Remembered, RequestIndex


def answer(seq: int, recorded_ns: int = 0) -> Remembered:
    return Remembered("digest", seq, recorded_ns)


def test_what_was_remembered_is_found_under_its_own_key_alone() -> None:
    index = RequestIndex()
    index.remember("request", "a", "r", answer(1))
    assert index.find("request", "a", "r") == answer(1)
    assert index.find("fill", "a", "r") is None
    assert index.find("request", "b", "r") is None
    assert index.find("request", "a", "s") is None


def test_accounts_and_ids_do_not_run_into_each_other() -> None:
    index = RequestIndex()
    index.remember("request", "ab", "c", answer(1))
    assert index.find("request", "a", "bc") is None


def index_of(
    count: int, monkeypatch: pytest.MonkeyPatch, *, space: str = "request"
) -> RequestIndex:
    """An index with room for ten and ids 0 to `count` - 1 answered at time 0."""
    monkeypatch.setattr(requests, "CAPACITY", 10)
    index = RequestIndex()
    for number in range(count):
        index.remember(space, "a", str(number), answer(number))
    return index


def found(index: RequestIndex, count: int, space: str = "request") -> list[int]:
    return [n for n in range(count) if index.find(space, "a", str(n)) is not None]


def test_what_is_packed_comes_back_whole() -> None:
    index = RequestIndex()
    for number, digest in enumerate(("", "d", "0123456789abcdef" * 4)):
        remembered = Remembered(digest, 2**62 + number, 2**62)
        index.remember("request", "a", str(number), remembered)
        assert index.find("request", "a", str(number)) == remembered


def test_an_answer_is_kept_for_a_whole_day(monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of(7, monkeypatch)
    index.remember("request", "a", "at the end", answer(8, REMEMBERED_NS))
    assert found(index, 7) == list(range(7))
    index.remember("request", "a", "beyond", answer(9, REMEMBERED_NS + 1))
    assert found(index, 7) == list(range(2, 7))
    assert index.find("request", "a", "at the end") is not None


def test_below_half_the_capacity_nothing_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_of(4, monkeypatch)
    index.remember("request", "a", "late", answer(5, 9 * REMEMBERED_NS))
    assert found(index, 4) == list(range(4))


def test_a_clock_that_jumped_ahead_forgets_two_ids_and_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = index_of(9, monkeypatch)
    index.remember("request", "a", "ahead", answer(10, 365 * REMEMBERED_NS))
    assert found(index, 9) == list(range(2, 9))


def test_beyond_the_capacity_nothing_young_is_forgotten_and_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = index_of(8, monkeypatch)
    assert (index.has_room(2), index.has_room(3)) == (True, False)
    for number in range(8, 12):
        index.remember("request", "a", str(number), answer(number))
    assert found(index, 12) == list(range(12))
    assert not index.has_room(1)


def test_fills_are_never_forgotten_and_take_no_room_of_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = index_of(20, monkeypatch, space="fill")
    assert index.has_room(10)
    index.remember("request", "a", "r", answer(21, 100 * REMEMBERED_NS))
    index.remember("fill", "a", "f", answer(22, 200 * REMEMBERED_NS))
    assert found(index, 20, "fill") == list(range(20))
    assert len(index) == 22


def test_a_clock_that_jumped_back_forgets_nothing() -> None:
    index = RequestIndex()
    index.remember("request", "a", "r", answer(1, 2 * REMEMBERED_NS))
    index.remember("request", "a", "s", answer(2, 0))
    assert index.find("request", "a", "r") is not None
    assert index.find("request", "a", "s") is not None


def test_a_router_can_retry_for_a_day() -> None:
    assert REMEMBERED_NS == 24 * 3_600 * 10**9


def test_an_index_that_was_packed_forgets_the_same_ids_as_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(requests, "CAPACITY", 100)
    first = RequestIndex()
    for number in range(80):
        first.remember("request", "a", str(number), Remembered("d", number, 0))
    fills, answers = first.packed()
    second = RequestIndex.of_packed(dict(fills), dict(answers))
    for number in range(80, 120):
        for index in (first, second):
            index.remember("request", "a", str(number), Remembered("d", number, 2 * REMEMBERED_NS))
    assert [*first.packed()[1].items()] == [*second.packed()[1].items()]
    assert len(first) == 50
    assert first.find("request", "a", "119") is not None
    assert first.find("request", "a", "60") is None
