"""Writes the market versions that decisions cite: keyframes now and then, deltas between them."""

from collections.abc import Sequence

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_inputs import (
    can_be_delta,
    encode_delta,
    encode_keyframe,
    inputs_digest,
)
from margingate_server.ledger.market_store import MarketDraft, MarketStore
from margingate_server.ledger.store import CorruptLedger

KEYFRAME_EVERY = 64
"""Reading one version decodes no more than this many rows."""


class MarketLog:
    """The writing end of a market store, for one thread at a time.

    The first version after opening is a keyframe: nothing is read back for it.
    """

    def __init__(self, store: MarketStore) -> None:
        self._store = store
        self._base: MarketSnapshot | None = None
        self._run_length = 0

    def write(self, snapshots: Sequence[MarketSnapshot], recorded_ns: int) -> None:
        """Make `snapshots`, ascending by version, durable; raises as `drafts` and `put` do."""
        if drafts := self.drafts(snapshots, recorded_ns):
            self._store.put(drafts)

    def drafts(self, snapshots: Sequence[MarketSnapshot], recorded_ns: int) -> list[MarketDraft]:
        """What is to be put next, in order; versions that are stored already are left out.

        Raises CorruptLedger for a version that is stored with other inputs, or not stored though a
        newer one is.
        """
        newest = self._store.newest_version
        if self._base is not None and self._base.version != newest:
            # What was drafted last was not put, or is not there any more.
            self._base = None
        drafts = []
        for snapshot in snapshots:
            digest = inputs_digest(snapshot)
            if newest is not None and snapshot.version <= newest:
                self._refuse_another(snapshot.version, digest)
                continue
            body = self._encoded(snapshot)
            drafts.append(
                MarketDraft(
                    version=snapshot.version,
                    previous_version=newest,
                    recorded_ns=recorded_ns,
                    digest=digest,
                    body=body,
                )
            )
            newest = snapshot.version
        return drafts

    def _refuse_another(self, version: int, digest: str) -> None:
        stored = self._store.digest(version)
        if stored != digest:
            problem = "not stored, though newer ones are" if stored is None else "has other inputs"
            raise CorruptLedger(version, "market", f"market version {version}: {problem}")

    def _encoded(self, snapshot: MarketSnapshot) -> bytes:
        base, self._base = self._base, snapshot
        self._run_length += 1
        if base is None or self._run_length >= KEYFRAME_EVERY or not can_be_delta(base, snapshot):
            self._run_length = 0
            return encode_keyframe(snapshot)
        return encode_delta(base, snapshot)
