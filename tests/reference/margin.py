"""Equity, requirement and headroom of a whole account, from nothing but its contents."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.contracts import Parameters
from tests.reference.legs import LegLot
from tests.reference.lots import Lot
from tests.reference.rounding import up


@dataclass(frozen=True, slots=True)
class Risk:
    """Margin in millionths of a USD."""

    equity: int
    initial: int
    maintenance: int

    @property
    def headroom(self) -> int:
        """Equity less initial margin."""
        return self.equity - self.initial


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Open lots of an order leg with what one of them may do."""

    symbol: str
    side: int
    lots: int
    lot: LegLot


@dataclass(slots=True)
class Group:
    """Everything of one underlying: rows and charges of positions and coins, and open orders."""

    rows: list[int] = field(default_factory=lambda: [0] * 16)
    charges: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[str, int] = field(default_factory=dict)
    minimums: dict[str, int] = field(default_factory=dict)
    working: list[Working] = field(default_factory=list)

    def add_position(self, symbol: str, lots: int, lot: Lot, bucket: str, spot: str) -> None:
        """Adds a position of `lots` (signed)."""
        self.rows = [total + lots * row for total, row in zip(self.rows, lot.rows, strict=True)]
        self.charges[bucket] += lots * lot.charge
        self.charges[spot] += lots * lot.spot_charge
        self.held[symbol] = lots
        self.minimums[symbol] = lot.minimum

    def add_coins(self, row: Iterable[int], charge: int, spot: str) -> None:
        """Adds the coin balance."""
        self.rows = [total + extra for total, extra in zip(self.rows, row, strict=True)]
        self.charges[spot] += charge

    def requirement(self) -> int:
        """Requirement of positions and coins alone. [SPAN-09 to SPAN-12]"""
        scan_risk = max(0, -min(self.rows))
        longs = sum(max(0, total) for total in self.charges.values())
        shorts = sum(max(0, -total) for total in self.charges.values())
        shortage = sum(max(0, -lots) * self.minimums[symbol] for symbol, lots in self.held.items())
        return max(scan_risk + min(longs, shorts), shortage)

    def worst(self) -> int:
        """What the worst fills leave of equity, ≤ 0. [SPAN-14]"""
        return min(self.scan_worst() - self.basis_worst(), self.minimum_worst())

    def scan_worst(self) -> int:
        """Worst row with the worst fills for it."""
        table = [
            total + sum(w.lots * min(0, w.lot.loss + w.lot.rows[r]) for w in self.working)
            for r, total in enumerate(self.rows)
        ]
        nothing = sum(w.lots * w.lot.loss for w in self.working)
        return min(*table, nothing)

    def basis_worst(self) -> int:
        """Largest basis charge that fills could leave, or a bound of it."""
        highest, lowest = dict(self.charges), dict(self.charges)
        for w in self.working:
            for bucket, charge in w.lot.charges.items():
                up = w.lot.charges_up.get(bucket, charge)
                highest[bucket] = highest.get(bucket, 0) + w.lots * max(0, up)
                lowest[bucket] = lowest.get(bucket, 0) + w.lots * min(0, charge)
        longs = sum(max(0, total) for total in highest.values())
        shorts = sum(max(0, -total) for total in lowest.values())
        return min(longs, shorts)

    def minimum_worst(self) -> int:
        """Short option minimum under the worst fills, ≤ 0."""
        symbols = {*self.held, *(w.symbol for w in self.working)}
        return sum(self._minimum_worst_of(symbol) for symbol in symbols)

    def _minimum_worst_of(self, symbol: str) -> int:
        working = [w for w in self.working if w.symbol == symbol]
        minimum = self.minimums.get(symbol, 0)
        losses = sum(w.lots * w.lot.loss for w in working)
        shorted = sum(w.lots * min(0, w.lot.loss + w.side * minimum) for w in working)
        return min(losses, minimum * self.held.get(symbol, 0) + shorted)

    def is_exact(self) -> bool:
        """True when the worst fills are the worst themselves. [SPAN-15]"""
        return not self.working or self.basis_worst() == 0


def maintenance(groups: Mapping[str, Group], parameters: Mapping[str, Parameters]) -> int:
    """Maintenance margin of positions. [SPAN-12]"""
    return sum(
        up(Fraction(parameters[name].maintenance_fraction) * group.requirement())
        for name, group in groups.items()
    )
