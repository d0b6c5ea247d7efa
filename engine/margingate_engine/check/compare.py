"""One portfolio under several models: what each requires, and how much capital it takes up."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from margingate_engine.core.amounts import NANO, USD
from margingate_engine.core.errors import MissingData
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.risk import Risk
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.isolated import top_ups
from margingate_engine.models.strategy.deposit import Deposit, NotOffered, entry_deposit
from margingate_engine.models.strategy.entry import Account
from margingate_engine.models.strategy.model import StrategyModel
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import USD_VALUE_DIVISOR, fill_flow, spot_coins
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.portfolio.margin_model import MarginModel, Requirement

_COIN_VALUE_DIVISOR = USD_VALUE_DIVISOR * NANO
"""1e-9 of a size x 1e-9 coins x 1e-9 USD, in 1e-6 USD."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What is compared: a portfolio without open orders, and the cash there was without it.

    collateral: signed units by asset, of who has none of the positions.
    """

    portfolio: Portfolio
    collateral: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class RegimeFigures:
    """What a model says of a holding, 1e-6 USD.

    net_option_value: options at their marks, longs positive, rounded down, whether or not equity
    has it. capital_used: headroom of the collateral alone less headroom with the portfolio, signed.
    requirements: of the positions. deposits: what entering all of it takes, by kind of account,
    under rules-based margin; empty under any other.
    """

    account: AccountRisk
    risk: Risk
    net_option_value: int
    capital_used: int
    requirements: tuple[Requirement, ...]
    deposits: Mapping[Account, Deposit | NotOffered]

    @property
    def is_exact(self) -> bool:
        """Whether no requirement is an upper bound."""
        return all(each.is_exact for each in self.requirements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A model and its figures; None where it has no parameters for `missing`."""

    model: MarginModel
    figures: RegimeFigures | None
    missing: str = ""


def bought_at_marks(
    collateral: Mapping[str, int],
    lots_by_row: Mapping[int, int],
    table: InstrumentTable,
    snapshot: MarketSnapshot,
) -> Holding:
    """The collateral with the lots (signed) that it buys and sells at their marks, without fees.

    Premiums leave and enter cash, futures are entered at the mark, coins bought as spot are
    collateral paid in USD. MissingData names what has no price.
    """
    cash, positions = dict(collateral), {}
    for row, mark_nano in _marks(lots_by_row, table, snapshot):
        instrument, lots = table.instruments[row], lots_by_row[row]
        flow = fill_flow(instrument, lots, mark_nano)
        if instrument.kind is not InstrumentKind.SPOT:
            positions[row] = Position(lots, flow if instrument.is_future else 0)
        if not instrument.is_future:
            _pay(cash, instrument.settlement_asset, flow)
            _pay(cash, instrument.underlying, spot_coins(instrument, lots))
    return Holding(
        portfolio=Portfolio(fees={}, cash=cash, positions=positions), collateral=collateral
    )


def closed_at_marks(
    portfolio: Portfolio, table: InstrumentTable, snapshot: MarketSnapshot
) -> Holding:
    """A portfolio with the cash that closing it at its marks without fees would leave.

    Open orders are left out, coins stay. MissingData names what has no price.
    """
    cash = dict(portfolio.cash)
    for row, mark_nano in _marks(portfolio.positions, table, snapshot):
        instrument, position = table.instruments[row], portfolio.positions[row]
        flow = fill_flow(instrument, -position.lots, mark_nano)
        _pay(cash, instrument.settlement_asset, position.entry + flow)
    return Holding(portfolio=portfolio.positions_only(), collateral=cash)


def compared(
    models: Iterable[MarginModel],
    holding: Holding,
    table: InstrumentTable,
    snapshot: MarketSnapshot,
) -> tuple[Compared, ...]:
    """The holding under each of the models, in their order.

    MissingData names what has no price; ModelFailure beyond the range of the risk integers.
    """
    _refuse_unpriced_coins(holding, table, snapshot)
    return tuple(_compared(model, holding, table, snapshot) for model in models)


def regime_figures(
    model: MarginModel, holding: Holding, table: InstrumentTable, snapshot: MarketSnapshot
) -> RegimeFigures:
    """The holding under one model; MissingData also for what it has no parameters for.

    A holding without wallets gets those that a change to a model with wallets would make. [ISO-06]
    """
    arrays = model.risk_arrays(table, snapshot)
    account = AccountRisk.of(holding.portfolio, arrays)
    if model.has_wallets and not holding.portfolio.wallets:
        with_wallets = replace(holding.portfolio, wallets=top_ups(account))
        account = AccountRisk.of(with_wallets, arrays)
    alone = AccountRisk.of(Portfolio(fees={}, cash=dict(holding.collateral)), arrays)
    return RegimeFigures(
        account=account,
        risk=account.risk,
        net_option_value=net_option_value(holding.portfolio, table, snapshot),
        capital_used=alone.risk.headroom - account.risk.headroom,
        requirements=tuple(account.positions_requirements()),
        deposits=(
            {kind: entry_deposit(account, model.parameters, kind) for kind in Account}
            if isinstance(model, StrategyModel)
            else {}
        ),
    )


def net_option_value(portfolio: Portfolio, table: InstrumentTable, snapshot: MarketSnapshot) -> int:
    """Options of a portfolio at their marks, coins at the index, 1e-6 USD, rounded down each."""
    value = 0
    for row, position in portfolio.positions.items():
        instrument = table.instruments[row]
        if instrument.kind is not InstrumentKind.OPTION:
            continue
        worth = position.lots * instrument.size_nano * int(snapshot.mark_nano_i[row])
        if instrument.settlement_asset == USD:
            value += worth // USD_VALUE_DIVISOR
        else:
            index_nano = int(snapshot.index_nano_u[table.underlying_i[row]])
            value += worth * index_nano // _COIN_VALUE_DIVISOR
    return value


def gain(capital_used: int, reference: int) -> float | None:
    """Share of the reference's capital that is not used, 1 - used / reference; None without any."""
    return 1 - capital_used / reference if reference > 0 else None


def _compared(
    model: MarginModel, holding: Holding, table: InstrumentTable, snapshot: MarketSnapshot
) -> Compared:
    try:
        return Compared(model=model, figures=regime_figures(model, holding, table, snapshot))
    except MissingData as missing:
        return Compared(model=model, figures=None, missing=missing.subject)


def _refuse_unpriced_coins(
    holding: Holding, table: InstrumentTable, snapshot: MarketSnapshot
) -> None:
    """MissingData naming a coin without an index: no model could value it."""
    for units_by_asset in (holding.portfolio.cash, holding.collateral):
        for asset, units in sorted(units_by_asset.items()):
            if asset == USD or not units:
                continue
            is_listed = asset in table.underlyings
            if not is_listed or snapshot.observed_ns_u[table.underlyings.index(asset)] < 0:
                raise MissingData(asset)


def _marks(
    rows: Iterable[int], table: InstrumentTable, snapshot: MarketSnapshot
) -> Iterator[tuple[int, int]]:
    """(row, mark in 1e-9, of spot the index) of each row; MissingData names one without a price."""
    priced_i = snapshot.priced_i(table)
    for row in rows:
        instrument = table.instruments[row]
        if not priced_i[row]:
            raise MissingData(instrument.name)
        is_spot = instrument.kind is InstrumentKind.SPOT
        index_nano = int(snapshot.index_nano_u[table.underlying_i[row]])
        yield row, index_nano if is_spot else int(snapshot.mark_nano_i[row])


def _pay(cash: dict[str, int], asset: str, units: int) -> None:
    if units:
        cash[asset] = cash.get(asset, 0) + units
