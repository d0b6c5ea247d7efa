"""Which request ids were answered, so that a retry gets its first answer and no other."""

from collections import deque
from hashlib import blake2b
from typing import NamedTuple

FILL_SPACE = "fill"
"""Ids of fills, which are kept for good; those of any other space are kept for a day."""

REMEMBERED_NS = 24 * 3_600 * 10**9
"""How long a request id is remembered at least."""

CAPACITY = 10_000_000
"""How many request ids are kept before new requests are refused; at 200 bytes each, 2 GB."""

DROPPED_MAX = 2
"""How many old ids one new id may push out: a jump of the clock cannot empty the memory at once."""


class Remembered(NamedTuple):
    """Where the answer stands: digest of the request's body, and the event's number."""

    digest: str
    seq: int
    recorded_ns: int


class RequestIndex:
    """Answered request ids of every account, oldest first; fill ids in a space of their own.

    Fill ids are kept for good, because a venue may report a fill again whenever it likes and a
    fill is never refused. Answers are packed: an id takes 150 to 250 bytes, a million of fills
    about 200 MB.
    """

    def __init__(self) -> None:
        self._fills: dict[bytes, bytes] = {}
        self._requests: dict[bytes, bytes] = {}
        # Their keys again: the first of a mapping is found only behind all that were deleted.
        self._oldest_first: deque[bytes] = deque()

    @classmethod
    def of_packed(cls, fills: dict[bytes, bytes], requests: dict[bytes, bytes]) -> "RequestIndex":
        """The index that `packed` gave these of; it goes on with them, not with copies."""
        index = cls()
        index._fills, index._requests = fills, requests
        index._oldest_first = deque(requests)
        return index

    def packed(self) -> tuple[dict[bytes, bytes], dict[bytes, bytes]]:
        """(fills, requests): what is remembered, oldest first, as it is kept; not copies."""
        return self._fills, self._requests

    def __len__(self) -> int:
        return len(self._requests) + len(self._fills)

    def has_room(self, count: int) -> bool:
        """True when `count` more request ids can be kept without forgetting a young one."""
        return len(self._requests) + count <= CAPACITY

    def find(self, space: str, account: str, request_id: str) -> Remembered | None:
        """What was answered, None when nothing was."""
        packed = self._answers(space).get(_key(space, account, request_id))
        return None if packed is None else _unpacked(packed)

    def remember(self, space: str, account: str, request_id: str, answer: Remembered) -> None:
        """Put an answer in. Above half the capacity, ids older than a day make way for it.

        Whoever must not let the index grow beyond its capacity asks `has_room` first.
        """
        answers, key = self._answers(space), _key(space, account, request_id)
        if answers is self._requests and key not in answers:
            self._oldest_first.append(key)
        answers[key] = _packed(answer)
        for _ in range(DROPPED_MAX):
            if len(self._requests) * 2 <= CAPACITY:
                return
            oldest = self._oldest_first[0]
            if answer.recorded_ns - _unpacked(self._requests[oldest]).recorded_ns <= REMEMBERED_NS:
                return
            del self._requests[self._oldest_first.popleft()]

    def _answers(self, space: str) -> dict[bytes, bytes]:
        return self._fills if space == FILL_SPACE else self._requests


def _key(space: str, account: str, request_id: str) -> bytes:
    return blake2b(f"{space}\0{account}\0{request_id}".encode(), digest_size=16).digest()


def _packed(answer: Remembered) -> bytes:
    numbers = answer.seq.to_bytes(8) + answer.recorded_ns.to_bytes(8, signed=True)
    return numbers + answer.digest.encode()


def _unpacked(packed: bytes) -> Remembered:
    seq, recorded_ns = int.from_bytes(packed[:8]), int.from_bytes(packed[8:16], signed=True)
    return Remembered(packed[16:].decode(), seq, recorded_ns)
