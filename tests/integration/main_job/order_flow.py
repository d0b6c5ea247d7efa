"""A mixed stream of orders, right and wrong ones, drawn from a seed."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from tests.integration.main_job.population import lots_for
from tests.reference.account import Account
from tests.reference.book import Book
from tests.reference.contracts import Instrument
from tests.reference.orders import Leg, Order
from tests.reference.ticks import tick_at

NOTIONAL_POWERS = (3.0, 5.8)


@dataclass(slots=True)
class OrderFlow:
    """Draws orders; the mix of kinds is by shares of one."""

    book: Book
    weights: Mapping[str, float]
    source: random.Random
    _symbols: list[str] = field(init=False)
    _shares: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self._symbols, self._shares = list(self.weights), list(self.weights.values())

    def draw(self, account: Account, order_id: str) -> Order:
        """The next order of an account."""
        count = 1 if self.source.random() < 0.88 else self.source.randint(2, 4)
        symbols = list(dict.fromkeys(self._symbol(account) for _ in range(count)))
        legs = tuple(self._leg(account, symbol) for symbol in symbols)
        combo = len(legs) > 1 and self.source.random() < 0.5
        if self.source.random() < 0.03 and account.known_order_ids:
            order_id = self.source.choice(sorted(account.known_order_ids))
        return Order(order_id=order_id, legs=legs, combo=combo)

    def _symbol(self, account: Account) -> str:
        if account.positions and self.source.random() < 0.35:
            return self.source.choice(list(account.positions))
        return self.source.choices(self._symbols, self._shares)[0]

    def _leg(self, account: Account, symbol: str) -> Leg:
        instrument = self.book.instruments[symbol]
        held = account.lots(symbol)
        side = self.source.choice((1, -1))
        lots = lots_for(self.book, instrument, 10 ** self.source.uniform(*NOTIONAL_POWERS))
        if held and self.source.random() < 0.7:
            side = -1 if held > 0 else 1
            lots = self.source.randint(1, abs(held))
        leg = Leg(
            symbol=symbol,
            side=side,
            quantity=lots * instrument.lot,
            price=self._price(instrument, side),
        )
        return self._spoilt(leg, instrument)

    def _price(self, instrument: Instrument, side: int) -> Fraction | None:
        dice = self.source.random()
        if dice < 0.08:
            return None
        reach = 30 if dice < 0.12 else 2
        percent = Fraction(round(self.source.uniform(-1, reach) * 100), 10_000)
        raw = self.book.market.mark_of(instrument) * (1 + side * percent)
        tick = tick_at(instrument, raw)
        floor = 0 if instrument.is_option else 1
        ticks = max(round(raw / tick) + self.source.randint(-1, 1), floor)
        price = ticks * tick
        step = tick_at(instrument, price)
        return round(price / step) * step

    def _spoilt(self, leg: Leg, instrument: Instrument) -> Leg:
        dice = self.source.random()
        if dice < 0.02 and leg.price is not None:
            return replace(leg, price=leg.price + instrument.tick / 4)
        if dice < 0.04:
            return replace(leg, quantity=leg.quantity + instrument.lot / 2)
        if dice < 0.05:
            return replace(leg, quantity=leg.quantity * 1000)
        return leg
