"""The rows of a market store as a chain: each is verified, and follows the one before it."""

from collections.abc import Iterable, Sequence

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_inputs import decode, inputs_digest
from margingate_server.ledger.market_store import MarketDraft
from margingate_server.ledger.store import CorruptLedger


def refuse_disorder(newest_version: int | None, drafts: Sequence[MarketDraft]) -> None:
    """ValueError unless `drafts` ascend and follow each other, the first `newest_version`."""
    previous = newest_version
    for draft in drafts:
        if draft.previous_version != previous:
            raise ValueError(f"market version {draft.version} does not follow {previous}")
        if previous is not None and draft.version <= previous:
            raise ValueError(f"market version {draft.version} is not after {previous}")
        previous = draft.version


def refuse_gap(previous: int | None, draft: MarketDraft, place: str) -> None:
    """CorruptLedger unless `draft` says that it follows `previous`, the row before it."""
    if draft.previous_version != previous:
        missing = draft.version if draft.previous_version is None else draft.previous_version
        problem = f"market version {missing} is missing before {draft.version}"
        raise CorruptLedger(missing, place, problem)


def verified(draft: MarketDraft, base: MarketSnapshot | None, place: str) -> MarketSnapshot:
    """The snapshot of `draft`, a keyframe or a delta of `base`; CorruptLedger unless right."""
    version = draft.version
    try:
        snapshot = decode(draft.body, base, version)
    except ValueError as error:
        raise CorruptLedger(version, place, f"market version {version}: {error}") from error
    if inputs_digest(snapshot) != draft.digest:
        problem = f"market version {version}: the digest does not match the inputs"
        raise CorruptLedger(version, place, problem)
    return snapshot


def last_of_run(run: Iterable[MarketDraft], place: str) -> MarketSnapshot:
    """The last snapshot of `run`, which starts with a keyframe; CorruptLedger as `verified`."""
    base: MarketSnapshot | None = None
    for draft in run:
        base = verified(draft, base, place)
    assert base is not None, "a run has at least its keyframe"
    return base
