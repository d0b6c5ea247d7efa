"""Drawn books of ten kinds: what somebody who trades so may hold. Seeded, the same every time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from types import MappingProxyType

from margingate_engine.core.amounts import USD
from margingate_server.crash_study.chain import Chain

NOTIONAL_USD = (50_000.0, 3_000_000.0)
"""Least and most that a book is about, drawn evenly in the logarithm."""

COVER = (1.15, 6.0)
"""Least and most equity at the start, of what the book requires, drawn likewise."""


@dataclass(slots=True)
class Book:
    """What an account starts with.

    quantities: signed, by instrument. collateral: what the book itself consists of, by asset.
    posted: the asset that is posted on top, until equity is `cover` times what is required.
    """

    account: str
    kind: str
    posted: str
    cover: float
    quantities: dict[str, Decimal] = field(default_factory=dict)
    collateral: dict[str, Decimal] = field(default_factory=dict)

    def add(self, name: str, quantity: Decimal) -> None:
        """Hold some more of an instrument, or less."""
        total = self.quantities.get(name, Decimal(0)) + quantity
        self.quantities[name] = total
        if not total:
            del self.quantities[name]

    def own(self, coin: str, coins: float) -> None:
        """Own some more coins."""
        amount = Decimal(str(round(coins, 4)))
        self.collateral[coin] = self.collateral.get(coin, Decimal(0)) + amount


@dataclass(frozen=True, slots=True)
class Draw:
    """One book in the making: of a coin, about so many coins."""

    random: Random
    chain: Chain
    coins: float
    book: Book

    @property
    def usd(self) -> float:
        """What that many coins are worth."""
        return self.coins * self.chain.index

    def trade(
        self, share: float, days: tuple[float, float], deviations: float, *, is_call: bool
    ) -> int:
        """Place of an option of which `share` of the coins (signed) is now in the book."""
        place = self.chain.option(self.random.uniform(*days), deviations, is_call=is_call)
        lots = self.chain.lots_of(abs(share) * self.coins)
        self.book.add(self.chain.names[place], lots if share > 0 else -lots)
        return place

    def future(self, usd: float, name: str | None = None) -> None:
        """Have some more USD (signed) of a future, the perpetual unless named."""
        quantity = self.chain.usd_lots(usd)
        if quantity:
            self.book.add(name or self.chain.perpetual, quantity)


def covered_call(draw: Draw) -> None:
    """Coins, or a perpetual instead of them, and calls sold on most of them."""
    if draw.random.random() < 0.5:
        draw.book.own(draw.chain.coin, draw.coins)
    else:
        draw.future(draw.usd)
    away = draw.random.uniform(0.3, 1.5)
    draw.trade(-draw.random.uniform(0.6, 1.0), (14, 60), away, is_call=True)


def short_strangle(draw: Draw) -> None:
    """A put and a call out of the money, both sold."""
    away = draw.random.uniform(0.5, 1.3)
    days = draw.random.uniform(5, 60)
    for is_call, deviations in ((False, -away), (True, away)):
        draw.trade(-1.0, (days, days), deviations, is_call=is_call)


def put_seller(draw: Draw) -> None:
    """Puts of one to three expiries, sold out of the money."""
    legs = draw.random.randint(1, 3)
    for _ in range(legs):
        away = draw.random.uniform(-1.5, -0.3)
        draw.trade(-1.0 / legs, (3, 60), away, is_call=False)


def hedged_straddle(draw: Draw) -> None:
    """A straddle sold, its delta hedged by the perpetual, some with wings bought."""
    days = draw.random.uniform(10, 60)
    places = [draw.trade(-1.0, (days, days), 0.0, is_call=each) for each in (False, True)]
    coins = float(draw.chain.lots_of(draw.coins))
    delta = -coins * sum(draw.chain.delta(place) for place in places)
    draw.future(-delta * draw.chain.index)
    if draw.random.random() < 0.5:
        for is_call, deviations in ((False, -1.8), (True, 1.8)):
            draw.trade(1.0, (days, days), deviations, is_call=is_call)


def carry(draw: Draw) -> None:
    """A dated future sold against coins, or against the perpetual."""
    if draw.random.random() < 0.5:
        draw.book.own(draw.chain.coin, draw.coins)
    else:
        draw.future(draw.usd)
    draw.future(-draw.usd, draw.chain.future(draw.random.uniform(15, 240)))


def long_options(draw: Draw) -> None:
    """Calls, puts or both, bought."""
    sides = draw.random.choice(((True,), (False,), (True, False)))
    days = draw.random.uniform(7, 120)
    for is_call in sides:
        away = draw.random.uniform(-0.2, 1.0) * (1 if is_call else -1)
        draw.trade(1.0, (days, days), away, is_call=is_call)


def calendar(draw: Draw) -> None:
    """A near option sold, a later one of the same right bought."""
    is_call, away = draw.random.random() < 0.5, draw.random.uniform(-0.3, 0.3)
    draw.trade(-1.0, (9, 20), away, is_call=is_call)
    draw.trade(1.0, (45, 100), away, is_call=is_call)


def leveraged_long(draw: Draw) -> None:
    """The perpetual or a dated future, bought."""
    is_dated = draw.random.random() < 0.25
    draw.future(draw.usd, draw.chain.future(draw.random.uniform(15, 150)) if is_dated else None)


def spread(draw: Draw) -> None:
    """A put spread sold, some with a call spread sold, too."""
    days, away = draw.random.uniform(7, 60), draw.random.uniform(0.3, 0.9)
    wide = draw.random.uniform(0.4, 1.0)
    sides = ((False, -1.0), (True, 1.0)) if draw.random.random() < 0.6 else ((False, -1.0),)
    for is_call, sign in sides:
        draw.trade(-1.0, (days, days), sign * away, is_call=is_call)
        draw.trade(1.0, (days, days), sign * (away + wide), is_call=is_call)


SINGLE: Mapping[str, Callable[[Draw], None]] = MappingProxyType(
    {
        "covered call": covered_call,
        "short strangle": short_strangle,
        "put seller": put_seller,
        "hedged straddle": hedged_straddle,
        "carry": carry,
        "long options": long_options,
        "calendar": calendar,
        "leveraged long": leveraged_long,
        "spread": spread,
    }
)
"""Kinds of one coin, by name."""

MIXED = "mixed"
KINDS = (*SINGLE, MIXED)


def drawn_books(chains: Sequence[Chain], count: int, seed: int) -> list[Book]:
    """So many books, of every kind about as many, in the order of their accounts' numbers."""
    random = Random(seed)  # noqa: S311 - drawn to be repeated, not to be secret
    return [_drawn(random, chains, KINDS[number % len(KINDS)], number) for number in range(count)]


def _drawn(random: Random, chains: Sequence[Chain], kind: str, number: int) -> Book:
    chain = random.choice(chains)
    posted = USD if random.random() < 0.5 else chain.coin
    book = Book(
        account=f"{kind.replace(' ', '-')}-{number:04d}",
        kind=kind,
        posted=posted,
        cover=_log_uniform(random, COVER),
    )
    usd = _log_uniform(random, NOTIONAL_USD)
    if kind != MIXED:
        SINGLE[kind](Draw(random, chain, usd / chain.index, book))
        return book
    for each in random.sample(sorted(SINGLE), 3):
        own = random.choice(chains)
        SINGLE[each](Draw(random, own, usd / 3 / own.index, book))
    return book


def _log_uniform(random: Random, ends: tuple[float, float]) -> float:
    low, high = ends
    return float(low * (high / low) ** random.random())
