"""The hash chain: each event's hash covers all of its fields and the hash before it."""

from hashlib import sha256
from struct import Struct
from struct import error as StructError  # noqa: N812 - a class, whatever the module calls it

from margingate_server.ledger.store import CorruptLedger, EventDraft, EventRecord, Head

# The text names the encoding below: another encoding needs another genesis.
GENESIS = sha256(b"margingate ledger, event encoding 1").digest()
EMPTY = Head(seq=0, hash=GENESIS)

# seq, version, market_version, recorded_ns; then the byte lengths of the six variable fields.
_FRONT = Struct(">4q6I")


def encode(seq: int, event: EventDraft | EventRecord) -> bytes:
    """The canonical bytes of `event` at `seq`: four integers, six lengths, six fields.

    All lengths stand before the fields, so no two different events share an encoding.
    Raises ValueError for what cannot be stored: an integer beyond 64 bits, text outside Unicode.
    """
    account = event.account.encode()
    request_id = event.request_id.encode()
    kind = event.kind.encode()
    model = event.model.encode()
    digest = event.parameters_digest.encode()
    body = event.body
    try:
        front = _FRONT.pack(
            seq,
            event.version,
            event.market_version,
            event.recorded_ns,
            len(account),
            len(request_id),
            len(kind),
            len(model),
            len(digest),
            len(body),
        )
    except StructError as error:
        raise ValueError(str(error)) from error
    return b"".join((front, account, request_id, kind, model, digest, body))


def link(previous_hash: bytes, encoded: bytes) -> bytes:
    """The 32-byte hash of the event with the canonical bytes `encoded` after `previous_hash`."""
    return sha256(previous_hash + encoded).digest()


def seal(event: EventDraft, seq: int, own_hash: bytes) -> EventRecord:
    """`event` as the record at `seq` with `own_hash`."""
    return EventRecord(
        seq=seq,
        account=event.account,
        version=event.version,
        request_id=event.request_id,
        kind=event.kind,
        body=event.body,
        model=event.model,
        parameters_digest=event.parameters_digest,
        market_version=event.market_version,
        recorded_ns=event.recorded_ns,
        hash=own_hash,
    )


def verify(previous: Head, record: EventRecord, place: str) -> Head:
    """The head after `record`; raises CorruptLedger at `place` unless it follows `previous`."""
    expected = previous.seq + 1
    if record.seq != expected:
        raise CorruptLedger(expected, place, f"missing; the next event is {record.seq!r}")
    try:
        own_hash = link(previous.hash, encode(expected, record))
    except (ValueError, TypeError, AttributeError) as error:
        # A flipped bit can also change a stored value's type.
        raise CorruptLedger(expected, place, f"not an event: {error}") from error
    if own_hash != record.hash:
        raise CorruptLedger(expected, place, "the hash does not match the event")
    return Head(expected, own_hash)
