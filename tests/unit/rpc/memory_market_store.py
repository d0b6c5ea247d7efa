"""A market store in memory, for what happens around one: it can fail, and it can be slow."""

from collections.abc import Callable, Iterator, Sequence
from errno import EIO

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_chain import last_of_run, refuse_disorder, verified
from margingate_server.ledger.market_inputs import is_keyframe
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.store import StoreFailure

PLACE = "memory"
PRUNE_MAX = 1000


class MemoryMarketStore:
    """A MarketStore without files.

    before_put: called with the drafts before they are kept; what it raises fails the put.
    keeps_failed: whether the drafts of a failed put turn out to be kept all the same.
    """

    def __init__(self) -> None:
        self.drafts: list[MarketDraft] = []
        self.before_put: Callable[[Sequence[MarketDraft]], None] = lambda _drafts: None
        self.keeps_failed = False
        self.has_failed = False
        self.reopened_count = 0
        self._newest_version: int | None = None

    @property
    def oldest_version(self) -> int | None:
        return self.drafts[0].version if self.drafts else None

    @property
    def newest_version(self) -> int | None:
        return self._newest_version

    @property
    def size_bytes(self) -> int:
        return sum(len(draft.body) for draft in self.drafts)

    def put(self, drafts: Sequence[MarketDraft]) -> None:
        self._refuse_after_failure("put")
        refuse_disorder(self._newest_version, drafts)
        try:
            self.before_put(drafts)
        except BaseException:
            self.has_failed = True
            if self.keeps_failed:
                self.drafts = [*self.drafts, *drafts]
            raise
        self.drafts = [*self.drafts, *drafts]
        self._newest_version = self.drafts[-1].version if self.drafts else None

    def digest(self, version: int) -> str | None:
        return next((draft.digest for draft in self.drafts if draft.version == version), None)

    def snapshot(self, version: int) -> MarketSnapshot | None:
        drafts = [draft for draft in self.drafts if draft.version <= version]
        if not drafts or drafts[-1].version != version:
            return None
        return last_of_run(drafts[_last_keyframe(drafts) :], PLACE)

    def snapshots(self, from_version: int = 0) -> Iterator[MarketSnapshot]:
        drafts = list(self.drafts)
        older = [draft for draft in drafts if draft.version <= from_version]
        base: MarketSnapshot | None = None
        for draft in drafts[_last_keyframe(older) if older else 0 :]:
            base = verified(draft, base, PLACE)
            if draft.version >= from_version:
                yield base

    def prune_before(self, recorded_ns: int) -> int:
        self._refuse_after_failure("prune")
        looked_at = self.drafts[:PRUNE_MAX]
        young = [at for at, draft in enumerate(looked_at) if draft.recorded_ns >= recorded_ns]
        until = looked_at[: young[0] + 1] if young else looked_at
        removed = _last_keyframe(until) if until else 0
        self.drafts = self.drafts[removed:]
        return removed

    def reopen(self) -> None:
        self.reopened_count += 1
        self.has_failed = False
        self._newest_version = self.drafts[-1].version if self.drafts else None

    def close(self) -> None:
        """Nothing is to be given back."""

    def _refuse_after_failure(self, operation: str) -> None:
        if self.has_failed:
            raise StoreFailure(operation, EIO, "refused after an earlier failure")


def _last_keyframe(drafts: Sequence[MarketDraft]) -> int:
    return max(at for at, draft in enumerate(drafts) if is_keyframe(draft.body))
