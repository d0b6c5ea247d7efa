"""The chain: what a hash covers, and what verification tells apart."""

from dataclasses import fields, replace
from hashlib import sha256
from typing import Any

import pytest

from margingate_server.ledger.chain import EMPTY, GENESIS, encode, link, seal, verify
from margingate_server.ledger.store import CorruptLedger, EventDraft, EventRecord, Head
from tests.unit.ledger.conformance import drafts

DRAFT = drafts(1)[0]


def sealed(draft: EventDraft = DRAFT, previous: Head = EMPTY) -> EventRecord:
    seq = previous.seq + 1
    return seal(draft, seq, link(previous.hash, encode(seq, draft)))


def with_field(record: EventRecord, name: str, value: object) -> EventRecord:
    changes: dict[str, Any] = {name: value}
    return replace(record, **changes)


def test_the_encoding_is_written_down_byte_by_byte() -> None:
    draft = EventDraft(
        account="a",
        version=2,
        request_id="rr",
        kind="kkk",
        body=b"\xff",
        model="",
        parameters_digest="d",
        market_version=-1,
        recorded_ns=258,
    )
    expected = (
        "0000000000000007 0000000000000002 ffffffffffffffff 0000000000000102"
        "00000001 00000002 00000003 00000000 00000001 00000001"
        "61 7272 6b6b6b 64 ff"
    )
    assert encode(7, draft) == bytes.fromhex(expected)


def test_the_genesis_and_the_first_hash_never_change() -> None:
    assert sha256(b"margingate ledger, event encoding 1").digest() == GENESIS
    assert sealed().hash == sha256(GENESIS + encode(1, DRAFT)).digest()
    assert sealed().hash.hex().startswith("b345530c77d28d85")


@pytest.mark.parametrize("name", [field.name for field in fields(EventRecord)])
def test_a_change_of_any_field_is_seen(name: str) -> None:
    record = sealed()
    value = getattr(record, name)
    changed = value + 1 if isinstance(value, int) else value + value[:1]
    assert changed != value
    assert verify(EMPTY, record, "here") == (1, record.hash)
    with pytest.raises(CorruptLedger) as caught:
        verify(EMPTY, with_field(record, name, changed), "here")
    assert (caught.value.seq, caught.value.place) == (1, "here")


def test_moving_a_byte_from_one_field_to_the_next_changes_the_encoding() -> None:
    left = replace(DRAFT, account="ab", request_id="c")
    right = replace(DRAFT, account="a", request_id="bc")
    assert encode(1, left) != encode(1, right)


def test_a_gap_is_named_by_the_event_that_is_missing() -> None:
    first = sealed()
    second = sealed(previous=Head(1, first.hash))
    with pytest.raises(CorruptLedger, match="missing") as caught:
        verify(EMPTY, second, "here")
    assert caught.value.seq == 1


def test_a_record_on_another_history_is_refused() -> None:
    first = sealed()
    on_another = sealed(previous=Head(1, sha256(b"another").digest()))
    with pytest.raises(CorruptLedger, match="hash"):
        verify(Head(1, first.hash), on_another, "here")


@pytest.mark.parametrize(
    ("name", "value"), [("account", b"alpha"), ("body", "text"), ("version", 1.5), ("kind", None)]
)
def test_a_value_of_another_type_is_corruption_and_not_a_crash(name: str, value: object) -> None:
    with pytest.raises(CorruptLedger, match="not an event"):
        verify(EMPTY, with_field(sealed(), name, value), "here")
