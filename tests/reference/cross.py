"""Every position for itself, in fractions: what `cross` must say. [CROSS-01 to CROSS-06]"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields
from fractions import Fraction
from itertools import product

from tests.reference.account import Account
from tests.reference.contracts import USD, Instrument, Kind, Market, Rate
from tests.reference.fills import delivered_coins, flow, largest_fee
from tests.reference.orders import Filler, OpenLeg, fillers
from tests.reference.rounding import MICRO, PICO, down, down_star, up, up_star

HALVES_MAX = 4
"""Of more things than so many that may fill, each is tried at nothing and at all alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratios:
    """Parameters of one underlying."""

    short_initial: Fraction
    short_initial_minimum: Fraction
    short_maintenance: Fraction
    put_maintenance_of_mark: Fraction
    future_initial: Fraction
    future_initial_slope: Fraction
    future_maintenance: Fraction
    future_maintenance_slope: Fraction
    collateral_haircut: Fraction

    @classmethod
    def of(cls, table: Mapping[str, object]) -> "Ratios":
        """Of a table of numbers."""
        return cls(**{each.name: Fraction(str(table[each.name])) for each in fields(cls)})


@dataclass(frozen=True, slots=True)
class LegLot:
    """One lot of a leg: gain against equity, and of a sale what it brings up to the mark."""

    gain: int
    counted: int


class CrossBook:
    """Values accounts in one market."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        market: Market,
        ratios: Mapping[str, Ratios],
        fees: Mapping[Kind, Rate],
    ) -> None:
        self.instruments = instruments
        self.market = market
        self.ratios = ratios
        self.fees = fees
        self._short_lots: dict[str, tuple[int, int]] = {}
        self._legs: dict[tuple[str, int, Fraction], LegLot] = {}
        self._values: dict[tuple[str, int], tuple[int, int]] = {}

    def index(self, symbol: str) -> Fraction:
        """Of the underlying."""
        return self.market.index[self.instruments[symbol].underlying]

    def worth_of_coins(self, coin: str, units: int) -> int:
        """A coin balance in equity, with its haircut against the account."""
        haircut = self.ratios[coin].collateral_haircut
        worth = Fraction(units, PICO) * self.market.index[coin] * MICRO
        return down(min(worth * (1 - haircut), worth * (1 + haircut)))

    def value(self, symbol: str, side: int) -> tuple[int, int]:
        """(USD, coins) that one lot of a side counts in equity; of options none. [CROSS-03]"""
        if (symbol, side) not in self._values:
            self._values[symbol, side] = self._value(self.instruments[symbol], side)
        return self._values[symbol, side]

    def _value(self, i: Instrument, side: int) -> tuple[int, int]:
        if not i.is_future:
            return 0, 0
        mark = self.market.mark[i.symbol]
        if i.inverse:
            owed = PICO * i.size / mark
            return (0, -up_star(owed)) if side > 0 else (-1, down_star(owed))
        worth = MICRO * i.size * mark
        return (down_star(worth), 0) if side > 0 else (-up_star(worth) - 1, 0)

    def mark_owed(self, symbol: str) -> Fraction:
        """Mark of one lot of an option in 1e-6 USD."""
        i = self.instruments[symbol]
        price = self.market.mark[symbol] * (self.index(symbol) if i.inverse else 1)
        return MICRO * i.size * price

    def short_lot(self, symbol: str) -> tuple[int, int]:
        """(initial, maintenance) of a short option of one lot. [CROSS-02, CROSS-06]"""
        if symbol not in self._short_lots:
            self._short_lots[symbol] = self._short_lot(self.instruments[symbol])
        return self._short_lots[symbol]

    def _short_lot(self, i: Instrument) -> tuple[int, int]:
        if not i.is_option:
            return 0, 0
        owed = self.mark_owed(i.symbol)
        if self.market.has_expired(i):
            return up_star(owed), up_star(owed)
        index, own = self.index(i.symbol), self.ratios[i.underlying]
        out = max(Fraction(0), i.strike - index if i.call else index - i.strike)
        notional = MICRO * i.size * index
        kept = own.short_maintenance * notional
        if not i.call:
            kept = max(kept, own.put_maintenance_of_mark * owed)
        ratio = max(own.short_initial - out / index, own.short_initial_minimum)
        return up_star(max(ratio * notional, kept) + owed), up_star(kept + owed)

    def future(self, symbol: str, lots: int, *, initial: bool) -> int:
        """Margin of a future's position. [CROSS-02]"""
        i = self.instruments[symbol]
        if self.market.has_expired(i):
            return 0
        own = self.ratios[i.underlying]
        lot = up_star(MICRO * i.size * (1 if i.inverse else self.market.mark[symbol]))
        notional = abs(lots) * lot
        ratio, slope = own.future_maintenance, own.future_maintenance_slope
        if initial:
            ratio, slope = own.future_initial, own.future_initial_slope
        rate = ratio + slope * Fraction(notional, MICRO) / self.index(symbol)
        return up(notional * min(rate, Fraction(1)))

    def position(self, symbol: str, lots: int, *, initial: bool) -> int:
        """Margin of one position. [CROSS-01]"""
        if self.instruments[symbol].is_future:
            return self.future(symbol, lots, initial=initial)
        return max(0, -lots) * self.short_lot(symbol)[0 if initial else 1]

    def equity(self, account: Account) -> int:
        """Cash, coins less haircut, results of futures. [CROSS-03]"""
        usd, coins = account.cash[USD], {coin: account.cash[coin] for coin in self.ratios}
        for symbol, position in account.positions.items():
            i = self.instruments[symbol]
            per_usd, per_coin = self.value(symbol, 1 if position.lots > 0 else -1)
            usd += abs(position.lots) * per_usd
            coins[i.underlying] += abs(position.lots) * per_coin
            if i.inverse:
                coins[i.underlying] += position.entry
            else:
                usd += position.entry
        return usd + sum(self.worth_of_coins(coin, units) for coin, units in coins.items())

    def margin(self, account: Account, *, initial: bool) -> int:
        """Of the positions alone."""
        return sum(
            self.position(symbol, each.lots, initial=initial)
            for symbol, each in account.positions.items()
        )

    def leg_lot(self, leg: OpenLeg) -> LegLot:
        """What one lot of a leg does when it fills at its limit. [CROSS-04]"""
        key = (leg.symbol, leg.side, leg.price)
        if key not in self._legs:
            self._legs[key] = self._leg_lot(leg)
        return self._legs[key]

    def _paid(self, leg: OpenLeg) -> int:
        i = self.instruments[leg.symbol]
        return flow(i, leg.side, leg.price) - largest_fee(i, 1, leg.price, self.market, self.fees)

    def coins_of(self, leg: OpenLeg) -> int:
        """Coins that one lot of a leg adds to the balance when it fills at its limit."""
        i = self.instruments[leg.symbol]
        _, coins = self.value(leg.symbol, leg.side)
        return coins + delivered_coins(i, leg.side) + (self._paid(leg) if i.inverse else 0)

    def _leg_lot(self, leg: OpenLeg) -> LegLot:
        i = self.instruments[leg.symbol]
        usd, _ = self.value(leg.symbol, leg.side)
        usd += 0 if i.inverse else self._paid(leg)
        gain = usd + self.worth_of_coins(i.underlying, self.coins_of(leg))
        mark = 0
        if i.is_option and leg.side < 0:
            in_coins = i.inverse and self.market.has_expired(i)
            mark = 1 + (0 if in_coins else up_star(self.mark_owed(leg.symbol)))
        return LegLot(gain, min(gain, mark))

    def upper(self, account: Account) -> int:
        """Initial margin over every combination of fills. [CROSS-04]"""
        ends = self.ends(account)
        symbols = {*account.positions, *ends}
        return sum(self._upper(account, symbol, ends.get(symbol, End())) for symbol in symbols)

    def _upper(self, account: Account, symbol: str, end: "End") -> int:
        lots = account.lots(symbol)
        if self.instruments[symbol].is_future:
            sizes = (lots + end.bought, lots - end.sold)
            return max(self.future(symbol, each, initial=True) for each in sizes) - end.entry
        return -min(end.entry, self.short_lot(symbol)[0] * lots + end.short)

    def ends(self, account: Account) -> dict[str, "End"]:
        """Sums over what is on order, by instrument."""
        found: defaultdict[str, End] = defaultdict(End)
        for order in account.orders.values():
            for filler in fillers(order):
                for symbol, end in self._ends(filler).items():
                    found[symbol] = found[symbol].plus(end, filler.units)
        return found

    def _ends(self, filler: Filler) -> dict[str, "End"]:
        """Of a unit; of several choices the worse of each sum."""
        choices = []
        for choice in filler.choices:
            sums: defaultdict[str, End] = defaultdict(End)
            for ratio, leg in choice:
                sums[leg.symbol] = sums[leg.symbol].plus(self._end(leg), ratio)
            choices.append(sums)
        symbols = {symbol for sums in choices for symbol in sums}
        return {symbol: End.worst([sums[symbol] for sums in choices]) for symbol in symbols}

    def _end(self, leg: OpenLeg) -> "End":
        lot, needed = self.leg_lot(leg), self.short_lot(leg.symbol)[0]
        short = min(lot.gain, 0) + needed if leg.side > 0 else lot.counted - needed
        bought, sold = (1, 0) if leg.side > 0 else (0, 1)
        return End(min(0, lot.gain), min(0, short), bought, sold)

    def worst_by_trying(self, account: Account) -> int:
        """Smallest headroom over combinations of fills, each booked into a copy of the account.

        Of each thing nothing, half and all is tried, at either limit while a change is pending.
        """
        working = [each for order in account.orders.values() for each in fillers(order)]
        bare = Account(cash=account.cash, positions=account.positions)
        return min(self.headroom_after(bare, fills) for fills in every_fill(working))

    def headroom_after(self, account: Account, fills: Sequence[tuple[int, OpenLeg]]) -> int:
        """Headroom of the positions when these lots have filled at their limits."""
        after = deepcopy(account)
        for lots, leg in fills:
            i = self.instruments[leg.symbol]
            fee = largest_fee(i, lots, leg.price, self.market, self.fees)
            after.book(i, leg.side * lots, leg.price, fee)
        return self.equity(after) - self.margin(after, initial=True)


@dataclass(frozen=True, slots=True)
class End:
    """Sums over lots of one instrument on order: e, the same where it ends short, lots by side."""

    entry: int = 0
    short: int = 0
    bought: int = 0
    sold: int = 0

    def plus(self, other: "End", times: int) -> "End":
        """With another `times` over."""
        return End(
            self.entry + times * other.entry,
            self.short + times * other.short,
            self.bought + times * other.bought,
            self.sold + times * other.sold,
        )

    @staticmethod
    def worst(ends: Sequence["End"]) -> "End":
        """The worst of each sum."""
        return End(
            min(each.entry for each in ends),
            min(each.short for each in ends),
            max(each.bought for each in ends),
            max(each.sold for each in ends),
        )


def every_fill(working: Sequence[Filler]) -> Iterator[list[tuple[int, OpenLeg]]]:
    """(lots, leg) of each combination of fills that is tried."""
    is_many = len(working) > HALVES_MAX
    ways = []
    for each in working:
        levels = {each.units} if is_many else {each.units // 2, each.units}
        ways.append(
            [
                [],
                *(
                    [(units * r, leg) for r, leg in choice]
                    for units in levels - {0}
                    for choice in each.choices
                ),
            ]
        )
    for chosen in product(*ways):
        yield [fill for fills in chosen for fill in fills]
