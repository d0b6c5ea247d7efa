"""A book whose scenarios are lists of relative moves. [SPAN-03 to SPAN-08, SPAN-10, SPAN-13]"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

from tests.reference.account import Account
from tests.reference.black76 import option_value
from tests.reference.book import Book
from tests.reference.coins import CoinValuer
from tests.reference.contracts import Instrument, Kind, Market, Parameters, Rate
from tests.reference.legs import SPOT_BUCKET
from tests.reference.lots import Lot, make_lot
from tests.reference.margin import Group, Part, Working
from tests.reference.orders import OpenOrder, fillers
from tests.reference.rounding import MICRO, PICO, down_star
from tests.reference.scenarios import DAY_NS, YEAR_NS


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Relative move of a price and factor of its vols; `days` pass."""

    price: Fraction
    vol_factor: float = 1.0
    days: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What may happen to one underlying, and what charges it has."""

    moves: Sequence[Move]
    basis_rate: Fraction
    haircut: Fraction


Fills = Mapping[str, list[tuple[int, Sequence[Part]]]]
"""By underlying: units that fill, and the parts of one."""


class MovedBook(Book):
    """Values accounts in one market; underlyings without terms have no part in it."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        market: Market,
        terms: Mapping[str, Terms],
        fees: Mapping[Kind, Rate],
    ) -> None:
        super().__init__(instruments, market, {}, fees)
        self.terms = terms
        self._valuers = {name: _valuer(market, name, own) for name, own in terms.items()}

    def lot(self, symbol: str) -> Lot:
        """Everything one lot contributes; its minimum is 0, and the model's own affair."""
        if symbol not in self._lots:
            instrument = self.instruments[symbol]
            terms = self.terms[instrument.underlying]
            pnl = [MICRO * _pnl(instrument, self.market, move) for move in terms.moves]
            valued = make_lot(instrument, self.market, _charging(terms))
            self._lots[symbol] = replace(valued, rows=tuple(map(down_star, pnl)))
        return self._lots[symbol]

    def groups(self, lots: Mapping[str, int], coins: Mapping[str, int]) -> dict[str, Group]:
        """Groups of positions (signed lots) and coin balances, no orders."""
        groups = {n: Group(rows=[0] * len(own.moves)) for n, own in self.terms.items()}
        for symbol, count in lots.items():
            instrument = self.instruments[symbol]
            groups[instrument.underlying].add_position(
                symbol, count, self.lot(symbol), instrument.bucket, SPOT_BUCKET
            )
        for name, balance in coins.items():
            valuer = self._valuers[name]
            groups[name].add_coins(valuer.row(balance), valuer.charge(balance), SPOT_BUCKET)
        return groups

    def every_fill(self, account: Account) -> Iterator[Fills]:
        """Nothing, half and all of whatever may fill of an account, in every combination."""
        ways = [
            _ways(self._working(filler))
            for order in account.orders.values()
            for filler in fillers(order)
        ]
        for chosen in product(*ways):
            yield {name: [f for way in chosen for f in way.get(name, ())] for name in self.terms}

    def after_fills(self, account: Account) -> Iterator[tuple[int, dict[str, Group]]]:
        """(entry losses <= 0, groups of positions alone) after each of these fills."""
        start = replace(account, orders={})
        for fills in self.every_fill(account):
            groups, losses = self.groups_of(start), 0
            for name, filled in fills.items():
                for units, parts in filled:
                    losses += units * min(0, sum(p.ratio * p.lot.gain for p in parts))
                    _fill(groups[name], units, parts)
            yield losses, groups

    def open_groups(self, account: Account) -> dict[str, Group]:
        """Groups with every open order."""
        return self.groups_of(account, account.orders.values())


def worst_fills(group: Group) -> tuple[list[int], int]:
    """(rows, null row) of a group with its orders at worst, each row for itself. [SPAN-14]"""
    rows = [
        held + sum(working.worst(row) for working in group.working)
        for row, held in enumerate(group.rows)
    ]
    return rows, sum(working.worst(None) for working in group.working)


def is_changing(order: OpenOrder) -> bool:
    """Whether a change of it is pending."""
    return order.amended is not None


def _valuer(market: Market, name: str, terms: Terms) -> CoinValuer:
    return CoinValuer(
        micro_per_unit=market.index[name] * MICRO / PICO,
        weighted_moves_pico=tuple(round(move.price * PICO) for move in terms.moves),
        basis_rate=terms.basis_rate,
        haircut=terms.haircut,
    )


def _charging(terms: Terms) -> Parameters:
    """Parameters under which a lot has these charges, no minimum, and rows that are not used."""
    return Parameters(
        price_scan_range=Fraction(1, 10),
        vol_shift_kind="relative",
        vol_scan_range=Fraction(0),
        vol_tenor_power=Fraction(0),
        vol_tenor_floor_days=Fraction(1),
        vol_floor_up=Fraction(0),
        extreme_multiple=Fraction(1),
        extreme_cover=Fraction(1),
        look_ahead_days=Fraction(0),
        short_option_minimum=Fraction(0),
        basis_rate=terms.basis_rate,
        maintenance_fraction=Fraction(1),
        collateral_haircut=terms.haircut,
    )


def _pnl(i: Instrument, market: Market, move: Move) -> Fraction:
    """P&L of one long lot in USD. [SPAN-03]"""
    if i.is_spot or market.has_expired(i):
        return Fraction(0)
    index = market.index[i.underlying]
    if i.is_future:
        mark = market.mark[i.symbol]
        return i.size * move.price * (index / mark if i.inverse else mark)
    assert i.expiry_ns is not None
    forward, vol = market.forward[i.symbol], float(market.vol[i.symbol])
    left_ns = i.expiry_ns - market.time_ns
    later_ns = max(left_ns - move.days * DAY_NS, Fraction(0))
    now = option_value(forward, i.strike, vol * math.sqrt(left_ns / YEAR_NS), call=i.call)
    deviation = vol * move.vol_factor * math.sqrt(later_ns / YEAR_NS)
    later = option_value(forward * (1 + move.price), i.strike, deviation, call=i.call)
    return i.size * (later - now) * (index / forward if i.inverse else 1)


def _ways(working: Mapping[str, Working]) -> list[Mapping[str, list[tuple[int, Sequence[Part]]]]]:
    """How units may fill, the same number in every group they have legs in."""
    units = max(each.units for each in working.values())
    count = max(len(each.choices) for each in working.values())
    splits = product(sorted({0, units // 2, units}), repeat=count)
    return [
        {
            name: [(filled, each.choices[n]) for n, filled in enumerate(split) if filled]
            for name, each in working.items()
        }
        for split in splits
        if sum(split) <= units
    ]


def _fill(group: Group, units: int, parts: Sequence[Part]) -> None:
    for part in parts:
        lots = units * part.ratio
        group.rows = [
            held + lots * row for held, row in zip(group.rows, part.lot.rows, strict=True)
        ]
        group.held[part.symbol] = group.held.get(part.symbol, 0) + part.side * lots
        for bucket, charge in part.lot.charges.items():
            group.charges[bucket] += lots * charge
