"""Accounts under `tims` in fractions, written from the page alone. [TIMS-01 to TIMS-08]"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from tests.reference.account import Account
from tests.reference.contracts import Instrument, Kind, Market, Rate
from tests.reference.margin import Group, Working
from tests.reference.moved_book import Move, MovedBook, Terms, worst_fills
from tests.reference.rounding import MICRO, up, up_star

POINTS = (-5, -4, -3, -2, -1, 1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """What one underlying brings into its portfolio group: y per point, N, basis, minimum."""

    rows: tuple[int, ...]
    entry: int
    basis: int
    minimum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioGroup:
    """A portfolio group's requirement in 1e-6 USD. point: from 1, or 0 where none loses."""

    scan: int
    basis: int
    minimum: int
    entry: int
    point: int
    gains: bool

    @property
    def total(self) -> int:
        """What it requires, entry losses included."""
        return max(self.scan + self.basis, self.minimum) - self.entry


class TimsBook(MovedBook):
    """Values accounts in one market. tables: parameters as a file has them."""

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        market: Market,
        tables: Mapping[str, Any],
        fees: Mapping[Kind, Rate],
    ) -> None:
        self.tables = tables
        terms = {
            name: Terms(
                moves=[Move(price=move) for move in self._moves(own["class_group"])],
                basis_rate=Fraction(own["basis_rate"]),
                haircut=Fraction(own["collateral_haircut"]),
            )
            for name, own in tables["underlyings"].items()
        }
        super().__init__(instruments, market, terms, fees)

    def _moves(self, class_group: str) -> list[Fraction]:
        """Ten points, ascending, none in the middle. [TIMS-01]"""
        own = self.tables["class_groups"][class_group]
        ends = {-1: Fraction(own["range_down"]), 1: Fraction(own["range_up"])}
        return [ends[1 if step > 0 else -1] * Fraction(step, 5) for step in POINTS]

    def minimum(self, symbol: str, lots: int) -> int:
        """The least that a position requires. [TIMS-05]"""
        i = self.instruments[symbol]
        if i.is_spot or self.market.has_expired(i):
            return 0
        own, index = self.tables["underlyings"][i.underlying], self.market.index[i.underlying]
        per_coin = Fraction(own["contract_minimum"])
        if own["contract_minimum_kind"] == "relative":
            per_coin *= index
        coins = i.size / index if i.is_future and i.inverse else i.size
        of_lot = up_star(MICRO * coins * per_coin)
        if lots > 0 and i.is_option:
            worth = self.market.mark[symbol] * (index if i.inverse else 1)
            of_lot = min(of_lot, up_star(MICRO * i.size * worth))
        return abs(lots) * of_lot

    def portfolio_groups(self, groups: Mapping[str, Group]) -> dict[str, PortfolioGroup]:
        """Requirement of every portfolio group. [TIMS-06, TIMS-07]"""
        shares = {name: self._share(group) for name, group in groups.items()}
        return {name: self._required(name, shares) for name in self.tables["portfolio_groups"]}

    def _share(self, group: Group) -> Share:
        rows, entry = worst_fills(group)
        symbols = {*group.held, *(p.symbol for each in group.working for p in each.parts)}
        return Share(
            rows=tuple(row - entry for row in rows),
            entry=entry,
            basis=group.basis_worst(),
            minimum=sum(self._worst_minimum(symbol, group) for symbol in symbols),
        )

    def _worst_minimum(self, symbol: str, group: Group) -> int:
        """The larger of both ends. [TIMS-08]"""
        held = group.held.get(symbol, 0)
        up_lots, down_lots = (_lots(group.working, symbol, side) for side in (1, -1))
        return max(self.minimum(symbol, held + up_lots), self.minimum(symbol, held - down_lots))

    def _required(self, name: str, shares: Mapping[str, Share]) -> PortfolioGroup:
        own = {u: share for u, share in shares.items() if self._home(u) == name}
        exact = [
            self._pnl(name, {u: each.rows[n] for u, each in own.items()})
            for n in range(len(POINTS))
        ]
        lowest = min(exact)
        point = exact.index(lowest) if lowest < 0 else None
        return PortfolioGroup(
            scan=max(0, up(-lowest)),
            basis=sum(each.basis for each in own.values()),
            minimum=sum(each.minimum for each in own.values()),
            entry=sum(each.entry for each in own.values()),
            point=0 if point is None else point + 1,
            gains=point is not None and self._gains({u: s.rows[point] for u, s in own.items()}),
        )

    def _class_of(self, underlying: str) -> str:
        return str(self.tables["underlyings"][underlying]["class_group"])

    def _home(self, underlying: str) -> str:
        product = self.tables["class_groups"][self._class_of(underlying)]["product_group"]
        return str(self.tables["product_groups"][product]["portfolio_group"])

    def _by_class(self, moved: Mapping[str, int]) -> dict[str, int]:
        classes = {self._class_of(u) for u in moved}
        return {c: sum(x for u, x in moved.items() if self._class_of(u) == c) for c in classes}

    def _gains(self, moved: Mapping[str, int]) -> bool:
        return any(x > 0 for x in self._by_class(moved).values())

    def _pnl(self, portfolio: str, moved: Mapping[str, int]) -> Fraction:
        """P&L of a portfolio group at a point, from that of its underlyings. [TIMS-04]"""
        by_class = self._by_class(moved)
        products = []
        for product, own in self.tables["product_groups"].items():
            members = [
                Fraction(x)
                for name, x in by_class.items()
                if self.tables["class_groups"][name]["product_group"] == product
            ]
            products.append(_offset(members, Fraction(own["offset"])))
        return _offset(products, Fraction(self.tables["portfolio_groups"][portfolio]["offset"]))

    def offsets_are_whole(self) -> bool:
        """Whether every gain counts in full."""
        levels = (self.tables["product_groups"], self.tables["portfolio_groups"])
        return all(Fraction(each["offset"]) == 1 for level in levels for each in level.values())

    def initial(self, groups: Mapping[str, Group]) -> int:
        """Initial margin. [TIMS-06]"""
        return sum(each.total for each in self.portfolio_groups(groups).values())

    def maintenance(self, account: Account) -> int:
        """Maintenance margin, of positions alone. [TIMS-06]"""
        fraction = Fraction(self.tables["maintenance_fraction"])
        required = self.portfolio_groups(self.groups_of(account))
        return sum(up(fraction * each.total) for each in required.values())

    def is_exact(self, groups: Mapping[str, Group], name: str) -> bool:
        """Whether the page says that it is the worst fill itself. [TIMS-07]"""
        own = [group for underlying, group in groups.items() if self._home(underlying) == name]
        if not any(group.working for group in own):
            return True
        required = self.portfolio_groups(groups)[name]
        alone = not any(working.combo for group in own for working in group.working)
        whole = self.offsets_are_whole() or not required.gains
        small = required.minimum <= required.scan + required.basis
        return alone and whole and small and not required.basis

    def worst_by_trying(self, account: Account) -> int:
        """The smallest headroom that any fills leave."""
        tried = (losses - self.initial(groups) for losses, groups in self.after_fills(account))
        return self.equity(account) + min(tried)


def _offset(parts: Iterable[Fraction], offset: Fraction) -> Fraction:
    return sum((x if x < 0 else offset * x for x in parts), Fraction(0))


def _lots(working: Iterable[Working], symbol: str, side: int) -> int:
    """Lots of an instrument that may be bought (1) or sold (-1)."""
    return sum(
        each.most(lambda parts: sum(p.ratio for p in parts if (p.symbol, p.side) == (symbol, side)))
        for each in working
    )
