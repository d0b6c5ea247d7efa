"""Whether the market store holds what decisions cite."""

from pathlib import Path

from margingate_server.ledger.events import AnyEvent, Decided, cited_market
from margingate_server.ledger.sqlite_market_digests import stored_digests
from margingate_server.ledger.sqlite_market_reading import SqliteMarketReader
from margingate_server.ledger.sqlite_market_store import FILE_NAME
from margingate_server.ledger.store import CorruptLedger, EventRecord


class Citations:
    """The markets that events cite: by version the digest, and how many events cite it."""

    def __init__(self) -> None:
        self._cited: dict[int, tuple[bytes, int]] = {}

    def add(self, record: EventRecord, event: AnyEvent) -> None:
        """Note what an event cites; CorruptLedger when others cite that version otherwise."""
        text = cited_market(event)
        if not text:
            return
        version, digest = record.market_version, text.encode()
        if isinstance(event, Decided):
            version = event.decision.market_version
        known, count = self._cited.get(version, (digest, 0))
        if known != digest:
            problem = f"cites market version {version} with another digest than events before it"
            raise CorruptLedger(record.seq, "event", problem)
        self._cited[version] = (digest, count + 1)

    def take(self, version: int) -> tuple[bytes, int] | None:
        """(digest, how many events cite it) of a version, which then is dealt with."""
        return self._cited.pop(version, None)

    def left(self) -> dict[int, int]:
        """How many events cite each version that is not dealt with."""
        return {version: count for version, (_, count) in self._cited.items()}


def check_markets(directory: Path, citations: Citations, *, is_deep: bool) -> str:
    """What the market store holds of what is cited, in words; CorruptLedger where it is wrong.

    is_deep: also decode the inputs of every version and work their digests out anew.
    """
    path = directory / FILE_NAME
    row_count = cited_count = 0
    oldest: int | None = None
    if path.exists():
        for version, digest in stored_digests(path):
            row_count += 1
            digest_and_count = citations.take(version)
            if digest_and_count is None:
                continue
            if digest_and_count[0] != digest.encode():
                problem = f"market version {version} is not the one that decisions cite"
                raise CorruptLedger(version, str(path), problem)
            cited_count += digest_and_count[1]
        # Afterwards: what was pruned meanwhile is not lost.
        oldest = SqliteMarketReader(path).oldest_version
        if is_deep:
            for _ in SqliteMarketReader(path).snapshots():
                pass
    left = citations.left()
    # Retention keeps the newest version there is, so that not all of them can be pruned.
    lost = [version for version in left if oldest is None or version >= oldest]
    if lost:
        problem = f"market version {min(lost)} is cited by decisions and missing"
        raise CorruptLedger(min(lost), str(path), problem)
    pruned_count = sum(left.values())
    decisions = f"{cited_count:,} decisions cite what is stored, {pruned_count:,} what was pruned"
    return f"{row_count:,} versions; {decisions}"
