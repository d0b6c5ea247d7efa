"""What a market store keeps, and the interface every one has.

Decisions cite a market by its version and the digest of its inputs. The inputs are kept beside the
log for as long as decisions are to be taken again; the log is whole without them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from margingate_engine.market.snapshot import MarketSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDraft:
    """One version as it is to be stored.

    previous_version: of the row before it in the store, None of the first; a delta's base.
    digest: of the inputs that `body` decodes to. recorded_ns: nanoseconds since 1970 UTC.
    """

    version: int
    previous_version: int | None
    recorded_ns: int
    digest: str
    body: bytes


class MarketReader(Protocol):
    """Reads what a market store holds; any number may do so beside the one that writes.

    Snapshots have the inputs of what was stored: `observed_ns_*` is 0 where it was observed. Every
    read raises CorruptLedger, with the version as its seq, for a row that is not what was written
    or lacks what stood before it, and StoreFailure.
    """

    @property
    def oldest_version(self) -> int | None:
        """The first version that is still there; None of an empty store."""
        ...

    @property
    def newest_version(self) -> int | None:
        """The last durable version; None of an empty store."""
        ...

    def digest(self, version: int) -> str | None:
        """The digest of the version's inputs, unverified; None where it is not stored."""
        ...

    def snapshot(self, version: int) -> MarketSnapshot | None:
        """The version, verified; None where it was never stored or is pruned."""
        ...

    def snapshots(self, from_version: int = 0) -> Iterator[MarketSnapshot]:
        """Every version from there on, ascending, each decoded once and verified."""
        ...


class MarketStore(MarketReader, Protocol):
    """Keeps the inputs of market versions. One thread writes at a time, not always the same one."""

    @property
    def size_bytes(self) -> int:
        """What the store takes on its disk."""
        ...

    def put(self, drafts: Sequence[MarketDraft]) -> None:
        """Keep `drafts`, ascending and each after the one before it; all durable on return.

        Raises StoreFailure; then all or none of them may turn out to be kept, and everything that
        writes is refused until `reopen()`. ValueError, with nothing written, for drafts that do
        not follow each other and the newest version.
        """
        ...

    def prune_before(self, recorded_ns: int) -> int:
        """How many of the oldest versions were removed, all of them recorded before `recorded_ns`.

        At most a thousand at once, so that nobody waits long: call again until it is 0. What later
        versions are deltas of stays, and so does the newest version. Raises as `put`.
        """
        ...

    def reopen(self) -> None:
        """Close and open again after a failure; then writes are accepted.

        Look at `newest_version` before the next `put`. Raises what opening raises; the store then
        goes on refusing writes.
        """
        ...

    def close(self) -> None:
        """Give everything back; closing twice is allowed, using a closed store is not."""
        ...
