"""Equity, requirement and headroom of a whole account, from nothing but its contents."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """Units on order in one group: each fills whole at one of its choices, or not at all.

    A leg that fills alone has units of one lot; a pending change makes two choices. [SPAN-16,
    SPAN-17] combo: whether units are a combo's; whole: whether they have no legs elsewhere.
    """

    units: int
    choices: tuple[tuple[Part, ...], ...]
    combo: bool = False
    whole: bool = True

    def worst(self, row: int | None) -> int:
        """The worst of filling and of not filling for a row; None is the row without a move."""
        return self.least(lambda parts: _worst_of_unit(parts, row))

    def least(self, amount: Callable[[Sequence[Part]], int]) -> int:
        """Units times the smallest amount of the choices."""
        return self.units * min(amount(parts) for parts in self.choices)

    def most(self, amount: Callable[[Sequence[Part]], int]) -> int:
        """Units times the largest amount of the choices."""
        return self.units * max(amount(parts) for parts in self.choices)

    @property
    def parts(self) -> list[Part]:
        """Whatever may fill."""
        return [part for parts in self.choices for part in parts]


def _worst_of_unit(parts: Sequence[Part], row: int | None) -> int:
    loss = min(0, sum(part.ratio * part.lot.gain for part in parts))
    moved = 0 if row is None else sum(part.ratio * part.lot.rows[row] for part in parts)
    return min(0, loss + moved)


@dataclass(slots=True)
class Group:
    """Everything of one underlying: rows and charges of positions and coins, and open orders."""

    rows: list[int] = field(default_factory=lambda: [0] * SCENARIOS)
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
        table = [total + self._worst_fills(row) for row, total in enumerate(self.rows)]
        return min(*table, self._worst_fills(None))

    def _worst_fills(self, row: int | None) -> int:
        return sum(working.worst(row) for working in self.working)

    def basis_worst(self) -> int:
        """Largest basis charge that fills could leave, or a bound of it."""
        highest, lowest = dict(self.charges), dict(self.charges)
        for working in self.working:
            for bucket in {bucket for part in working.parts for bucket in part.lot.charges}:
                highest[bucket] = highest.get(bucket, 0) + working.most(_raises(bucket))
                lowest[bucket] = lowest.get(bucket, 0) + working.least(_lowers(bucket))
        longs = sum(max(0, total) for total in highest.values())
        shorts = sum(max(0, -total) for total in lowest.values())
        return min(longs, shorts)

    def minimum_worst(self) -> int:
        """Short option minimum under the worst fills, ≤ 0."""
        ordered = (part.symbol for working in self.working for part in working.parts)
        return sum(self._minimum_worst_of(symbol) for symbol in {*self.held, *ordered})

    def _minimum_worst_of(self, symbol: str) -> int:
        minimum = self.minimums.get(symbol, 0)
        losses = sum(working.least(_shorts(symbol, 0)) for working in self.working)
        shorted = sum(working.least(_shorts(symbol, minimum)) for working in self.working)
        return min(losses, minimum * self.held.get(symbol, 0) + shorted)

    def is_exact(self) -> bool:
        """True when the worst fills are the worst themselves. [SPAN-15]"""
        combos = [working for working in self.working if working.combo]
        if not all(working.whole for working in combos):
            return False
        basis = self.basis_worst()
        if combos and self.minimum_worst() < self.scan_worst() - basis:
            return False
        return not self.working or not basis


def _raises(bucket: str) -> Callable[[Sequence[Part]], int]:
    """What a fill could add to a bucket."""
    return lambda parts: sum(
        part.ratio * max(0, part.lot.charges_up.get(bucket, part.lot.charges.get(bucket, 0)))
        for part in parts
    )


def _lowers(bucket: str) -> Callable[[Sequence[Part]], int]:
    """What a fill could take from a bucket."""
    return lambda parts: sum(part.ratio * min(0, part.lot.charges.get(bucket, 0)) for part in parts)


def _shorts(symbol: str, minimum: int) -> Callable[[Sequence[Part]], int]:
    """Losses of an instrument's fills with this minimum for each lot that becomes short."""
    return lambda parts: sum(
        part.ratio * min(0, part.lot.loss + part.side * minimum)
        for part in parts
        if part.symbol == symbol
    )


def maintenance(groups: Mapping[str, Group], parameters: Mapping[str, Parameters]) -> int:
    """Maintenance margin of positions. [SPAN-12]"""
    return sum(
        up(Fraction(parameters[name].maintenance_fraction) * group.requirement())
        for name, group in groups.items()
    )
