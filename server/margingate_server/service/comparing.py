"""What a portfolio would require under each model, worked out beside the decisions.

`take` gathers under the lane's lock what nobody changes afterwards; all the rest reads that alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from margingate_engine.check.compare import (
    Compared,
    Holding,
    RegimeFigures,
    bought_at_marks,
    closed_at_marks,
    compared,
    regime_figures,
)
from margingate_engine.check.sizing import LOTS_MAX, whole_units
from margingate_engine.core.amounts import USD, asset_units
from margingate_engine.core.errors import InvalidInput, MissingData, ModelFailure
from margingate_engine.market.part import market_part
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.part import own_market
from margingate_server.service.freshness import (
    AgeLimits,
    Oldest,
    oldest_of_holdings,
    oldest_of_portfolio,
)
from margingate_server.service.holdings_range import BEYOND_RANGE
from margingate_server.service.market import MarketView
from margingate_server.service.refusals import UnknownName
from margingate_server.service.shard import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The market, and every model by name, the one that accounts open under first."""

    view: MarketView
    models: Mapping[str, MarginModel]
    age_limits: AgeLimits
    now_ns: int

    def model(self, name: str) -> MarginModel:
        """The model of that name, "" for the first; InvalidInput when there is none."""
        if name and name not in self.models:
            raise InvalidInput("model", f"must be one of {', '.join(sorted(self.models))}")
        return self.models[name] if name else next(iter(self.models.values()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A holding on a market of its own instruments alone. is_stale: a price of it is too old."""

    holding: Holding
    table: InstrumentTable
    snapshot: MarketSnapshot
    is_stale: bool


def take(shard: Shard, age_limits: AgeLimits, now_ns: int) -> Moment:
    """The market of now."""
    market = shard.market
    return Moment(view=market.view, models=market.models, age_limits=age_limits, now_ns=now_ns)


def take_portfolio(shard: Shard, account: str) -> tuple[Portfolio, int]:
    """(copy of what an account holds, its version); UnknownName when there is none."""
    state = shard.account(account)
    return state.portfolio.positions_only(), state.version


def subject_of_account(moment: Moment, portfolio: Portfolio) -> Subject:
    """What an account holds, its open orders left out. MissingData names what has no price."""
    own, table, snapshot = own_market(portfolio, moment.view.table, moment.view.snapshot)
    return Subject(
        holding=closed_at_marks(own, table, snapshot),
        table=table,
        snapshot=snapshot,
        is_stale=_is_stale(moment, oldest_of_portfolio(moment.view, portfolio)),
    )


def subject_of_statement(
    moment: Moment, positions: Sequence[tuple[str, Decimal]], collateral: Mapping[str, Decimal]
) -> Subject:
    """Positions (instrument, signed quantity) bought at their marks from some collateral.

    InvalidInput names the field of `portfolio` that is wrong; UnknownName what is not listed,
    MissingData what has no price.
    """
    whole = moment.view.table
    lots_by_row: dict[int, int] = {}
    for number, (name, quantity) in enumerate(positions):
        row, lots = _lots(moment.view, f"portfolio.positions[{number}]", name, quantity)
        if row in lots_by_row:
            raise InvalidInput("portfolio.positions", "name one instrument twice")
        lots_by_row[row] = lots
    cash = _cash(whole, collateral)
    table, snapshot = market_part(whole, moment.view.snapshot, lots_by_row, cash)
    bought = {
        table.row_by_name[whole.instruments[row].name]: lots
        for row, lots in lots_by_row.items()
        if lots
    }
    rows = [row for row, lots in lots_by_row.items() if lots]
    return Subject(
        holding=bought_at_marks(cash, bought, table, snapshot),
        table=table,
        snapshot=snapshot,
        is_stale=_is_stale(moment, oldest_of_holdings(moment.view, rows, cash)),
    )


def compare(moment: Moment, subject: Subject) -> tuple[Compared, ...]:
    """The subject under every model. MissingData when a coin has no price, or it is too much."""
    try:
        return compared(moment.models.values(), subject.holding, subject.table, subject.snapshot)
    except ModelFailure:
        raise MissingData(BEYOND_RANGE) from None


def simulate(model: MarginModel, subject: Subject) -> RegimeFigures:
    """The subject under one model. MissingData names what has no price or no parameters."""
    try:
        return regime_figures(model, subject.holding, subject.table, subject.snapshot)
    except ModelFailure:
        raise MissingData(BEYOND_RANGE) from None


def _is_stale(moment: Moment, oldest: Oldest) -> bool:
    return oldest.stale_subject(moment.now_ns, moment.age_limits) is not None


def _lots(view: MarketView, path: str, name: str, quantity: Decimal) -> tuple[int, int]:
    """(row, signed lots) of a stated position."""
    row = view.table.row(name)
    if row is None:
        raise UnknownName("instrument", name)
    if view.table.expiry_ns_i[row] <= view.snapshot.market_time_ns:
        raise InvalidInput(f"{path}.instrument", "has expired")
    lots = whole_units(quantity, view.table.instruments[row].lot_nano)
    if lots is None or abs(lots) >= LOTS_MAX:
        raise InvalidInput(f"{path}.quantity", "is not a whole number of lots in range")
    return row, lots


def _cash(table: InstrumentTable, collateral: Mapping[str, Decimal]) -> dict[str, int]:
    """Units by asset; what is zero is left out."""
    cash = {}
    for number, (asset, amount) in enumerate(collateral.items()):
        path = f"portfolio.collateral[{number}]"
        if asset != USD and asset not in table.underlyings:
            raise InvalidInput(f"{path}.currency", "is neither USD nor a coin of any instrument")
        units = asset_units(amount, asset, f"{path}.amount")
        if units:
            cash[asset] = units
    return cash
