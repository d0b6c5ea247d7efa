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


def test_an_answer_is_kept_for_a_whole_day_and_no_longer() -> None:
    index = RequestIndex()
    index.remember("request", "a", "old", answer(1, 0))
    index.remember("request", "a", "at the end", answer(2, REMEMBERED_NS))
    assert index.find("request", "a", "old") == answer(1, 0)
    index.remember("request", "a", "beyond", answer(3, REMEMBERED_NS + 1))
    assert index.find("request", "a", "old") is None
    assert index.find("request", "a", "at the end") is not None
    assert len(index) == 2


def test_beyond_the_capacity_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "CAPACITY", 3)
    index = RequestIndex()
    for number in range(5):
        index.remember("request", "a", str(number), answer(number))
    assert len(index) == 3
    assert [index.find("request", "a", str(number)) is not None for number in range(5)] == [
        *(False, False, True, True, True)
    ]


def test_a_clock_that_jumped_back_forgets_nothing() -> None:
    index = RequestIndex()
    index.remember("request", "a", "r", answer(1, 2 * REMEMBERED_NS))
    index.remember("request", "a", "s", answer(2, 0))
    assert index.find("request", "a", "r") is not None
    assert index.find("request", "a", "s") is not None


def test_a_router_can_retry_for_a_day() -> None:
    assert REMEMBERED_NS == 24 * 3_600 * 10**9
