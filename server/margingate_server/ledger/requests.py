"""Which request ids were answered, so that a retry gets its first answer and no other."""

from hashlib import blake2b
from typing import NamedTuple

REMEMBERED_NS = 24 * 3_600 * 10**9
"""How long a request id is remembered."""

CAPACITY = 2_000_000
"""How many ids are kept in memory; beyond it the oldest go, however young."""


class Remembered(NamedTuple):
    """Where the answer stands: digest of the request's body, and the event's number."""

    digest: str
    seq: int
    recorded_ns: int


class RequestIndex:
    """Answered request ids of every account, oldest first; fill ids in a space of their own."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, Remembered] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def find(self, space: str, account: str, request_id: str) -> Remembered | None:
        """What was answered, None when nothing was."""
        return self._by_key.get(_key(space, account, request_id))

    def remember(self, space: str, account: str, request_id: str, answer: Remembered) -> None:
        """Put an answer in, and let go of what is older than a day or beyond the capacity."""
        self._by_key[_key(space, account, request_id)] = answer
        while self._by_key:
            oldest = next(iter(self._by_key))
            age_ns = answer.recorded_ns - self._by_key[oldest].recorded_ns
            if age_ns <= REMEMBERED_NS and len(self._by_key) <= CAPACITY:
                return
            del self._by_key[oldest]


def _key(space: str, account: str, request_id: str) -> bytes:
    return blake2b(f"{space}\0{account}\0{request_id}".encode(), digest_size=16).digest()
