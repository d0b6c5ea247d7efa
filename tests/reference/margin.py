"""Equity, requirement and headroom of a whole account, from nothing but its contents."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.contracts import Parameters
from tests.reference.legs import LegLot
from tests.reference.lots import Lot
from tests.reference.rounding import up

SCENARIOS = 16


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
class Part:
    """So many lots of one leg in a unit that fills, with what one of them may do."""

    symbol: str
    side: int
    ratio: int
    lot: LegLot


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """Units on order in one group: each fills as a whole or not at all. [SPAN-16]

    A leg that fills alone has units of one lot. combo: whether units are a combo's; whole: whether
    all that fills together is in this group.
    """

    units: int
    parts: tuple[Part, ...]
    combo: bool = False
    whole: bool = True

    def worst(self, row: int | None) -> int:
        """The worse of filling and of not filling for a row; None is the row without a move."""
        loss = min(0, sum(part.ratio * part.lot.gain for part in self.parts))
        moved = 0
        if row is not None:
            moved = sum(part.ratio * part.lot.rows[row] for part in self.parts)
        return self.units * min(0, loss + moved)

    def lots(self) -> Iterable[tuple[int, Part]]:
        """Every part with the lots of it that are on order."""
        for part in self.parts:
            yield self.units * part.ratio, part


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One order in one group: the shapes of which one may fill, each a list of what is working.

    whole: whether the order has all its legs in this group.
    """

    shapes: tuple[tuple[Working, ...], ...]
    whole: bool = True

    def least(self, amount: Callable[[Working], int]) -> int:
        """The smaller of the shapes' sums. [SPAN-17]"""
        return min(sum(amount(working) for working in shape) for shape in self.shapes)

    def most(self, amount: Callable[[Working], int]) -> int:
        """The larger of the shapes' sums. [SPAN-17]"""
        return max(sum(amount(working) for working in shape) for shape in self.shapes)

    @property
    def parts(self) -> list[Part]:
        """Whatever may fill."""
        return [part for shape in self.shapes for working in shape for part in working.parts]


@dataclass(slots=True)
class Group:
    """Everything of one underlying: rows and charges of positions and coins, and open orders."""

    rows: list[int] = field(default_factory=lambda: [0] * SCENARIOS)
    charges: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    held: dict[str, int] = field(default_factory=dict)
    minimums: dict[str, int] = field(default_factory=dict)
    orders: list[Held] = field(default_factory=list)

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
        table = [total + self._worst_fills(row) for row, total in enumerate(self.rows)]
        return min(*table, self._worst_fills(None))

    def _worst_fills(self, row: int | None) -> int:
        return sum(order.least(lambda working: working.worst(row)) for order in self.orders)

    def basis_worst(self) -> int:
        """Largest basis charge that fills could leave, or a bound of it."""
        highest, lowest = dict(self.charges), dict(self.charges)
        for order in self.orders:
            buckets = {bucket for part in order.parts for bucket in part.lot.charges}
            for bucket in buckets:
                highest[bucket] = highest.get(bucket, 0) + order.most(_raises(bucket))
                lowest[bucket] = lowest.get(bucket, 0) + order.least(_lowers(bucket))
        longs = sum(max(0, total) for total in highest.values())
        shorts = sum(max(0, -total) for total in lowest.values())
        return min(longs, shorts)

    def minimum_worst(self) -> int:
        """Short option minimum under the worst fills, ≤ 0."""
        working = (part.symbol for order in self.orders for part in order.parts)
        return sum(self._minimum_worst_of(symbol) for symbol in {*self.held, *working})

    def _minimum_worst_of(self, symbol: str) -> int:
        minimum = self.minimums.get(symbol, 0)
        losses = sum(order.least(_shorts(symbol, 0)) for order in self.orders)
        shorted = sum(order.least(_shorts(symbol, minimum)) for order in self.orders)
        return min(losses, minimum * self.held.get(symbol, 0) + shorted)

    def is_exact(self) -> bool:
        """True when the worst fills are the worst themselves. [SPAN-15]"""
        if any(not _is_whole(order) for order in self.orders):
            return False
        basis = self.basis_worst()
        if any(self._bounds_minimum(order) for order in self.orders):
            return not basis and self.minimum_worst() >= self.scan_worst()
        return not self.orders or not basis

    def _bounds_minimum(self, order: Held) -> bool:
        """True of a combo's units, and of a pending change that moves minimums of several."""
        if any(working.combo for shape in order.shapes for working in shape):
            return True
        moved = {
            part.symbol
            for part in order.parts
            if order.least(_shorts(part.symbol, 0))
            or order.least(_shorts(part.symbol, self.minimums.get(part.symbol, 0)))
        }
        return len(order.shapes) > 1 and len(moved) > 1


def _raises(bucket: str) -> Callable[[Working], int]:
    """What fills could add to a bucket."""
    return lambda working: sum(
        lots * max(0, part.lot.charges_up.get(bucket, part.lot.charges.get(bucket, 0)))
        for lots, part in working.lots()
    )


def _lowers(bucket: str) -> Callable[[Working], int]:
    """What fills could take from a bucket."""
    return lambda working: sum(
        lots * min(0, part.lot.charges.get(bucket, 0)) for lots, part in working.lots()
    )


def _shorts(symbol: str, minimum: int) -> Callable[[Working], int]:
    """Losses of an instrument's fills with this minimum for each lot that becomes short."""
    return lambda working: sum(
        lots * min(0, part.lot.loss + part.side * minimum)
        for lots, part in working.lots()
        if part.symbol == symbol
    )


def _is_whole(order: Held) -> bool:
    """False where a combo's units, or a pending change, have legs in several groups."""
    combos = (working for shape in order.shapes for working in shape if working.combo)
    return all(working.whole for working in combos) and (len(order.shapes) == 1 or order.whole)


def maintenance(groups: Mapping[str, Group], parameters: Mapping[str, Parameters]) -> int:
    """Maintenance margin of positions. [SPAN-12]"""
    return sum(
        up(Fraction(parameters[name].maintenance_fraction) * group.requirement())
        for name, group in groups.items()
    )
