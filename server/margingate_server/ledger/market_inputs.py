"""What a margin decision depends on of a market: its digest, and its bytes for the market store.

Inputs are market time, prices, vols, forwards and surcharges, and which entries were ever observed.
The version names them and is no part of them; how old an entry is, or that it is in doubt, decides
who may trade, not margin.

Surcharges are rare. Where every one is zero they are left out, and bytes and digest are those of
markets that were written before there were any.
"""

import zlib
from dataclasses import dataclass
from hashlib import blake2b
from struct import Struct
from struct import error as StructError  # noqa: N812 - a class, whatever the module calls it

import numpy as np

from margingate_engine.core.arrays import BoolArray, IntArray, read_only
from margingate_engine.market.snapshot import NEVER_OBSERVED_NS, MarketSnapshot, no_doubt
from margingate_server.ledger.market_columns import pack_column, unpack_column

# The name stands for the encoding of the digest: another encoding needs another name.
_DIGEST_NAME = b"mg-inputs-1"
_SURCHARGED_DIGEST_NAME = b"mg-inputs-2"
_DIGEST_BYTES = 16

_KEYFRAME, _DELTA = b"K", b"D"
_SURCHARGED_KEYFRAME, _SURCHARGED_DELTA = b"L", b"E"
_SURCHARGED = (_SURCHARGED_KEYFRAME, _SURCHARGED_DELTA)
_COLUMNS = 5
# Market time (of a delta its change), number of underlyings, number of instruments.
_FRONT = Struct(">qII")
# Higher levels save 6 % and take twice the time of the whole encoding; level 1 is hardly faster.
_ZLIB_LEVEL = 3


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Of one snapshot, or the change between two.

    observed: (U + I,) bool, underlyings first. columns: index (U,), mark, vol, forward and
    surcharge (I,).
    """

    market_time_ns: int
    observed: BoolArray
    columns: tuple[IntArray, ...]

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
                snapshot.surcharge_ppm_i,
            ),
        )

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.columns[0]), len(self.columns[1])

    @property
    def kept_columns(self) -> tuple[IntArray, ...]:
        """The columns that are written: the last only where it is not all zero."""
        return self.columns if self.columns[-1].any() else self.columns[:-1]

    @property
    def front(self) -> bytes:
        return _FRONT.pack(self.market_time_ns, *self.counts) + np.packbits(self.observed).tobytes()

    def since(self, base: "_Inputs") -> "_Inputs":
        """The change from `base` to these."""
        pairs = zip(self.columns, base.columns, strict=True)
        return _Inputs(
            self.market_time_ns - base.market_time_ns,
            self.observed ^ base.observed,
            tuple(new - old for new, old in pairs),
        )

    def after(self, base: "_Inputs") -> "_Inputs":
        """What `base` became by this change."""
        pairs = zip(self.columns, base.columns, strict=True)
        return _Inputs(
            self.market_time_ns + base.market_time_ns,
            self.observed ^ base.observed,
            tuple(change + old for change, old in pairs),
        )

    def snapshot(self, version: int) -> MarketSnapshot:
        count_u, count_i = self.counts
        observed_ns = np.where(self.observed, 0, NEVER_OBSERVED_NS)
        index_nano_u, mark_nano_i, vol_nano_i, forward_nano_i, surcharge_ppm_i = map(
            read_only, self.columns
        )
        return MarketSnapshot(
            version=version,
            market_time_ns=self.market_time_ns,
            index_nano_u=index_nano_u,
            observed_ns_u=read_only(observed_ns[:count_u]),
            mark_nano_i=mark_nano_i,
            vol_nano_i=vol_nano_i,
            forward_nano_i=forward_nano_i,
            observed_ns_i=read_only(observed_ns[count_u:]),
            surcharge_ppm_i=surcharge_ppm_i,
            doubt_u=no_doubt(count_u),
            doubt_i=no_doubt(count_i),
        )


def inputs_digest(snapshot: MarketSnapshot) -> str:
    """32 hex digits that stand for the inputs: equal if, and only if, all of them are."""
    inputs = _Inputs.of(snapshot)
    columns = inputs.kept_columns
    name = _SURCHARGED_DIGEST_NAME if len(columns) == _COLUMNS else _DIGEST_NAME
    digest = blake2b(inputs.front, digest_size=_DIGEST_BYTES, person=name)
    for column in columns:
        digest.update(column.astype("<i8", copy=False).tobytes())
    return digest.hexdigest()


def can_be_delta(base: MarketSnapshot, snapshot: MarketSnapshot) -> bool:
    """True while no instrument or underlying was added: a table only grows."""
    return _Inputs.of(base).counts == _Inputs.of(snapshot).counts


def encode_keyframe(snapshot: MarketSnapshot) -> bytes:
    """The inputs as bytes that are read without any others."""
    return _packed(_KEYFRAME, _SURCHARGED_KEYFRAME, _Inputs.of(snapshot))


def encode_delta(base: MarketSnapshot, snapshot: MarketSnapshot) -> bytes:
    """The inputs as exact differences to those of `base`; `can_be_delta` must hold."""
    assert can_be_delta(base, snapshot), "a table that has grown needs a keyframe"
    change = _Inputs.of(snapshot).since(_Inputs.of(base))
    return _packed(_DELTA, _SURCHARGED_DELTA, change)


def is_keyframe(body: bytes) -> bool:
    """True when `decode` needs no base for `body`."""
    return body[:1] in (_KEYFRAME, _SURCHARGED_KEYFRAME)


def decode(body: bytes, base: MarketSnapshot | None, version: int) -> MarketSnapshot:
    """The snapshot with the inputs in `body`; arrays read-only, `observed_ns_*` 0 where observed.

    base: what a delta was encoded against; a keyframe needs none. Raises ValueError for bytes that
    no encoder gave. Whether they are the right inputs only the digest can tell.
    """
    inputs = _unpacked(body[1:], is_surcharged=body[:1] in _SURCHARGED)
    if is_keyframe(body):
        return inputs.snapshot(version)
    if body[:1] not in (_DELTA, _SURCHARGED_DELTA) or base is None:
        raise ValueError("neither a keyframe nor a delta with its base")
    before = _Inputs.of(base)
    if before.counts != inputs.counts:
        raise ValueError(f"a delta of {inputs.counts} entries to {before.counts}")
    return inputs.after(before).snapshot(version)


def _packed(name: bytes, surcharged_name: bytes, inputs: _Inputs) -> bytes:
    columns = inputs.kept_columns
    content = inputs.front + b"".join(map(pack_column, columns))
    first = surcharged_name if len(columns) == _COLUMNS else name
    return first + zlib.compress(content, _ZLIB_LEVEL)


def _unpacked(packed: bytes, *, is_surcharged: bool) -> _Inputs:
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
    surcharge = np.zeros(count_i, dtype=np.int64)
    if is_surcharged:
        surcharge, rest = unpack_column(rest, count_i)
    if len(rest):
        raise ValueError(f"{len(rest)} bytes too many")
    observed = np.unpackbits(bits, count=count).astype(np.bool_)
    return _Inputs(market_time_ns, observed, (index, mark, vol, forward, surcharge))
