"""The inputs of decisions as a digest and as bytes."""

import zlib
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.arrays import IntArray
from margingate_engine.market.snapshot import NEVER_OBSERVED_NS, MarketSnapshot, Quotes, no_doubt
from margingate_engine.market.table import InstrumentTable
from margingate_server.feeds.simulated.feed import SimulatedFeed
from margingate_server.ledger.market_inputs import (
    can_be_delta,
    decode,
    encode_delta,
    encode_keyframe,
    inputs_digest,
    is_keyframe,
)

WORDS = st.integers(-(2**63), 2**63 - 1)
MARKET_TIMES = st.integers(-(2**62), 2**62 - 1)
PRICES = ("index_nano_u", "mark_nano_i", "vol_nano_i", "forward_nano_i", "surcharge_ppm_i")


@st.composite
def snapshots(draw: st.DrawFn, count_u: int = 2, count_i: int = 5) -> MarketSnapshot:
    def column(count: int, elements: st.SearchStrategy[int] = WORDS) -> IntArray:
        values = draw(st.lists(elements, min_size=count, max_size=count))
        return np.array(values, dtype=np.int64)

    observed = st.sampled_from([NEVER_OBSERVED_NS, 0, 1, 2**62])
    return MarketSnapshot(
        version=draw(st.integers(0, 100)),
        market_time_ns=draw(MARKET_TIMES),
        index_nano_u=column(count_u),
        observed_ns_u=column(count_u, observed),
        mark_nano_i=column(count_i),
        vol_nano_i=column(count_i),
        forward_nano_i=column(count_i),
        observed_ns_i=column(count_i, observed),
        surcharge_ppm_i=column(count_i) if draw(st.booleans()) else np.zeros(count_i, np.int64),
        doubt_u=no_doubt(count_u),
        doubt_i=no_doubt(count_i),
    )


def inputs(snapshot: MarketSnapshot) -> tuple[object, ...]:
    return (
        snapshot.market_time_ns,
        *(getattr(snapshot, name).tolist() for name in PRICES),
        (snapshot.observed_ns_u >= 0).tolist(),
        (snapshot.observed_ns_i >= 0).tolist(),
    )


def simulated(step_ns: int, count: int) -> list[MarketSnapshot]:
    """A chain of two underlyings as the server would see it."""
    start_ns = 1_769_160_199 * 10**9
    feed = SimulatedFeed(7, start_ns)
    table = InstrumentTable(feed.instruments())
    found = [MarketSnapshot.empty(table)]
    for tick in range(count):
        update = feed.update(start_ns + tick * step_ns)
        quotes = Quotes(
            index_by_underlying=update.index_by_underlying,
            rows=np.array([table.row_by_name[name] for name in update.names]),
            mark_price_i=update.mark_price_i,
            mark_vol_i=update.mark_vol_i,
            forward_price_i=update.forward_price_i,
        )
        found.append(
            found[-1].with_quotes(
                table, quotes, market_time_ns=update.market_time_ns, observed_ns=start_ns
            )
        )
    return found[1:]


@given(snapshots())
def test_a_keyframe_holds_every_input(snapshot: MarketSnapshot) -> None:
    body = encode_keyframe(snapshot)
    assert is_keyframe(body)
    decoded = decode(body, None, 42)
    assert decoded.version == 42
    assert inputs(decoded) == inputs(snapshot)


@given(snapshots(), snapshots())
def test_a_delta_holds_every_input_given_its_base(
    base: MarketSnapshot, snapshot: MarketSnapshot
) -> None:
    body = encode_delta(base, snapshot)
    assert not is_keyframe(body)
    assert inputs(decode(body, base, 42)) == inputs(snapshot)


@given(snapshots())
def test_what_is_decoded_is_read_only_and_knows_no_age(snapshot: MarketSnapshot) -> None:
    for body, base in ((encode_keyframe(snapshot), None), (encode_delta(snapshot, snapshot),) * 2):
        decoded = decode(body, snapshot if base else None, 1)
        arrays = [getattr(decoded, each.name) for each in fields(decoded)[2:]]
        assert all(not array.flags.writeable for array in arrays)
        assert [array.dtype.name for array in arrays] == ["int64"] * 7 + ["int8"] * 2
        assert not decoded.doubt_u.any()
        assert not decoded.doubt_i.any()
        ages = {*decoded.observed_ns_u.tolist(), *decoded.observed_ns_i.tolist()}
        assert ages <= {0, NEVER_OBSERVED_NS}


def test_a_market_without_instruments_has_its_bytes_too() -> None:
    empty = replace(MarketSnapshot.empty(InstrumentTable(())), version=3)
    assert inputs(decode(encode_keyframe(empty), None, 3)) == inputs(empty)
    assert inputs(decode(encode_delta(empty, empty), empty, 3)) == inputs(empty)


@given(snapshots(), st.data())
def test_the_digest_sees_every_input(snapshot: MarketSnapshot, data: st.DataObject) -> None:
    digest = inputs_digest(snapshot)
    name = data.draw(st.sampled_from(PRICES))
    changed = getattr(snapshot, name).copy()
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 62))
    assert inputs_digest(replace(snapshot, **{name: changed})) != digest
    later = replace(snapshot, market_time_ns=snapshot.market_time_ns + 1)
    assert inputs_digest(later) != digest
    for name in ("observed_ns_u", "observed_ns_i"):
        turned = getattr(snapshot, name).copy()
        turned[-1] = NEVER_OBSERVED_NS if turned[-1] >= 0 else 0
        assert inputs_digest(replace(snapshot, **{name: turned})) != digest


@given(snapshots())
def test_the_digest_sees_no_version_and_no_age(snapshot: MarketSnapshot) -> None:
    other = replace(
        snapshot,
        version=snapshot.version + 1,
        observed_ns_i=np.where(snapshot.observed_ns_i >= 0, 77, NEVER_OBSERVED_NS),
    )
    assert inputs_digest(other) == inputs_digest(snapshot)
    assert len(inputs_digest(snapshot)) == 32


def test_the_digest_knows_which_column_and_table_a_price_belongs_to() -> None:
    def zeros(count: int) -> IntArray:
        return np.zeros(count, dtype=np.int64)

    def market(count_u: int, count_i: int, **columns: IntArray) -> MarketSnapshot:
        return replace(
            MarketSnapshot(
                version=1,
                market_time_ns=0,
                index_nano_u=zeros(count_u),
                observed_ns_u=zeros(count_u),
                mark_nano_i=zeros(count_i),
                vol_nano_i=zeros(count_i),
                forward_nano_i=zeros(count_i),
                observed_ns_i=zeros(count_i),
                surcharge_ppm_i=zeros(count_i),
                doubt_u=no_doubt(count_u),
                doubt_i=no_doubt(count_i),
            ),
            **columns,
        )

    one = np.array([1], dtype=np.int64)
    markets = [
        market(1, 1),
        market(1, 1, mark_nano_i=one),
        market(1, 1, vol_nano_i=one),
        market(1, 1, forward_nano_i=one),
        market(1, 1, index_nano_u=one),
        market(1, 1, surcharge_ppm_i=one),
        market(4, 0),
    ]
    assert len({inputs_digest(each) for each in markets}) == len(markets)


def test_the_digest_does_not_change_from_build_to_build() -> None:
    """Events name it for ever: another encoding would disown every market that was stored."""
    snapshot = MarketSnapshot(
        version=1,
        market_time_ns=1_760_000_000_000_000_000,
        index_nano_u=np.array([10**14]),
        observed_ns_u=np.array([5]),
        mark_nano_i=np.array([1, 2, 3]),
        vol_nano_i=np.array([4, 5, 6]),
        forward_nano_i=np.array([7, 8, 9]),
        observed_ns_i=np.array([5, NEVER_OBSERVED_NS, 5]),
        surcharge_ppm_i=np.zeros(3, dtype=np.int64),
        doubt_u=no_doubt(1),
        doubt_i=no_doubt(3),
    )
    assert inputs_digest(snapshot) == "ad83aad3510be24362cf9de1afff3957"
    surcharged = replace(snapshot, surcharge_ppm_i=np.array([0, 7, 0]))
    assert inputs_digest(surcharged) == "069c16846480ab6364c5a1c5a1c46e0b"


@pytest.mark.parametrize("grown", [{"count_u": 3}, {"count_i": 6}])
@given(data=st.data())
def test_a_table_that_has_grown_needs_a_keyframe(
    grown: dict[str, int], data: st.DataObject
) -> None:
    base, snapshot = data.draw(snapshots()), data.draw(snapshots(**grown))
    assert can_be_delta(base, base)
    assert not can_be_delta(base, snapshot)
    with pytest.raises(AssertionError, match="keyframe"):
        encode_delta(base, snapshot)
    with pytest.raises(ValueError, match="a delta of"):
        decode(encode_delta(snapshot, snapshot), base, 1)


@given(snapshots(), st.data())
def test_a_damaged_body_is_refused_or_shows_in_the_digest(
    snapshot: MarketSnapshot, data: st.DataObject
) -> None:
    body = bytearray(encode_keyframe(snapshot))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] ^= 1 << data.draw(st.integers(0, 7))
    cut = data.draw(st.integers(1, len(body)))
    for damaged in (bytes(body), bytes(body[:cut])):
        try:
            decoded = decode(damaged, None, snapshot.version)
        except ValueError:
            continue
        is_same = inputs(decoded) == inputs(snapshot)
        assert (inputs_digest(decoded) == inputs_digest(snapshot)) == is_same


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(15),
        # One instrument, but no bits; then bits, but no columns; then a byte too many.
        bytes(15) + b"\x01",
        bytes(15) + b"\x01" + b"\x80",
        bytes(16) + bytes(4 * 9) + b"\x00",
    ],
)
def test_bytes_of_the_wrong_length_are_refused(content: bytes) -> None:
    decode(b"K" + zlib.compress(bytes(16) + bytes(4 * 9)), None, 1)
    with pytest.raises(ValueError, match=r".+"):
        decode(b"K" + zlib.compress(content), None, 1)


@pytest.mark.parametrize("body", [b"", b"K", b"D", b"X" + zlib.compress(bytes(52)), b"Kx"])
def test_bytes_of_no_encoder_are_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode(body, None, 1)


def test_a_delta_without_its_base_is_refused() -> None:
    base, snapshot = simulated(10**9, 2)
    with pytest.raises(ValueError, match="base"):
        decode(encode_delta(base, snapshot), None, 2)


@pytest.mark.parametrize(("step_ns", "delta_bytes_max"), [(200_000_000, 1700), (10**9, 4500)])
def test_a_chain_of_two_underlyings_takes_little_room(step_ns: int, delta_bytes_max: int) -> None:
    """1,310 instruments: five looks a second at a market that moves once a second, then one."""
    chain = simulated(step_ns, 20)
    deltas = [encode_delta(chain[at - 1], chain[at]) for at in range(1, 20)]
    assert sum(map(len, deltas)) / len(deltas) < delta_bytes_max
    assert len(encode_keyframe(chain[0])) < 8500
    base = chain[0]
    for body, snapshot in zip(deltas, chain[1:], strict=True):
        base = decode(body, base, snapshot.version)
        assert inputs_digest(base) == inputs_digest(snapshot)


def test_a_market_without_surcharges_is_written_as_before_there_were_any() -> None:
    first, second = simulated(10**9, 2)
    surcharged = replace(second, surcharge_ppm_i=np.arange(len(second.mark_nano_i)))
    assert encode_keyframe(first)[:1] == b"K"
    assert encode_delta(first, second)[:1] == b"D"
    assert encode_keyframe(surcharged)[:1] == b"L"
    assert encode_delta(first, surcharged)[:1] == b"E"
    again = replace(surcharged, market_time_ns=surcharged.market_time_ns + 1)
    unchanged = encode_delta(surcharged, again)
    assert unchanged[:1] == b"D"
    assert inputs(decode(unchanged, surcharged, 9)) == inputs(again)
    lifted = encode_delta(surcharged, second)
    assert inputs(decode(lifted, surcharged, 9)) == inputs(second)
