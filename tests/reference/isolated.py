"""Every position with a wallet of its own, in fractions: what `isolated` must say. [ISO-01]"""

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from fractions import Fraction

from tests.reference.account import Account
from tests.reference.cross import CrossBook, End, every_fill
from tests.reference.fills import largest_fee
from tests.reference.orders import OpenLeg, fillers
from tests.reference.rounding import MICRO, PICO

Wallets = Mapping[str, int]


class IsolatedBook:
    """Values accounts and the wallets of their positions in the market of another book."""

    def __init__(self, book: CrossBook) -> None:
        self.book = book

    def result(self, account: Account, symbol: str, haircut: Fraction) -> tuple[int, Fraction]:
        """(in USD, in coins at the index less a haircut) that a future has gained. [ISO-02]"""
        i, position = self.book.instruments[symbol], account.positions[symbol]
        if not i.is_future:
            return 0, Fraction(0)
        usd, coins = self.book.value(symbol, 1 if position.lots > 0 else -1)
        usd, coins = usd * abs(position.lots), coins * abs(position.lots)
        if not i.inverse:
            return usd + position.entry, Fraction(0)
        worth = Fraction(coins + position.entry, PICO) * self.book.index(symbol) * MICRO
        return usd, worth * (1 - haircut)

    def haircuts(self, account: Account, coin: str, *, orders: bool) -> list[Fraction]:
        """What a coin loses of its index by the signs that the balance may take. [ISO-02]"""
        balance = account.cash[coin]
        for symbol, position in account.positions.items():
            i = self.book.instruments[symbol]
            if i.underlying == coin and i.inverse:
                _, each = self.book.value(symbol, 1 if position.lots > 0 else -1)
                balance += position.entry + abs(position.lots) * each
        above, below = balance > 0, balance <= 0
        if orders:
            up, down = self._coin_ends(account, coin, balance)
            above, below = above or up > 0, below or down < 0
        h = self.book.ratios[coin].collateral_haircut
        return [each for each, applies in ((h, above), (-h, below)) if applies]

    def _coin_ends(self, account: Account, coin: str, balance: int) -> tuple[int, int]:
        rate = self.book.market.index[coin] * Fraction(MICRO, PICO)
        up = down = math.floor(balance * rate)
        for order in account.orders.values():
            for filler in fillers(order):
                ends = [self._choice_ends(choice, coin, rate) for choice in filler.choices]
                up += filler.units * max(each[0] for each in ends)
                down += filler.units * min(each[1] for each in ends)
        return up, down

    def _choice_ends(
        self, choice: Sequence[tuple[int, OpenLeg]], coin: str, rate: Fraction
    ) -> tuple[int, int]:
        up = down = 0
        for ratio, leg in choice:
            if self.book.instruments[leg.symbol].underlying == coin:
                moved = self.book.coins_of(leg) * rate
                up += ratio * max(0, math.ceil(moved))
                down += ratio * min(0, math.floor(moved))
        return up, down

    def own(self, account: Account, wallets: Wallets, symbol: str, *, orders: bool) -> int:
        """What a position has to itself, rounded up, coins at their dearest. [ISO-02]"""
        coin = self.book.instruments[symbol].underlying
        values = [
            self.result(account, symbol, haircut)
            for haircut in self.haircuts(account, coin, orders=orders)
        ]
        return wallets.get(symbol, 0) + max(usd + math.ceil(coins) for usd, coins in values)

    def headroom(self, account: Account, wallets: Wallets) -> int:
        """Free wallet less what positions lack, orders left out. [ISO-03]"""
        own = {
            symbol: self.own(account, wallets, symbol, orders=False) for symbol in account.positions
        }
        free = self.book.equity(account) - sum(own.values())
        return free + sum(
            min(0, own[symbol] - self.book.position(symbol, each.lots, initial=True))
            for symbol, each in account.positions.items()
        )

    def upper(self, account: Account, wallets: Wallets) -> int:
        """Equity less headroom over every combination of fills. [ISO-05]"""
        ends = self.book.ends(account)
        orders = bool(account.orders)
        total = 0
        for symbol in {*account.positions, *ends}:
            end, lots, own = ends.get(symbol, End()), account.lots(symbol), 0
            if lots:
                own = self.own(account, wallets, symbol, orders=orders)
            if self.book.instruments[symbol].is_future:
                sizes = (lots + end.bought, lots - end.sold)
                needed = (self.book.future(symbol, each, initial=True) for each in sizes)
                total += max(own, *needed) - end.entry
            else:
                paid, beyond = -end.entry, -end.short
                kept = own + (min(paid, beyond) if lots < 0 else paid)
                total += max(paid, kept, beyond - self.book.short_lot(symbol)[0] * lots)
        return total

    def worst_by_trying(self, account: Account, wallets: Wallets) -> int:
        """Smallest headroom over combinations of fills in either order, topped up or not."""
        working = [each for order in account.orders.values() for each in fillers(order)]
        bare = Account(cash=account.cash, positions=account.positions)
        return min(
            self.headroom(*self.after(bare, wallets, each, is_free=is_free))
            for fills in every_fill(working)
            for each in (fills, fills[::-1])
            for is_free in (False, True)
        )

    def after(
        self,
        account: Account,
        wallets: Wallets,
        fills: Sequence[tuple[int, OpenLeg]],
        *,
        is_free: bool,
    ) -> tuple[Account, dict[str, int]]:
        """Account and wallets when these lots have filled at their limits. [ISO-03]

        is_free: whether the free wallet tops wallets up, as far as it goes.
        """
        then, own = deepcopy(account), dict(wallets)
        for lots, leg in fills:
            i, before = self.book.instruments[leg.symbol], then.lots(leg.symbol)
            fee = largest_fee(i, lots, leg.price, self.book.market, self.book.fees)
            then.book(i, leg.side * lots, leg.price, fee)
            now = then.lots(leg.symbol)
            kept = min(Fraction(1), Fraction(now, before)) if before * now > 0 else Fraction(0)
            own[leg.symbol] = math.floor(own.get(leg.symbol, 0) * kept)
            if now:
                own[leg.symbol] += self._moved(then, own, leg.symbol, fee, is_free=is_free)
        return then, own

    def _moved(
        self, account: Account, wallets: Wallets, symbol: str, fee: int, *, is_free: bool
    ) -> int:
        """What comes from the free wallet; of a position with a surplus the fee goes there."""
        own = {each: self.own(account, wallets, each, orders=False) for each in account.positions}
        needed = self.book.position(symbol, account.lots(symbol), initial=True) - own[symbol]
        if needed > 0:
            free = self.book.equity(account) - sum(own.values())
            return max(0, min(needed, free)) if is_free else 0
        i = self.book.instruments[symbol]
        paid = -self.book.worth_of_coins(i.underlying, -fee) if i.inverse else fee
        return max(needed, min(0, -paid))
