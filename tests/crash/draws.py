"""Orders and fills drawn from a seed around the prices of now."""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from margingate.v1 import types_pb2 as types
from tests.crash.market import Market
from tests.integration.main_job.wire import text
from tests.reference.contracts import Instrument
from tests.reference.ticks import tick_at

NOTIONAL_POWERS = (3.3, 5.6)
REDUCE_ONLY_SHARE = 0.08
EXPIRING_SHARE = 0.1
INDEX_USD = {"BTC": Fraction(60_000), "ETH": Fraction(3_000)}


@dataclass(frozen=True, slots=True)
class Sent:
    """An order that was accepted, as its client remembers it."""

    account: str
    order: types.Order


class Draws:
    """What one client does next, by its own generator."""

    def __init__(self, market: Market, source: random.Random) -> None:
        self.source = source
        self._market = market
        self._symbols = list(market.instruments)

    def order(self, order_id: str) -> types.Order:
        """One to four legs; a combo, independent legs, a market order, now and then off tick."""
        count = self.source.choices((1, 2, 3, 4), (80, 10, 6, 4))[0]
        legs = [self._leg(name) for name in self.source.sample(self._symbols, count)]
        execution = self.source.choice(
            (types.EXECUTION_ATOMIC_COMBO, types.EXECUTION_INDEPENDENT_LEGS)
        )
        order = types.Order(
            order_id=order_id,
            legs=legs,
            execution=execution if count > 1 else types.EXECUTION_UNSPECIFIED,
            reduce_only=count == 1 and self.source.random() < REDUCE_ONLY_SHARE,
        )
        if self.source.random() < EXPIRING_SHARE:
            order.hold_duration.FromMilliseconds(self.source.randint(1_000, 1_500))
        return order

    def amended(self, legs: Iterable[types.OrderLeg]) -> list[types.OrderLeg]:
        """The legs of an order with other quantities and prices."""
        amended = []
        for leg in legs:
            instrument = self._market.instruments[leg.instrument]
            lots = int(Fraction(leg.quantity) / instrument.lot)
            changed = max(1, round(lots * self.source.choice((0.5, 1.0, 1.0, 1.5))))
            side = 1 if leg.side == types.SIDE_BUY else -1
            amended.append(
                types.OrderLeg(
                    instrument=leg.instrument,
                    side=leg.side,
                    quantity=text(changed * instrument.lot),
                    limit_price=text(self.price(instrument, side)),
                )
            )
        return amended

    def fill_of(self, leg: types.OrderLeg) -> tuple[str, str]:
        """(quantity, price) of an execution of a leg: all or a part, at its limit or better."""
        instrument = self._market.instruments[leg.instrument]
        lots = int(Fraction(leg.quantity) / instrument.lot)
        lots = self.source.choice((lots, self.source.randint(1, lots)))
        limit = Fraction(leg.limit_price) if leg.limit_price else self.price(instrument, 0)
        side = 1 if leg.side == types.SIDE_BUY else -1
        better = side * self.source.choice((0, 0, 1, 2)) * instrument.tick
        price = max(limit - better, Fraction(0))
        return text(lots * instrument.lot), text(price or limit or instrument.tick)

    def statement(self) -> list[types.Position]:
        """A few positions, or none."""
        count = self.source.choice((0, 0, 1, 3))
        tradable = [n for n, each in self._market.instruments.items() if not each.is_spot]
        return [
            types.Position(
                instrument=name, quantity=text(self._side() * self._quantity(name, (3.0, 4.5)))
            )
            for name in sorted(self.source.sample(tradable, count))
        ]

    def price(self, instrument: Instrument, side: int) -> Fraction:
        """A price on tick, mostly a little worse than the mark for that side."""
        percent = Fraction(self.source.randint(-30, 120), 10_000)
        raw = self._market.marks[instrument.symbol] * (1 + side * percent)
        step = tick_at(instrument, raw)
        return max(round(raw / step), 1) * step

    def pick(self, sent: Sequence[Sent]) -> Sent | None:
        """One of the orders, None when there is none."""
        return self.source.choice(sent) if sent else None

    def _leg(self, name: str) -> types.OrderLeg:
        instrument, side = self._market.instruments[name], self._side()
        price = text(self.price(instrument, side))
        dice = self.source.random()
        if dice < 0.07:
            price = ""
        elif dice < 0.09:
            price = text(Fraction(price) + instrument.tick / 4)
        return types.OrderLeg(
            instrument=name,
            side=types.SIDE_BUY if side > 0 else types.SIDE_SELL,
            quantity=text(self._quantity(name, NOTIONAL_POWERS)),
            limit_price=price,
        )

    def _quantity(self, name: str, powers: tuple[float, float]) -> Fraction:
        instrument = self._market.instruments[name]
        is_in_usd = instrument.is_future and instrument.inverse
        unit_usd = Fraction(1) if is_in_usd else INDEX_USD[instrument.underlying]
        notional = Fraction(10 ** self.source.uniform(*powers))
        return max(round(notional / (instrument.lot * unit_usd)), 1) * instrument.lot

    def _side(self) -> int:
        return self.source.choice((1, -1))
