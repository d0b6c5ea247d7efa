"""Columns of integers as few bytes: what neighbours share is left out, then the rest is packed.

Prices move in ticks, and instruments side by side have the same forward and nearly the same vol.
So a column is stored as the differences of neighbours, divided by their greatest common divisor,
in no more bytes each than the largest needs, and byte by byte: all lowest bytes first. A general
compressor then finds what is left. All of it is exact for every 64-bit integer: sums that overflow
come back by the same overflow.
"""

from struct import Struct
from struct import error as StructError  # noqa: N812 - a class, whatever the module calls it

import numpy as np

from margingate_engine.core.arrays import IntArray, read_only

# The common divisor, and how many bytes each difference has; of a column of zeros none.
_FRONT = Struct(">qB")
_WORD_BYTES = 8


def pack_column(column: IntArray) -> bytes:
    """The bytes of `column` (N,) int64; its length is not among them."""
    difference = column.astype(np.int64)
    difference[1:] -= column[:-1]
    divisor = int(np.gcd.reduce(difference)) or 1
    if divisor != 1:
        difference //= divisor
    # The sign goes to the lowest bit, so that what is near zero has few bits on either side of it.
    folded = ((difference << 1) ^ (difference >> 63)).astype("<u8")
    width = (int(folded.max(initial=0)).bit_length() + 7) // 8
    byte_planes = folded.view(np.uint8).reshape(-1, _WORD_BYTES)[:, :width].T
    return _FRONT.pack(divisor, width) + byte_planes.tobytes()


def unpack_column(packed: memoryview, count: int) -> tuple[IntArray, memoryview]:
    """(read-only column of `count` integers, what follows it in `packed`).

    Raises ValueError where `packed` holds no such column.
    """
    try:
        divisor, width = _FRONT.unpack_from(packed)
    except StructError as error:
        raise ValueError(str(error)) from error
    end = _FRONT.size + width * count
    if width > _WORD_BYTES or end > len(packed):
        raise ValueError(f"no column of {count} integers of {width} bytes")
    byte_planes = np.frombuffer(packed[_FRONT.size : end], dtype=np.uint8).reshape(width, count)
    words = np.zeros((count, _WORD_BYTES), dtype=np.uint8)
    words[:, :width] = byte_planes.T
    folded = words.view("<u8").reshape(count).astype(np.uint64)
    difference = (folded >> 1).astype(np.int64) ^ -(folded & 1).astype(np.int64)
    return read_only(np.cumsum(difference * divisor, dtype=np.int64)), packed[end:]
