"""Log and market store as one thing to write to: no event is durable before the market it cites."""

from collections.abc import Sequence
from threading import Lock

from margingate_engine.market.snapshot import MarketSnapshot
from margingate_server.ledger.market_log import MarketLog
from margingate_server.ledger.market_store import MarketStore
from margingate_server.ledger.store import EventDraft, Store


class Journal:
    """What a shard decided, made durable. One thread appends at a time; any may prune beside it."""

    def __init__(self, store: Store, markets: MarketStore) -> None:
        self.store = store
        self._markets = markets
        self._market_log = MarketLog(markets)
        self._writing_markets = Lock()

    def append(self, events: Sequence[EventDraft], markets: Sequence[MarketSnapshot]) -> None:
        """Make `markets`, ascending by version, durable, and then the events that cite them.

        A market that is stored already is left out. Raises as MarketLog.write and Store.append;
        then nothing may be assumed of either store until `reopen()`. A crash in between leaves a
        market that no event cites.
        """
        if markets:
            with self._writing_markets:
                self._market_log.write(markets, events[-1].recorded_ns)
        self.store.append(events)

    def reopen(self) -> None:
        """Open both stores anew after a failure of either; raises what opening raises."""
        self.store.reopen()
        with self._writing_markets:
            self._markets.reopen()
            self._market_log = MarketLog(self._markets)

    @property
    def market_version_min(self) -> int:
        """The least version that a new market may have: beyond every one that is stored."""
        newest = self._markets.newest_version
        return 0 if newest is None else newest + 1

    def newest_market(self) -> MarketSnapshot | None:
        """The last market that a decision rested on; raises as MarketReader.snapshot."""
        newest = self._markets.newest_version
        return None if newest is None else self._markets.snapshot(newest)

    def prune_markets(self, recorded_ns: int) -> int:
        """See MarketStore.prune_before."""
        with self._writing_markets:
            return self._markets.prune_before(recorded_ns)
