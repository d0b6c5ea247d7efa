"""Customer portfolio margin the slow way: one position at a time, every fill tried.

Amounts are integers and so is what offsets make of them. Shares nothing with the engine.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

POINTS = range(10)
PPM = 10**6


@dataclass(frozen=True)
class Contract:
    """What one lot does at the ten points, and the least it requires held long and short."""

    underlying: str
    pnl: tuple[int, ...]
    long_minimum: int
    short_minimum: int


@dataclass(frozen=True)
class Order:
    """Signed lots of a contract; a lot filled loses `loss` >= 0 and moves coins worth `coins`."""

    contract: int
    lots: int
    loss: int
    coins: tuple[int, ...]


@dataclass(frozen=True)
class Groups:
    """Where everything belongs; offsets in 1e-6."""

    class_of: Mapping[str, str]
    product_of: Mapping[str, str]
    portfolio_of: Mapping[str, str]
    product_offset_ppm: Mapping[str, int]
    portfolio_offset_ppm: Mapping[str, int]

    def home(self, underlying: str) -> str:
        return self.portfolio_of[self.product_of[self.class_of[underlying]]]


def exact_risk(groups: Groups, portfolio: str, pnl: Mapping[str, Sequence[int]]) -> int:
    """The largest loss of a portfolio group in 1e-12 of a unit; pnl: by underlying."""
    worst = 0
    products = [p for p, home in groups.portfolio_of.items() if home == portfolio]
    for point in POINTS:
        total = 0
        for product_group in products:
            result = 0
            for class_group, home in groups.product_of.items():
                if home == product_group:
                    moved = sum(pnl[u][point] for u in pnl if groups.class_of[u] == class_group)
                    share = groups.product_offset_ppm[product_group] if moved > 0 else PPM
                    result += share * moved
            total += result * (groups.portfolio_offset_ppm[portfolio] if result > 0 else PPM)
        worst = max(worst, -total)
    return worst


def requirement(
    groups: Groups,
    contracts: Sequence[Contract],
    lots: Sequence[int],
    coins: Mapping[str, Sequence[int]],
) -> dict[str, int]:
    """Requirement of positions per portfolio group; coins: P&L of coin balances by underlying."""
    pnl = {
        u: [
            row[p]
            + sum(n * c.pnl[p] for n, c in zip(lots, contracts, strict=True) if c.underlying == u)
            for p in POINTS
        ]
        for u, row in coins.items()
    }
    found = {}
    for portfolio in groups.portfolio_offset_ppm:
        members = {u: row for u, row in pnl.items() if groups.home(u) == portfolio}
        minimum = sum(
            n * c.long_minimum if n > 0 else -n * c.short_minimum
            for n, c in zip(lots, contracts, strict=True)
            if c.underlying in members
        )
        found[portfolio] = max(-(-exact_risk(groups, portfolio, members) // PPM**2), minimum)
    return found


def fills(orders: Sequence[Order]) -> Iterator[tuple[int, ...]]:
    """Signed lots filled of every order: nothing, about half, everything, in every combination."""
    yield from product(*(sorted({0, int(each.lots / 2), each.lots}) for each in orders))


def worst_shortfall(
    groups: Groups,
    contracts: Sequence[Contract],
    lots: Sequence[int],
    coins: Mapping[str, Sequence[int]],
    orders: Sequence[Order],
) -> int:
    """The most that any fills make of requirement and entry losses together."""
    worst = 0
    for filled in fills(orders):
        held, moved, loss = list(lots), {u: list(row) for u, row in coins.items()}, 0
        for order, count in zip(orders, filled, strict=True):
            held[order.contract] += count
            loss += abs(count) * order.loss
            row = moved[contracts[order.contract].underlying]
            for point in POINTS:
                row[point] += abs(count) * order.coins[point]
        worst = max(worst, loss + sum(requirement(groups, contracts, held, moved).values()))
    return worst
