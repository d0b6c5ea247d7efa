"""Headroom over every combination of fills, each computed by the model from positions alone."""

from collections.abc import Iterator, Sequence

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.effect import leg_effect
from margingate_engine.portfolio.fees import held_fee
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from tests.property.chain import World


def worst_of_all_fills(world: World, portfolio: Portfolio) -> int:
    """The smallest headroom of positions, over no, half and whole fills of every single-leg order.

    Only the account's positions and cash move from one combination to the next; no order is open.
    """
    alone = Portfolio(fees=portfolio.fees, cash=portfolio.cash, positions=portfolio.positions)
    account = AccountRisk.of(alone, world.arrays)
    filling = Filling(world, account, portfolio)
    worst = account.positions_risk.headroom
    for _ in filling.walk([leg for (leg,) in portfolio.legs.values()]):
        worst = min(worst, account.positions_risk.headroom)
    return worst


class Filling:
    """Moves the positions of an account risk as fills do.

    entry: what the fills of now lose against the mark, lot by lot, 1e-6 USD, <= 0. [SPAN-13]
    """

    def __init__(self, world: World, account: AccountRisk, portfolio: Portfolio) -> None:
        self._world, self._account, self._fees = world, account, portfolio.fees
        self.entry = 0
        self._held = {row: position.lots for row, position in portfolio.positions.items()}
        self._levels: list[int] = []

    def walk(self, legs: Sequence[OpenLeg]) -> Iterator[None]:
        """Every combination of levels, the first ones included, each a step away from the last."""
        if not legs:
            yield
            return
        first, rest = legs[0], legs[1:]
        yield from self.walk(rest)
        filled = 0
        for level in sorted({first.lots // 2, first.lots} - {0}):
            self._fill(first, level - filled)
            filled = level
            yield from self.walk(rest)
        self._fill(first, -filled)

    def fill_to(self, legs: Sequence[OpenLeg], levels: Sequence[int]) -> None:
        """So many lots filled of each leg, whatever was filled of it before."""
        filled = self._levels or [0] * len(legs)
        for leg, before, after in zip(legs, filled, levels, strict=True):
            if after != before:
                self._fill(leg, after - before)
        self._levels = list(levels)

    def _fill(self, leg: OpenLeg, lots: int) -> None:
        """Fill lots of a leg at its limit, or undo that (lots < 0); fees lot by lot, as held."""
        instrument = self._world.table.instruments[leg.row]
        group = self._world.arrays.groups[self._world.arrays.group_i[leg.row]]
        assert group is not None, "an order on what has no price"
        side, account = int(leg.side), self._account
        fee = held_fee(self._fees, instrument, 1, leg.price_nano, group.index_nano)
        if instrument.kind is InstrumentKind.SPOT:
            account.move_cash(instrument.underlying, lots * spot_coins(instrument, side))
        else:
            before = self._held.get(leg.row, 0)
            self._held[leg.row] = before + side * lots
            account.move_position(leg.row, before, before + side * lots)
        flow = fill_flow(instrument, side, leg.price_nano) - fee
        account.move_cash(instrument.settlement_asset, lots * flow)
        effect = leg_effect(self._world.arrays, self._fees, leg.row, leg.side, leg.price_nano)
        self.entry += lots * effect.entry
