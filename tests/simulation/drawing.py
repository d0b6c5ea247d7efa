"""Orders and fills as chance has them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random

from tests.reference.account import Account
from tests.simulation.exchange import Exchange
from tests.simulation.ids import Ids
from tests.simulation.instruments import BY_NAME
from tests.simulation.requests import Check, Fill, LegAsked
from tests.simulation.simulated_clock import SECOND_NS, SimulatedClock

OrderName = tuple[str, str]
"""Account and order id."""


@dataclass(slots=True)
class Drawing:
    """booked: what an account should hold."""

    random: Random
    exchange: Exchange
    clock: SimulatedClock
    ids: Ids
    booked: Callable[[str], Account | None]

    def price(self, leg: LegAsked) -> int:
        """A limit in 1e-9 near the market."""
        return self.exchange.limit_nano(leg.instrument)

    def leg(self, name: str) -> LegAsked:
        """A leg in an instrument, of hundreds of USD or of more than a million."""
        instrument = BY_NAME[name]
        notional = 10 ** self.random.uniform(2.5, 6.2 if instrument.is_future else 5.2)
        index = self.exchange.index[instrument.underlying]
        per_lot = instrument.size_nano / 1e9
        if not instrument.is_inverse_future:
            per_lot *= index
        is_market = self.random.random() < 0.05
        return LegAsked(
            name,
            self.random.choice((-1, 1)),
            max(1, round(notional / per_lot)),
            None if is_market else self.exchange.limit_nano(name),
        )

    def check(self, account: str) -> Check:
        """An order of one leg or several, now and then sent long ago."""
        count = self.random.choice((1, 1, 1, 1, 2, 3, 5))
        names = self.random.sample(self.exchange.traded(), count)
        sent_ns = self.clock.true_ns()
        if self.random.random() < 0.01:
            sent_ns -= 2 * 3_600 * SECOND_NS
        return Check(
            account=account,
            request_id=self.ids.fresh("r"),
            order_id=self.ids.fresh("o"),
            legs=tuple(self.leg(name) for name in names),
            is_combo=self.random.random() < 0.3,
            sent_ns=sent_ns,
            hold_ns=self._hold_ns(),
        )

    def closing_check(self, account: str) -> Check | None:
        """An order against a position, more or less as large; often reduce-only."""
        holdings = self.booked(account)
        if holdings is None or not holdings.positions:
            return None
        name, position = self.random.choice(list(holdings.positions.items()))
        lots = max(1, round(abs(position.lots) * self.random.choice((0.3, 0.7, 1, 2))))
        leg = replace(self.leg(name), side=-1 if position.lots > 0 else 1, lots=lots)
        is_reduce_only = self.random.random() < 0.5
        check = self.check(account)
        return replace(check, legs=(leg,), is_combo=False, is_reduce_only=is_reduce_only)

    def fill(self, name: OrderName, leg: LegAsked, limit_nano: int) -> Fill:
        """A fill of the lots of a leg, at a limit or better."""
        tick_nano = BY_NAME[leg.instrument].tick_nano
        better = leg.side * self.random.choice((0, 0, 1, 7)) * tick_nano
        fee = self.random.choice((None, 0, 12_345, -678))
        return Fill(
            account=name[0],
            request_id=self.ids.fresh("f"),
            order_id=name[1],
            instrument=leg.instrument,
            side=leg.side,
            lots=leg.lots,
            price_nano=max(tick_nano, limit_nano - better),
            fee=fee,
        )

    def _hold_ns(self) -> int:
        """How long an order is to hold margin; mostly for good."""
        return self.random.randint(1, 6) * SECOND_NS if self.random.random() < 0.3 else 0
