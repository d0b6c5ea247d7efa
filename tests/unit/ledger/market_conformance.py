"""What every MarketStore does, as functions over a factory that opens one and the same store.

A test of a store is parametrised over BEHAVIOURS. The factory may be called again once the store
it gave is closed.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from threading import Event, Thread

import numpy as np
import pytest

from margingate_engine.core.arrays import read_only
from margingate_engine.market.snapshot import NEVER_OBSERVED_NS, MarketSnapshot, no_doubt
from margingate_server.ledger.market_inputs import inputs_digest
from margingate_server.ledger.market_log import KEYFRAME_EVERY, MarketLog
from margingate_server.ledger.market_store import MarketStore
from margingate_server.ledger.store import CorruptLedger

OpenMarketStore = Callable[[], MarketStore]

START_NS = 1_760_000_000_000_000_000
TICK_NS = 200_000_000
SURCHARGED_SHARE = 0.3


def markets(
    count: int, *, start: int = 1, instruments: int = 9, seed: int = 5
) -> list[MarketSnapshot]:
    """`count` versions from `start` of a market that moves at random; equal for equal arguments."""
    random = np.random.default_rng((seed, start))
    index_nano_u = random.integers(10**12, 10**14, 2)
    prices_ci = random.integers(0, 10**13, (3, instruments))
    observed_i = random.random(instruments) < 0.7
    found = []
    for version in range(start, start + count):
        index_nano_u = index_nano_u + random.integers(-(10**9), 10**9, 2)
        prices_ci = np.abs(prices_ci + random.integers(-100, 100, prices_ci.shape) * 10**5)
        observed_i = observed_i | (random.random(instruments) < 0.01)
        observed_ns_i = np.where(observed_i, START_NS + version, NEVER_OBSERVED_NS)
        is_surcharged = random.random() < SURCHARGED_SHARE
        surcharge_ppm_i = random.integers(0, 10**5, instruments) * is_surcharged
        found.append(
            MarketSnapshot(
                version=version,
                market_time_ns=START_NS + version * TICK_NS,
                index_nano_u=read_only(index_nano_u.copy()),
                observed_ns_u=read_only(np.array([START_NS, NEVER_OBSERVED_NS])),
                mark_nano_i=read_only(prices_ci[0].copy()),
                vol_nano_i=read_only(prices_ci[1].copy()),
                forward_nano_i=read_only(prices_ci[2].copy()),
                observed_ns_i=read_only(observed_ns_i),
                surcharge_ppm_i=read_only(surcharge_ppm_i),
                doubt_u=no_doubt(2),
                doubt_i=no_doubt(instruments),
            )
        )
    return found


def named(snapshots: Iterable[MarketSnapshot]) -> list[tuple[int, str]]:
    """Version and digest of each."""
    return [(each.version, inputs_digest(each)) for each in snapshots]


def write(
    store: MarketStore, snapshots: Sequence[MarketSnapshot], *, recorded_ns: int = START_NS
) -> None:
    """Put all of them at once."""
    MarketLog(store).write(snapshots, recorded_ns)


def write_one_by_one(store: MarketStore, snapshots: Sequence[MarketSnapshot]) -> None:
    """Put each by itself, recorded at its market time, as one run of the server would."""
    log = MarketLog(store)
    for each in snapshots:
        log.write([each], each.market_time_ns)


def an_empty_store_has_no_version(open_store: OpenMarketStore) -> None:
    with closing(open_store()) as store:
        assert (store.oldest_version, store.newest_version) == (None, None)
        assert store.snapshot(0) is None
        assert store.digest(0) is None
        assert list(store.snapshots()) == []
        assert store.prune_before(2**62) == 0


def every_version_is_read_back_with_the_inputs_it_had(open_store: OpenMarketStore) -> None:
    written = markets(3 * KEYFRAME_EVERY)
    with closing(open_store()) as store:
        write_one_by_one(store, written)
        for snapshot in written:
            read = store.snapshot(snapshot.version)
            assert read is not None
            assert named([read]) == named([snapshot])
            assert store.digest(snapshot.version) == inputs_digest(snapshot)
        assert named(store.snapshots()) == named(written)
        assert (store.oldest_version, store.newest_version) == (1, len(written))


def ages_are_forgotten_and_what_was_never_observed_is_known(open_store: OpenMarketStore) -> None:
    (written,) = markets(1)
    with closing(open_store()) as store:
        write(store, [written])
        read = store.snapshot(1)
        assert read is not None
        assert read.observed_ns_u.tolist() == [0, NEVER_OBSERVED_NS]
        assert set(read.observed_ns_i) == {0, NEVER_OBSERVED_NS}
        assert ((read.observed_ns_i == 0) == (written.observed_ns_i >= 0)).all()
        assert not read.mark_nano_i.flags.writeable


def versions_may_be_left_out(open_store: OpenMarketStore) -> None:
    written = markets(20)[::3]
    with closing(open_store()) as store:
        write_one_by_one(store, written)
        assert [store.snapshot(version) is None for version in range(1, 9)] == [
            False, True, True, False, True, True, False, True,
        ]  # fmt: skip
        assert store.digest(2) is None
        assert named(store.snapshots(5)) == named(written[2:])
        assert store.snapshot(20) is None


def reading_may_start_anywhere(open_store: OpenMarketStore) -> None:
    written = markets(KEYFRAME_EVERY + 10)
    with closing(open_store()) as store:
        write_one_by_one(store, written)
        for start in (-5, 0, 1, 2, KEYFRAME_EVERY, KEYFRAME_EVERY + 1, KEYFRAME_EVERY + 10):
            assert named(store.snapshots(start)) == named(written[max(start - 1, 0) :])
        assert list(store.snapshots(KEYFRAME_EVERY + 11)) == []


def a_table_may_grow(open_store: OpenMarketStore) -> None:
    grown = [*markets(3), *markets(3, start=4, instruments=12)]
    with closing(open_store()) as store:
        write_one_by_one(store, grown)
        assert named(store.snapshots()) == named(grown)
        read = store.snapshot(5)
        assert read is not None
        assert len(read.mark_nano_i) == 12


def a_store_opened_again_goes_on_where_it_ended(open_store: OpenMarketStore) -> None:
    written = markets(6)
    with closing(open_store()) as store:
        write_one_by_one(store, written[:3])
    with closing(open_store()) as store:
        assert store.newest_version == 3
        write_one_by_one(store, written[3:])
        assert named(store.snapshots()) == named(written)


def reopen_keeps_every_version_and_goes_on(open_store: OpenMarketStore) -> None:
    written = markets(6)
    with closing(open_store()) as store:
        log = MarketLog(store)
        log.write(written[:3], START_NS)
        store.reopen()
        assert store.newest_version == 3
        log.write(written[3:], START_NS)
        store.reopen()
        assert named(store.snapshots()) == named(written)


def drafts_that_do_not_follow_are_refused_and_nothing_is_written(
    open_store: OpenMarketStore,
) -> None:
    with closing(open_store()) as store:
        write(store, markets(2))
        third, fourth = MarketLog(store).drafts(markets(4), START_NS)
        for bad in (
            [fourth],
            [fourth, third],
            [third, third],
            [third, replace(fourth, previous_version=2)],
            [third, replace(fourth, version=3)],
            [replace(third, previous_version=None)],
        ):
            with pytest.raises(ValueError, match="market version"):
                store.put(bad)
        assert named(store.snapshots()) == named(markets(2))
        store.put([third, fourth])
        store.put([])
        assert named(store.snapshots()) == named(markets(4))


def a_row_that_decodes_to_other_inputs_is_refused(open_store: OpenMarketStore) -> None:
    with closing(open_store()) as store:
        (first, second, third) = MarketLog(store).drafts(markets(3), START_NS)
        store.put([first, replace(second, body=third.body), third])
        assert store.snapshot(1) is not None
        for version in (2, 3):
            with pytest.raises(CorruptLedger, match="market version 2") as caught:
                store.snapshot(version)
            assert caught.value.seq == 2
        read = store.snapshots()
        assert next(read).version == 1
        with pytest.raises(CorruptLedger, match="market version 2"):
            next(read)


def pruning_removes_what_is_old_and_breaks_no_chain(open_store: OpenMarketStore) -> None:
    written = markets(4 * KEYFRAME_EVERY)
    with closing(open_store()) as store:
        write_one_by_one(store, written)
        # The first version of the third run is the last keyframe with only older ones before it.
        kept_from = 2 * KEYFRAME_EVERY + 1
        boundary_ns = START_NS + (kept_from + 5) * TICK_NS
        assert store.prune_before(START_NS) == 0
        assert store.prune_before(boundary_ns) == kept_from - 1
        assert store.prune_before(boundary_ns) == 0
        assert store.oldest_version == kept_from
        assert store.snapshot(kept_from - 1) is None
        assert named(store.snapshots()) == named(written[kept_from - 1 :])


def the_newest_version_is_never_pruned(open_store: OpenMarketStore) -> None:
    written = markets(KEYFRAME_EVERY + 3)
    with closing(open_store()) as store:
        log = MarketLog(store)
        for each in written:
            log.write([each], START_NS)
        assert store.prune_before(2**62) == KEYFRAME_EVERY
        log.write(markets(1, start=len(written) + 1), START_NS)
        assert [each.version for each in store.snapshots()] == [65, 66, 67, 68]


def pruning_goes_on_in_steps(open_store: OpenMarketStore) -> None:
    written = markets(30 * KEYFRAME_EVERY, instruments=1)
    with closing(open_store()) as store:
        write(store, written)
        removed = []
        while count := store.prune_before(2**62):
            removed.append(count)
        assert max(removed) <= 1000
        assert sum(removed) == 29 * KEYFRAME_EVERY
        assert named(store.snapshots()) == named(written[-KEYFRAME_EVERY:])


def reading_goes_on_while_what_was_read_is_pruned(open_store: OpenMarketStore) -> None:
    written = markets(10 * KEYFRAME_EVERY, instruments=1)
    with closing(open_store()) as store:
        write(store, written)
        read = store.snapshots()
        seen = [next(read)]
        while store.prune_before(2**62):
            pass
        seen += read
        assert named(seen[-KEYFRAME_EVERY:]) == named(written[-KEYFRAME_EVERY:])
        versions = [each.version for each in seen]
        assert versions == sorted(set(versions))


def the_writing_thread_may_change(open_store: OpenMarketStore) -> None:
    written = markets(8)
    with closing(open_store()) as store:
        log = MarketLog(store)
        for at in range(0, 8, 2):
            thread = Thread(target=log.write, args=(written[at : at + 2], START_NS))
            thread.start()
            thread.join()
        assert named(store.snapshots()) == named(written)


def readers_beside_the_writer_see_whole_puts(open_store: OpenMarketStore) -> None:
    written = markets(2 * KEYFRAME_EVERY)
    lengths: list[int] = []
    is_done = Event()
    with closing(open_store()) as store:
        log = MarketLog(store)

        def read_until_done() -> None:
            while not is_done.is_set():
                lengths.append(sum(1 for _ in store.snapshots()))

        reader = Thread(target=read_until_done)
        reader.start()
        for at in range(0, len(written), 4):
            log.write(written[at : at + 4], START_NS)
        is_done.set()
        reader.join()
        assert named(store.snapshots()) == named(written)
    assert lengths
    assert all(length % 4 == 0 for length in lengths)


BEHAVIOURS: tuple[Callable[[OpenMarketStore], None], ...] = (
    an_empty_store_has_no_version,
    every_version_is_read_back_with_the_inputs_it_had,
    ages_are_forgotten_and_what_was_never_observed_is_known,
    versions_may_be_left_out,
    reading_may_start_anywhere,
    a_table_may_grow,
    a_store_opened_again_goes_on_where_it_ended,
    reopen_keeps_every_version_and_goes_on,
    drafts_that_do_not_follow_are_refused_and_nothing_is_written,
    a_row_that_decodes_to_other_inputs_is_refused,
    pruning_removes_what_is_old_and_breaks_no_chain,
    the_newest_version_is_never_pruned,
    pruning_goes_on_in_steps,
    reading_goes_on_while_what_was_read_is_pruned,
    the_writing_thread_may_change,
    readers_beside_the_writer_see_whole_puts,
)
