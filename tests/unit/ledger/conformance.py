"""What every Store does, as functions over a factory that opens one and the same ledger.

A test of a store is parametrised over BEHAVIOURS. The factory may be called again once the store
it gave is closed.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from threading import Event, Thread

import pytest

from margingate_server.ledger.chain import EMPTY, GENESIS, encode, link
from margingate_server.ledger.store import CorruptLedger, EventDraft, EventRecord, Store

OpenStore = Callable[[], Store]

_DRAFT = EventDraft(
    account="alpha",
    version=1,
    request_id="request-1",
    kind="order_accepted",
    body=b"\x00body\xff",
    model="span",
    parameters_digest="5f2c",
    market_version=3,
    recorded_ns=1_760_000_000_000_000_000,
)


def drafts(count: int, *, start: int = 1, body: bytes = _DRAFT.body) -> list[EventDraft]:
    """`count` different events of one account, versions from `start`."""
    return [
        replace(_DRAFT, version=version, request_id=f"request-{version}", body=body)
        for version in range(start, start + count)
    ]


def as_drafts(records: Sequence[EventRecord]) -> list[EventDraft]:
    """The drafts that `records` were made from."""
    return [
        EventDraft(**{name: getattr(record, name) for name in EventDraft.__slots__})
        for record in records
    ]


def an_empty_ledger_has_the_genesis_head_and_no_event(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        assert store.head == EMPTY == (0, GENESIS)
        assert list(store.read()) == []
        assert store.get(0) is None
        assert store.get(1) is None
        assert store.find("alpha", "request-1") is None


def events_are_read_back_in_order_with_consecutive_seqs(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        appended = store.append(drafts(3)) + store.append(drafts(1, start=4))
        assert [record.seq for record in appended] == [1, 2, 3, 4]
        assert as_drafts(appended) == drafts(4)
        assert list(store.read()) == appended


def every_hash_covers_the_one_before(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        store.append(drafts(2))
        store.append(drafts(2, start=3))
        previous = GENESIS
        for record in store.read():
            assert record.hash == link(previous, encode(record.seq, record))
            previous = record.hash
        assert store.head == (4, previous)


def an_append_of_nothing_changes_nothing(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        store.append(drafts(1))
        head, bytes_written = store.head, store.bytes_written
        assert store.append([]) == []
        assert (store.head, store.bytes_written) == (head, bytes_written)


def bytes_written_grow_by_more_than_the_body(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        store.append(drafts(1, body=b""))
        empty_bytes = store.bytes_written
        store.append(drafts(1, start=2, body=b"x" * 1000))
        assert store.bytes_written == 2 * empty_bytes + 1000


def a_read_after_a_seq_gives_only_what_follows(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        appended = store.append(drafts(5))
        assert list(store.read(after_seq=2)) == appended[2:]
        assert list(store.read(after_seq=5)) == []


def a_read_after_the_end_of_the_log_is_refused(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        store.append(drafts(2))
        with pytest.raises(CorruptLedger) as caught:
            list(store.read(after_seq=3))
        assert caught.value.seq == 3


def a_long_log_is_read_whole(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        for start in range(1, 2501, 500):
            store.append(drafts(500, start=start))
        assert [record.seq for record in store.read()] == list(range(1, 2501))


def get_gives_the_event_at_a_seq(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        appended = store.append(drafts(3))
        assert [store.get(seq) for seq in range(-1, 5)] == [None, None, *appended, None]


def events_of_kinds_are_read_from_a_part_of_the_log(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        made = [replace(each, kind=f"kind_{each.version % 3}") for each in drafts(9)]
        appended = store.append(made)
        both = {"kind_0", "kind_1"}
        assert store.read_kinds(both, 0, 9) == [appended[n] for n in (0, 2, 3, 5, 6, 8)]
        assert store.read_kinds({"kind_2"}, 2, 8) == [appended[4], appended[7]]
        assert store.read_kinds({"kind_2"}, 8, 9) == []
        assert store.read_kinds(both, 9, 20) == []


def find_gives_the_newest_event_of_a_request(open_store: OpenStore) -> None:
    other = replace(_DRAFT, account="beta", version=1)
    again = replace(_DRAFT, version=2, kind="order_amended")
    with closing(open_store()) as store:
        _, theirs, newest, _ = store.append([_DRAFT, other, again, *drafts(1, start=3)])
        assert store.find("alpha", "request-1") == newest
        assert store.find("beta", "request-1") == theirs
        assert store.find("beta", "request-3") is None
        assert store.find("gamma", "request-1") is None


def odd_values_survive(open_store: OpenStore) -> None:
    odd = [
        replace(_DRAFT, account="", version=1, request_id="", body=b"", model=""),
        replace(_DRAFT, account="konto ü 口座 🙂", request_id="a\x00b", kind="'; DROP TABLE event"),
        replace(_DRAFT, body=bytes(range(256)) * 400),
        replace(_DRAFT, market_version=-(2**63), recorded_ns=2**63 - 1, version=2**63 - 1),
        replace(_DRAFT, account="123", request_id="1e3", parameters_digest="0x10"),
    ]
    with closing(open_store()) as store:
        appended = store.append(odd)
        assert as_drafts(appended) == odd
        assert list(store.read()) == appended
        assert store.find("konto ü 口座 🙂", "a\x00b") == appended[1]


def what_cannot_be_stored_is_refused_and_nothing_of_its_group_is_written(
    open_store: OpenStore,
) -> None:
    bad = [replace(_DRAFT, market_version=2**63), replace(_DRAFT, account="\ud800")]
    with closing(open_store()) as store:
        store.append(drafts(1))
        for event in bad:
            with pytest.raises(ValueError, match=r".+"):
                store.append([*drafts(1, start=2), event])
        assert [record.seq for record in store.append(drafts(1, start=2))] == [2]
        assert as_drafts(list(store.read())) == drafts(2)


def a_ledger_opened_again_goes_on_where_it_ended(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        appended = store.append(drafts(3))
        head = store.head
    with closing(open_store()) as store:
        assert store.head == head
        appended += store.append(drafts(2, start=4))
        assert list(store.read()) == appended


def reopen_keeps_every_event_and_goes_on(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        appended = store.append(drafts(3))
        store.reopen()
        assert store.head == (3, appended[-1].hash)
        appended += store.append(drafts(2, start=4))
        store.reopen()
        assert list(store.read()) == appended


def the_appending_thread_may_change(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        for start in range(1, 9, 2):
            thread = Thread(target=store.append, args=(drafts(2, start=start),))
            thread.start()
            thread.join()
        assert as_drafts(list(store.read())) == drafts(8)


def a_reader_beside_the_writer_sees_whole_transactions(open_store: OpenStore) -> None:
    lengths: list[int] = []
    is_done = Event()
    with closing(open_store()) as store:

        def read_until_done() -> None:
            while not is_done.is_set():
                lengths.append(sum(1 for _ in store.read()))

        reader = Thread(target=read_until_done)
        reader.start()
        for start in range(1, 701, 7):
            store.append(drafts(7, start=start))
        is_done.set()
        reader.join()
        assert sum(1 for _ in store.read()) == 700
    assert lengths
    assert all(length % 7 == 0 for length in lengths)
    assert lengths == sorted(lengths)


def a_read_left_half_way_is_in_nobodys_way(open_store: OpenStore) -> None:
    with closing(open_store()) as store:
        store.append(drafts(2))
        halfway = store.read()
        first = next(halfway)
        store.append(drafts(1, start=3))
        store.reopen()
        assert [first.seq, *(record.seq for record in halfway)] in ([1, 2], [1, 2, 3])


BEHAVIOURS: tuple[Callable[[OpenStore], None], ...] = (
    an_empty_ledger_has_the_genesis_head_and_no_event,
    events_are_read_back_in_order_with_consecutive_seqs,
    every_hash_covers_the_one_before,
    an_append_of_nothing_changes_nothing,
    bytes_written_grow_by_more_than_the_body,
    a_read_after_a_seq_gives_only_what_follows,
    a_read_after_the_end_of_the_log_is_refused,
    a_long_log_is_read_whole,
    get_gives_the_event_at_a_seq,
    events_of_kinds_are_read_from_a_part_of_the_log,
    find_gives_the_newest_event_of_a_request,
    odd_values_survive,
    what_cannot_be_stored_is_refused_and_nothing_of_its_group_is_written,
    a_ledger_opened_again_goes_on_where_it_ended,
    reopen_keeps_every_event_and_goes_on,
    the_appending_thread_may_change,
    a_reader_beside_the_writer_sees_whole_transactions,
    a_read_left_half_way_is_in_nobodys_way,
)
