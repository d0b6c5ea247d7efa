"""What a margin decision depends on of a market: its digest, and its bytes for the market store.

Inputs are market time, prices, vols and forwards, and which entries were ever observed. The
version names them and is no part of them; how old an entry is decides freshness, not margin.
"""

import zlib
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from struct import error as StructError  # noqa: N812 - a class, whatever the module calls it

import numpy as np

from margingate_engine.market.snapshot import NEVER_OBSERVED_NS, MarketSnapshot
from margingate_engine.market.table import BoolArray, IntArray, read_only
from margingate_server.ledger.market_columns import pack_column, unpack_column

# The name stands for the encoding of the digest: another encoding needs another name.
_DIGEST_NAME = b"mg-inputs-1"
_DIGEST_BYTES = 16

_KEYFRAME, _DELTA = b"K", b"D"
# Market time (of a delta its change), number of underlyings, number of instruments.
_FRONT = Struct(">qII")
# Higher levels save 6 % and take twice the time of the whole encoding; level 1 is hardly faster.
_ZLIB_LEVEL = 3


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Of one snapshot, or the change between two.

    observed: (U + I,) bool, underlyings first. columns: index (U,), mark, vol, forward (I,).
    """

    market_time_ns: int
    observed: BoolArray
    columns: tuple[IntArray, IntArray, IntArray, IntArray]

    @classmethod
    def of(cls, snapshot: MarketSnapshot) -> "_Inputs":
        observed_ns = np.concatenate((snapshot.observed_ns_u, snapshot.observed_ns_i))
        return cls(
            snapshot.market_time_ns,
            observed_ns >= 0,
            (
                snapshot.index_nano_u,
                snapshot.mark_nano_i,
                snapshot.vol_nano_i,
                snapshot.forward_nano_i,
            ),
        )

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.columns[0]), len(self.columns[1])

    @property
    def front(self) -> bytes:
        return _FRONT.pack(self.market_time_ns, *self.counts) + np.packbits(self.observed).tobytes()

    def since(self, base: "_Inputs") -> "_Inputs":
        """The change from `base` to these."""
        new, old = self.columns, base.columns
        return _Inputs(
            self.market_time_ns - base.market_time_ns,
            self.observed ^ base.observed,
            (new[0] - old[0], new[1] - old[1], new[2] - old[2], new[3] - old[3]),
        )

    def after(self, base: "_Inputs") -> "_Inputs":
        """What `base` became by this change."""
        new, old = self.columns, base.columns
        return _Inputs(
            self.market_time_ns + base.market_time_ns,
            self.observed ^ base.observed,
            (new[0] + old[0], new[1] + old[1], new[2] + old[2], new[3] + old[3]),
        )

    def snapshot(self, version: int) -> MarketSnapshot:
        count_u, _ = self.counts
        observed_ns = np.where(self.observed, 0, NEVER_OBSERVED_NS)
        index_nano_u, mark_nano_i, vol_nano_i, forward_nano_i = map(read_only, self.columns)
        return MarketSnapshot(
            version=version,
            market_time_ns=self.market_time_ns,
            index_nano_u=index_nano_u,
            observed_ns_u=read_only(observed_ns[:count_u]),
            mark_nano_i=mark_nano_i,
            vol_nano_i=vol_nano_i,
            forward_nano_i=forward_nano_i,
            observed_ns_i=read_only(observed_ns[count_u:]),
        )


def inputs_digest(snapshot: MarketSnapshot) -> str:
    """32 hex digits that stand for the inputs: equal if, and only if, all of them are."""
    inputs = _Inputs.of(snapshot)
    digest = blake2b(inputs.front, digest_size=_DIGEST_BYTES, person=_DIGEST_NAME)
    for column in inputs.columns:
        digest.update(column.astype("<i8", copy=False).tobytes())
    return digest.hexdigest()


def can_be_delta(base: MarketSnapshot, snapshot: MarketSnapshot) -> bool:
    """True while no instrument or underlying was added: a table only grows."""
    return _Inputs.of(base).counts == _Inputs.of(snapshot).counts


def encode_keyframe(snapshot: MarketSnapshot) -> bytes:
    """The inputs as bytes that are read without any others."""
    return _KEYFRAME + _packed(_Inputs.of(snapshot))


def encode_delta(base: MarketSnapshot, snapshot: MarketSnapshot) -> bytes:
    """The inputs as exact differences to those of `base`; `can_be_delta` must hold."""
    assert can_be_delta(base, snapshot), "a table that has grown needs a keyframe"
    return _DELTA + _packed(_Inputs.of(snapshot).since(_Inputs.of(base)))


def is_keyframe(body: bytes) -> bool:
    """True when `decode` needs no base for `body`."""
    return body[:1] == _KEYFRAME


def decode(body: bytes, base: MarketSnapshot | None, version: int) -> MarketSnapshot:
    """The snapshot with the inputs in `body`; arrays read-only, `observed_ns_*` 0 where observed.

    base: what a delta was encoded against; a keyframe needs none. Raises ValueError for bytes that
    no encoder gave. Whether they are the right inputs only the digest can tell.
    """
    inputs = _unpacked(body[1:])
    if is_keyframe(body):
        return inputs.snapshot(version)
    if body[:1] != _DELTA or base is None:
        raise ValueError("neither a keyframe nor a delta with its base")
    before = _Inputs.of(base)
    if before.counts != inputs.counts:
        raise ValueError(f"a delta of {inputs.counts} entries to {before.counts}")
    return inputs.after(before).snapshot(version)


def _packed(inputs: _Inputs) -> bytes:
    return zlib.compress(inputs.front + b"".join(map(pack_column, inputs.columns)), _ZLIB_LEVEL)


def _unpacked(packed: bytes) -> _Inputs:
    try:
        content = memoryview(zlib.decompress(packed))
        market_time_ns, count_u, count_i = _FRONT.unpack_from(content)
    except (zlib.error, StructError) as error:
        raise ValueError(str(error)) from error
    count = count_u + count_i
    end = _FRONT.size + (count + 7) // 8
    if end > len(content):
        raise ValueError(f"no bits of {count} entries")
    bits = np.frombuffer(content[_FRONT.size : end], dtype=np.uint8)
    index, rest = unpack_column(content[end:], count_u)
    mark, rest = unpack_column(rest, count_i)
    vol, rest = unpack_column(rest, count_i)
    forward, rest = unpack_column(rest, count_i)
    if len(rest):
        raise ValueError(f"{len(rest)} bytes too many")
    observed = np.unpackbits(bits, count=count).astype(np.bool_)
    return _Inputs(market_time_ns, observed, (index, mark, vol, forward))
