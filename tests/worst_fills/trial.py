"""One book: what its orders hold against the worst of their fills."""

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from margingate_engine.models.strategy.model import StrategyModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.effect import leg_effect
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.margin_model import EquityBasis
from tests.property.chain import World, worlds
from tests.property.every_fill import Filling
from tests.property.model_worlds import model_world
from tests.worst_fills.books import book
from tests.worst_fills.lazily import Programs

Fill = tuple[AccountRisk, int]
"""The one account that fills move, and what of its equity counts, 1e-6 USD."""

EVERY_HALF_MAX = 4
"""Of more orders than these all subsets are tried, and so many combinations with halves."""
HALVES_TRIED = 100


@dataclass(frozen=True, slots=True)
class Trial:
    """Requirements of one book in 1e-6 USD: held with the orders, and at the worst fills tried."""

    model: str
    seed: int
    orders: int
    lots: int
    held: int
    worst: int
    is_called_exact: bool

    @property
    def is_below(self) -> bool:
        """What is held does not cover some fills: a defect."""
        return self.held < self.worst

    @property
    def is_exact(self) -> bool:
        """No more is held than the worst fills need, but for two units a lot of rounding."""
        return abs(self.held - self.worst) <= 2 * self.lots

    @property
    def ratio(self) -> float:
        """Held over worst, 1 where both are nothing."""
        return self.held / self.worst if self.worst > 0 else 1.0


def world_of(model: str) -> World:
    """The chain under a model."""
    return worlds()[0] if model == "span" else model_world(model)


def trial(model: str, seed: int) -> Trial:
    """The book of a seed under a model."""
    world = world_of(model)
    portfolio = book(world, seed)
    account = AccountRisk.of(portfolio, world.arrays)
    requirements = account.requirements()
    return Trial(
        model=model,
        seed=seed,
        orders=len(portfolio.legs),
        lots=sum(leg.lots for (leg,) in portfolio.legs.values()),
        held=sum(each.total for each in requirements),
        worst=account.equity - worst_headroom(world, portfolio, random.Random(~seed)),
        is_called_exact=all(each.is_exact for each in requirements),
    )


def worst_headroom(world: World, portfolio: Portfolio, draw: random.Random) -> int:
    """The least headroom of positions over fills of nothing, half and all of each order."""
    fills = fills_of(world, portfolio, draw)
    if isinstance(world.model, StrategyModel):
        return Programs(world.model).least_headroom(fills)
    return least_of_all(fills)


def least_of_all(fills: Iterable[Fill]) -> int:
    """The least headroom, every fill for itself."""
    return min(
        equity - sum(each.total for each in account.positions_requirements())
        for account, equity in fills
    )


def fills_of(world: World, portfolio: Portfolio, draw: random.Random) -> Iterator[Fill]:
    """The positions alone after each of the fills tried.

    With option value in equity fills add to it what they lose against the mark lot by lot, as is
    held, and nothing that they gain [SPAN-13, SPAN-15]. Without it a sale of what is held is all
    gain, and requirements count on it: of fills of futures alone what they gain is left out.
    """
    alone = Portfolio(fees=portfolio.fees, cash=portfolio.cash, positions=portfolio.positions)
    account = AccountRisk.of(alone, world.arrays)
    filling = Filling(world, account, portfolio)
    before, has_value = account.equity, world.model.equity_basis is EquityBasis.WITH_OPTION_VALUE
    legs = [leg for (leg,) in portfolio.legs.values()]
    gains = [_gain_of_future(world, portfolio, leg) for leg in legs]
    for levels in _levels(legs, draw):
        filling.fill_to(legs, levels)
        gain = sum(lots * each for lots, each in zip(levels, gains, strict=True))
        yield account, before + filling.entry if has_value else account.equity - gain


def _gain_of_future(world: World, portfolio: Portfolio, leg: OpenLeg) -> int:
    """What a lot of a future gains against its mark when it fills, 1e-6 USD, >= 0."""
    if not world.table.instruments[leg.row].is_future:
        return 0
    effect = leg_effect(world.arrays, portfolio.fees, leg.row, leg.side, leg.price_nano)
    return max(0, effect.gain)


def _levels(legs: list[OpenLeg], draw: random.Random) -> list[tuple[int, ...]]:
    if len(legs) <= EVERY_HALF_MAX:
        return sorted({*product(*((0, leg.lots // 2, leg.lots) for leg in legs))})
    subsets = list(product(*((0, leg.lots) for leg in legs)))
    halves = [
        tuple(draw.choice((0, leg.lots // 2, leg.lots)) for leg in legs)
        for _ in range(HALVES_TRIED)
    ]
    return sorted({*subsets, *halves})
