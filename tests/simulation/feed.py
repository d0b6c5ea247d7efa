"""Brings the exchange's prices and instruments to the server, as a feed's thread does."""

from random import Random

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_server.rpc.lane import LedgerDown
from tests.simulation.exchange import Exchange
from tests.simulation.judge import Judge
from tests.simulation.script import Script
from tests.simulation.server import Server
from tests.simulation.simulated_clock import SimulatedClock


class Feed:
    """Calls take the process of now."""

    def __init__(
        self,
        random: Random,
        exchange: Exchange,
        clock: SimulatedClock,
        script: Script,
        judge: Judge,
    ) -> None:
        self._random = random
        self._exchange = exchange
        self._clock = clock
        self._script = script
        self._judge = judge

    def publish(self, server: Server) -> None:
        """New prices, of everything or of some; or the same ones again."""
        roll = self._random.random()
        if roll < 0.6:
            self._exchange.move()
        if roll < 0.7:
            self.publish_all(server)
            return
        kinds = {each.name: each.kind for each in self._exchange.listed}
        listed = [name for name, kind in kinds.items() if kind is not InstrumentKind.SPOT]
        names = self._random.sample(listed, self._random.randint(1, len(listed)))
        coins = [coin for coin in self._exchange.index if self._random.random() < 0.6]
        self._publish(server, names, coins)

    def publish_all(self, server: Server) -> None:
        """The price of everything."""
        self._publish(server, None, None)

    def list_one(self, server: Server) -> None:
        """The exchange lists something new."""
        if self._exchange.to_list:
            self._exchange.listed.append(self._exchange.to_list.pop(0))
            self.list_all(server)

    def list_all(self, server: Server) -> None:
        """List what the exchange lists, before every update."""
        try:
            count, _ = server.publisher.list_instruments(self._exchange.listed)
        except LedgerDown:
            self._script.say("nothing can be listed: the ledger is down")
            return
        if count:
            self._script.say("{} instruments are listed", count)
            self._script.count("listing")

    def _publish(self, server: Server, names: list[str] | None, coins: list[str] | None) -> None:
        self.list_all(server)
        update = self._exchange.update(names, coins)
        published = self._clock.instant()
        try:
            view = server.publisher.publish(update, self._clock.seconds())
        except (InvalidInput, LedgerDown) as refusal:
            self._script.say("the feed is refused: {!r}", refusal)
            self._script.count("feed refused")
            return
        what = coins or "all"
        self._script.say("the feed brings {} prices, index of {}", len(update.names), what)
        self._script.count("prices")
        self._exchange.was_taken(update, published)
        self._judge.priced(view)
