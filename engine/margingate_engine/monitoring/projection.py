"""The margin of an account once what expires next is gone. [MON-14]"""

from dataclasses import dataclass, replace

from margingate_engine.core.risk import Risk
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_engine.monitoring.moved_market import later_market
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Portfolio
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.settlement import settlement_units


@dataclass(frozen=True, slots=True, kw_only=True)
class Projection:
    """Margin of the positions now, and just after `expiry_ns` without those at `rows`."""

    expiry_ns: int
    rows: tuple[int, ...]
    before: Risk
    after: Risk


def after_next_expiry(
    model: MarginModel, table: InstrumentTable, snapshot: MarketSnapshot, portfolio: Portfolio
) -> Projection | None:
    """What becomes of the positions' margin at the next expiry among them; None without one.

    What expires settles at the index of now; prices and vols of everything else stay, and options
    lose the time until then. Open orders are left out. MissingData names what has no price.
    """
    living = [
        (expiry_ns, row)
        for row in portfolio.positions
        if (expiry_ns := table.instruments[row].expiry_ns) is not None
        and expiry_ns > snapshot.market_time_ns
    ]
    positions = portfolio.positions_only()
    before = AccountRisk.of(positions, model.risk_arrays(table, snapshot)).positions_risk
    if not living:
        return None
    expiry_ns = min(each for each, _ in living)
    rows = tuple(sorted(row for each, row in living if each == expiry_ns))
    arrays = model.risk_arrays(table, later_market(table, snapshot, expiry_ns))
    after = AccountRisk.of(_settled(table, snapshot, positions, rows), arrays)
    return Projection(expiry_ns=expiry_ns, rows=rows, before=before, after=after.positions_risk)


def _settled(
    table: InstrumentTable,
    snapshot: MarketSnapshot,
    portfolio: Portfolio,
    rows: tuple[int, ...],
) -> Portfolio:
    """The portfolio with the positions at `rows` turned into cash; their wallets are free."""
    cash, positions = dict(portfolio.cash), dict(portfolio.positions)
    wallets = {row: units for row, units in portfolio.wallets.items() if row not in rows}
    for row in rows:
        instrument = table.instruments[row]
        index_nano = int(snapshot.index_nano_u[table.underlying_i[row]])
        units = settlement_units(instrument, positions.pop(row), index_nano)
        asset = instrument.settlement_asset
        cash[asset] = cash.get(asset, 0) + units
    return replace(portfolio, cash=cash, positions=positions, wallets=wallets)
