"""What events do to the wallets of positions. No clock, no I/O."""

from collections.abc import Iterable, Mapping

from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import Portfolio, Position
from margingate_engine.portfolio.wallets import wallet_after
from margingate_server.ledger.state import AccountState, ShardState
from margingate_server.ledger.wallet_events import MarginMoved, WalletNumbers

FLAT = Position(0)


def margin_moved(state: ShardState, event: MarginMoved, *_: object) -> None:
    """The wallet is what the event says."""
    row = state.table.row_by_name[event.instrument]
    set_wallet(state.accounts[event.account].portfolio, row, event.wallet)


def follow_positions(portfolio: Portfolio, before: Mapping[int, Position]) -> None:
    """Take out of the wallets what positions have closed since they were `before`. [ISO-03]"""
    for row in list(portfolio.wallets):
        follow_fill(portfolio, row, before.get(row, FLAT).lots, 0)


def follow_fill(portfolio: Portfolio, row: int, lots_before: int, units: int) -> None:
    """Take out of a wallet what its position has closed, and move so much into it."""
    lots = portfolio.positions.get(row, FLAT).lots - lots_before
    wallet = wallet_after(portfolio.wallets.get(row, 0), lots_before, lots)
    set_wallet(portfolio, row, wallet + units)


def set_wallet(portfolio: Portfolio, row: int, wallet: int) -> None:
    """Have a wallet be so much; one of nothing is forgotten."""
    if wallet:
        portfolio.wallets[row] = wallet
    else:
        portfolio.wallets.pop(row, None)


def set_model(
    table: InstrumentTable, account: AccountState, model: str, wallets: Iterable[WalletNumbers]
) -> None:
    """Have an account margined by a model; another one than before comes with wallets. [ISO-06]"""
    if model != account.model:
        held = {table.row_by_name[each.instrument]: each.wallet for each in wallets}
        account.portfolio.wallets = held
    account.model = model
