"""Accounts drawn from a seed: positions by open interest, collateral of varied size and coin."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import exp, log

from tests.reference.book import Book
from tests.reference.contracts import USD, Instrument, Limits
from tests.reference.fills import unit
from tests.reference.oracle import Oracle

MIXES = (
    {USD: 1.0},
    {"BTC": 1.0},
    {"BTC": 0.6, "ETH": 0.4},
    {USD: 0.5, "BTC": 0.3, "ETH": 0.2},
    {USD: 0.4, "BTC": 0.4, "ETH": 0.2},
    {USD: 0.7, "ETH": 0.3},
)
COLLARS = (None, Fraction("0.02"), Fraction("0.05"), Fraction("0.1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPosition:
    """A position of the opening statement; no price means the mark."""

    symbol: str
    lots: int
    entry_price: Fraction | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPlan:
    """How an account starts; deposits in units of their asset."""

    name: str
    deposits: Mapping[str, int]
    positions: tuple[StatedPosition, ...]
    limits: Limits


def moneyness_weights(book: Book) -> dict[str, float]:
    """Weights that fall with distance from the money; futures count as the money."""
    return {
        symbol: exp(-6.0 * abs(log(float(i.strike / book.market.forward[symbol]))))
        if i.is_option
        else 3.0
        for symbol, i in book.instruments.items()
        if book.market.is_priced(i)
    }


def price_usd(book: Book, instrument: Instrument) -> Fraction:
    """USD notional of one lot."""
    if instrument.is_future and instrument.inverse:
        return instrument.size
    return instrument.size * book.market.index[instrument.underlying]


def lots_for(book: Book, instrument: Instrument, notional_usd: float) -> int:
    """Whole lots nearest to a notional, at least one."""
    return max(1, round(notional_usd / float(price_usd(book, instrument))))


def draw_plan(name: str, book: Book, weights: Mapping[str, float], seed: str) -> AccountPlan:
    """An account that some orders fit and some do not."""
    source = random.Random(seed)
    tradable = {s: w for s, w in weights.items() if not book.instruments[s].is_spot}
    count = source.choice((0, 2, 4, 8, 15, 30))
    symbols = source.choices(list(tradable), list(tradable.values()), k=count)
    positions = tuple(_draw_position(s, book, source) for s in dict.fromkeys(symbols))
    return AccountPlan(
        name=name,
        deposits=_draw_deposits(book, positions, source),
        positions=positions,
        limits=Limits(
            price_collar=source.choice(COLLARS),
            max_order_quantity=source.choice((None, Fraction(150))),
            max_order_notional=source.choice((None, None, Fraction(250_000))),
        ),
    )


def _draw_position(symbol: str, book: Book, source: random.Random) -> StatedPosition:
    instrument = book.instruments[symbol]
    lots = lots_for(book, instrument, 10 ** source.uniform(3.5, 5.7)) * source.choice((1, -1))
    entry = None
    if instrument.is_future and source.random() < 0.7:
        raw = book.market.mark[symbol] * Fraction(source.randint(850, 1150), 1000)
        entry = max(round(raw / instrument.tick), 1) * instrument.tick
    return StatedPosition(symbol=symbol, lots=lots, entry_price=entry)


def _draw_deposits(
    book: Book, positions: tuple[StatedPosition, ...], source: random.Random
) -> dict[str, int]:
    """Collateral for a multiple of what the positions need, split over assets."""
    trial = Oracle(book)
    apply_positions(trial, "trial", positions)
    risk = trial.risk("trial")
    needed_usd = max(-risk.headroom, 0) / 10**6
    wanted_usd = needed_usd * source.uniform(0.6, 1.5) + 10 ** source.uniform(3.0, 5.3)
    return {
        asset: round(Fraction(share * wanted_usd) / _asset_price(book, asset) * unit(asset))
        for asset, share in source.choice(MIXES).items()
        if asset == USD or asset in book.market.index
    }


def _asset_price(book: Book, asset: str) -> Fraction:
    return Fraction(1) if asset == USD else book.market.index[asset]


def apply_positions(oracle: Oracle, name: str, positions: tuple[StatedPosition, ...]) -> None:
    """Books an opening statement."""
    account, book = oracle.accounts[name], oracle.book
    for position in positions:
        instrument = book.instruments[position.symbol]
        price = position.entry_price
        entry = book.market.mark[position.symbol] if price is None else price
        account.state(instrument, position.lots, entry)


def apply_plan(oracle: Oracle, plan: AccountPlan) -> None:
    """Brings an account of the oracle to its start."""
    oracle.accounts[plan.name].cash.update(plan.deposits)
    apply_positions(oracle, plan.name, plan.positions)
    oracle.own_limits[plan.name] = plan.limits
