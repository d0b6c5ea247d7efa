"""The markets that a log cites, read along with it: each is decoded once."""

from collections.abc import Iterator

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_store import MarketReader
from margingate_server.ledger.store import CorruptLedger


class MarketWalk:
    """Looks versions up; fast as long as they ascend, as those of a log do."""

    def __init__(self, reader: MarketReader) -> None:
        self._reader = reader
        self._ahead: Iterator[MarketSnapshot] | None = None
        self._last: MarketSnapshot | None = None

    def at(self, version: int) -> MarketSnapshot | None:
        """The version; None where it was pruned, or nothing was ever stored.

        CorruptLedger, with the version as its seq, where it is damaged or lost.
        """
        try:
            snapshot = self._walked_to(version)
        except CorruptLedger:
            # What is after the damage can be read from its own keyframe on.
            self._ahead = self._last = None
            raise
        if snapshot is None:
            oldest = self._reader.oldest_version
            if oldest is not None and version > oldest:
                problem = f"market version {version} is cited and not stored"
                raise CorruptLedger(version, "market", problem)
        return snapshot

    def _walked_to(self, version: int) -> MarketSnapshot | None:
        if self._ahead is None or (self._last is not None and self._last.version > version):
            self._last, self._ahead = None, self._reader.snapshots(version)
        while self._last is None or self._last.version < version:
            self._last = next(self._ahead, None)
            if self._last is None:
                self._ahead = None
                return None
        return self._last if self._last.version == version else None
