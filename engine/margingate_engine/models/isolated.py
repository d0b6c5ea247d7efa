"""The model `isolated`: every position with margin of its own. docs/methodology/isolated.md"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from margingate_engine.core.amounts import ceil_div
from margingate_engine.core.charges import Charge
from margingate_engine.core.risk import Exactness, Risk
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.position_margin import (
    PositionParameters,
    future_initial,
    future_lots,
    maintenance_of,
    position_arrays,
)
from margingate_engine.models.table_model import TableModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.margin_model import (
    NOT_A_SCENARIO,
    EquityBasis,
    Regime,
    Requirement,
)
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.position_risk import PositionRisk
from margingate_engine.portfolio.risk_arrays import COIN_VALUE_DIVISOR, SPOT_KEY, RiskArrays


@dataclass(frozen=True, kw_only=True)
class IsolatedParameters(PositionParameters):
    """Parameters of one underlying in the model `isolated`."""

    MODEL: ClassVar[str] = "isolated"


@dataclass(frozen=True, slots=True)
class IsolatedMargin:
    """What a group takes from equity, 1e-6 USD: of each position margin or own equity, the more.

    options: with the entry losses of what is no future. maintenance: the same with maintenance.
    """

    underlying: str
    options: int
    futures: int
    maintenance: int


class IsolatedModel(TableModel[IsolatedParameters]):
    """No offset between positions, and none has what another one lacks. [ISO-01]"""

    name = "isolated"
    regime = Regime.ISOLATED
    equity_basis = EquityBasis.WITHOUT_OPTION_VALUE
    worst_fill = Exactness.BOUND
    has_wallets = True
    PARAMETERS = IsolatedParameters

    def risk_arrays(self, table: InstrumentTable, snapshot: MarketSnapshot) -> RiskArrays:
        """The same as of `cross`. [ISO-01]"""
        return position_arrays(self, self.parameters, table, snapshot)

    def group_margin(self, totals: GroupTotals, holds: Sequence[OrderTotals]) -> IsolatedMargin:
        """What positions and orders of a group take from the free wallet. [ISO-03, ISO-05]"""
        rates = _rates(totals, holds)
        own = {row: own_equity(totals, row, rates) for row in totals.lots}
        futures = {
            row: future_initial(totals, row, lots) for row, *lots in future_lots(totals, holds)
        }
        losses = _floors(totals, holds)
        return IsolatedMargin(
            totals.group.underlying,
            sum(
                _held_option(totals, row, own.get(row, 0), floor)
                for row, floor in losses.items()
                if row not in futures
            ),
            sum(
                max(own.get(row, 0), needed) - losses.get(row, (0, 0))[0]
                for row, needed in futures.items()
            ),
            sum(
                max(own[row], maintenance_of(totals, row, lots))
                for row, lots in totals.lots.items()
            )
            if not holds
            else 0,
        )

    def requirements(self, margins: Mapping[int, IsolatedMargin]) -> list[Requirement]:
        """One requirement a group, the sum over its positions. [ISO-03]"""
        return [_requirement(number, margin) for number, margin in margins.items()]

    def maintenance(self, margins: Mapping[int, IsolatedMargin]) -> int:
        """The sum over the positions. [ISO-04]"""
        return sum(margin.maintenance for margin in margins.values())

    def size_kinks(
        self, before: GroupTotals, filled: GroupTotals, hold: OrderTotals
    ) -> Iterable[int]:
        """Where a short bought back has paid what its open sales would require. [DEC-06]

        From there on the sales are the less, until nothing is short; all else is convex.
        """
        del filled
        floors = _floors(before, (before.orders,))
        for row, (entry, short) in hold.floors.items():
            held_short = before.arrays.minimum_i[row] * min(0, before.lots.get(row, 0))
            paid, beyond = (-each for each in floors.get(row, (0, 0)))
            slope, gap = short - entry, beyond + held_short - paid
            if held_short and slope > 0 and gap > 0:
                yield from (gap // slope, gap // slope + 1)


def position_risks_of(totals: GroupTotals) -> list[PositionRisk]:
    """Margin of every position of a group, by row, orders left out. [ISO-04]"""
    rates = _rates(totals, ())
    return [
        PositionRisk(
            row,
            totals.pockets[row].wallet if row in totals.pockets else 0,
            Risk(
                equity=own_equity(totals, row, rates, is_rounded_up=False),
                initial=initial_of(totals, row),
                maintenance=maintenance_of(totals, row, lots),
            ),
        )
        for row, lots in sorted(totals.lots.items())
    ]


def initial_of(totals: GroupTotals, row: int) -> int:
    """Initial margin of one position, orders left out, 1e-6 USD. [ISO-02]"""
    lots = totals.lots.get(row, 0)
    if totals.arrays.table.is_future_i[row]:
        return future_initial(totals, row, (lots,))
    return max(0, -lots) * totals.arrays.minimum_i[row]


def required_with_orders(totals: GroupTotals, row: int) -> int:
    """What an instrument requires at the worst fills of its open orders, 1e-6 USD. [ISO-06]"""
    entry, short = _floors(totals, (totals.orders,)).get(row, (0, 0))
    if not totals.arrays.table.is_future_i[row]:
        return -min(entry, short)
    sizes = {each: lots for each, *lots in future_lots(totals, (totals.orders,))}
    return future_initial(totals, row, sizes.get(row, (0,))) - entry


def free_wallet(account: AccountRisk) -> int:
    """Equity less what every position has to itself, 1e-6 USD, signed. [ISO-02]"""
    own = 0
    for totals in account.groups.values():
        rates = _rates(totals, ())
        own += sum(own_equity(totals, row, rates) for row in totals.lots)
    return account.equity - own


def wallet_units_of_fill(account: AccountRisk, row: int, fee: int) -> int:
    """What moves into the wallet of a position that has just been filled, 1e-6 USD. [ISO-03]

    fee: of the fill, in the settlement asset's units. > 0: what the position lacks, as far as the
    free wallet has it. < 0: the fee, out of what the position has beyond its margin.
    """
    arrays = account.arrays
    totals = account.peek(arrays.group_i[row])
    lacking = initial_of(totals, row) - own_equity(totals, row, _rates(totals, ()))
    if lacking > 0:
        return max(0, min(lacking, free_wallet(account)))
    is_coins = arrays.table.is_inverse_i[row]
    fee_usd = -totals.group.coin_value(-fee) if is_coins else fee
    return -min(-lacking, max(0, fee_usd))


def top_ups(account: AccountRisk) -> dict[int, int]:
    """What moves into the wallets when an account comes to have some, 1e-6 USD, > 0, by row.

    Each position gets what it lacks to its initial margin, by name, while the free wallet has it.
    [ISO-06]
    """
    names, free, units_by_row = account.arrays.table.instruments, free_wallet(account), {}
    held = [(names[row].name, row, each) for each in account.groups.values() for row in each.lots]
    for _, row, totals in sorted(held, key=lambda position: position[0]):
        lacking = initial_of(totals, row) - own_equity(totals, row, _rates(totals, ()))
        units = min(lacking, free)
        if units > 0:
            units_by_row[row] = units
            free -= units
    return units_by_row


def own_with_orders(totals: GroupTotals, row: int) -> int:
    """What a position surely has to itself while orders are open, 1e-6 USD. [ISO-06]"""
    return min(
        own_equity(totals, row, (rate,), is_rounded_up=False)
        for rate in _rates(totals, (totals.orders,))
    )


def own_equity(
    totals: GroupTotals, row: int, rates: Iterable[int], *, is_rounded_up: bool = True
) -> int:
    """What a position has to itself, wallet and result, 1e-6 USD, signed. [ISO-02]

    rates: what a coin may count, 1e-15 USD; the largest value is taken. Where the totals
    have other lots than the pocket was told of, a fill at the mark is tried: the closed part takes
    its share with it.
    """
    pocket, lots = totals.pockets.get(row), totals.lots.get(row, 0)
    if pocket is None or not lots or (lots > 0) != (pocket.lots > 0):
        return 0
    arrays, usd, coins = totals.arrays, pocket.wallet, 0
    if arrays.table.is_future_i[row]:
        usd += arrays.position_value(row, pocket.lots)
        if arrays.table.is_inverse_i[row]:
            coins = pocket.entry + arrays.position_coin(row, pocket.lots)
        else:
            usd += pocket.entry
    worth = max(coins * rate for rate in rates)
    own = usd
    own += ceil_div(worth, COIN_VALUE_DIVISOR) if is_rounded_up else worth // COIN_VALUE_DIVISOR
    return own if abs(lots) >= abs(pocket.lots) else ceil_div(own * abs(lots), abs(pocket.lots))


def _rates(totals: GroupTotals, holds: Sequence[OrderTotals]) -> tuple[int, ...]:
    """What a coin of the group may count, 1e-15 USD, whatever fills do to the balance.

    Owned it counts less, owed more. [ISO-02]
    """
    highest, lowest = totals.extreme_features(holds)
    group, coins = totals.group, totals.coin_pico
    above = coins > 0 or (holds and highest[SPOT_KEY] > 0)
    below = coins <= 0 or (holds and lowest[SPOT_KEY] < 0)
    return (group.owned_rate,) * bool(above) + (group.owed_rate,) * bool(below)


def _floors(totals: GroupTotals, holds: Sequence[OrderTotals]) -> dict[int, tuple[int, int]]:
    """(entry losses, headroom where it ends short) of everything held or on order, by row."""
    minimum_i = totals.arrays.minimum_i
    floors = {row: (0, minimum_i[row] * lots) for row, lots in totals.lots.items()}
    for hold in holds:
        for row, (entry, short) in hold.floors.items():
            before = floors.get(row, (0, 0))
            floors[row] = (before[0] + entry, before[1] + short)
    return floors


def _held_option(totals: GroupTotals, row: int, own: int, floor: tuple[int, int]) -> int:
    """What an option, or spot, takes over all fills, 1e-6 USD; its floor as in _floors. [ISO-05]

    Bought back, a short gives back of its own at least what it requires: only what is paid beyond
    that comes on top of what it has.
    """
    entry, short = floor
    held_short = totals.arrays.minimum_i[row] * min(0, totals.lots.get(row, 0))
    lost = max(entry, short - held_short) if held_short else entry
    return max(-entry, own - lost, -short)


def _requirement(number: int, margin: IsolatedMargin) -> Requirement:
    charges = (
        (Charge.SHORT_OPTION_MARGIN, margin.options),
        (Charge.FUTURE_MARGIN, margin.futures),
    )
    return Requirement(
        subject=margin.underlying,
        total=margin.options + margin.futures,
        charges=charges,
        binding=max(charges, key=lambda charge: charge[1]),
        scenario=NOT_A_SCENARIO,
        words="each position with its own margin",
        groups=(number,),
        is_exact=False,
    )
