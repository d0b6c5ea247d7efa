"""Margin that positions have to themselves: topped up by fills, moved on request. [ISO-03]"""

from decimal import Decimal

import msgspec

from margingate_engine.core.amounts import AMOUNT_UNITS_MAX, MICRO, units_exact
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.core.reasons import RejectReason
from margingate_engine.models.isolated import (
    own_with_orders,
    required_with_orders,
    top_ups,
    wallet_units_of_fill,
)
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import Pocket
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.ledger.events import FillReported
from margingate_server.ledger.fold_orders import fill_position
from margingate_server.ledger.fold_wallets import FLAT, follow_fill
from margingate_server.ledger.state import AccountState
from margingate_server.ledger.wallet_events import MarginMoved, WalletNumbers
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.holdings_range import judged
from margingate_server.service.refusals import NotNow
from margingate_server.service.room import refuse_without_room
from margingate_server.service.shard import AccountView, Shard


class Wallets:
    """Moves margin between the free wallet and those of positions."""

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._age_limits = age_limits

    def move(
        self,
        account_id: str,
        instrument: str,
        amount: Decimal,
        request_id: str,
        digest: str,
        now_ns: int,
    ) -> tuple[int, int]:
        """(wallet in 1e-6 USD, event number) after a move to (> 0) or from the position. [ISO-06]

        NotNow when headroom or the position's margin would be short, or cannot be judged;
        InvalidInput for what is no position of an account that has wallets.
        """
        shard, account = self._shard, self._shard.account(account_id)
        row = shard.row(instrument)
        earlier = shard.answered_as(MarginMoved, account_id, request_id, digest)
        if earlier is not None:
            return earlier.wallet, shard.state.last_seq
        refuse_without_room(shard)
        units = units_exact(amount, MICRO, "amount")
        event = MarginMoved(
            account=account_id,
            request_id=request_id,
            request_digest=digest,
            instrument=instrument,
            units=units,
            wallet=self.judged(account, row, units, now_ns),
            market_digest=shard.market.view.digest,
        )
        seq = shard.record(event, now_ns)
        shard.forget_view(account_id)
        return event.wallet, seq

    def judged(self, account: AccountState, row: int, units: int, now_ns: int) -> int:
        """What the wallet would come to, 1e-6 USD; raises as `move`."""
        shard = self._shard
        name = shard.market.view.table.instruments[row].name
        if not shard.market.model_of(account.model).has_wallets:
            raise InvalidInput("account", "is not margined by a model with wallets")
        if row not in account.portfolio.positions:
            raise InvalidInput("instrument", "is no position of the account")
        view = judged(shard.view_of(account))
        if view.risk is None:
            raise NotNow(RejectReason.MARKET_DATA_MISSING, view.missing_subject or "")
        unfit = view.oldest.unfit(now_ns, self._age_limits)
        if unfit is not None:
            raise NotNow(*unfit)
        wallet = account.portfolio.wallets.get(row, 0) + units
        if abs(wallet) >= AMOUNT_UNITS_MAX:
            raise InvalidInput("amount", "is out of range")
        if not _stays_margined(view.risk, account.portfolio, row, units):
            raise NotNow(RejectReason.INSUFFICIENT_INITIAL_MARGIN, name)
        return wallet


def _stays_margined(risk: AccountRisk, portfolio: Portfolio, row: int, units: int) -> bool:
    """True when what is taken from, account or position, has its margin after the move."""
    pocket, trial = _pocket(portfolio, row), risk.copied()
    trial.allocate(row, pocket._replace(wallet=pocket.wallet + units))
    if units > 0:
        return trial.risk.is_margined
    totals = trial.peek(trial.arrays.group_i[row])
    return own_with_orders(totals, row) >= required_with_orders(totals, row)


def topped_up(shard: Shard, account: AccountState, row: int, event: FillReported) -> FillReported:
    """The fill with what it moves into the wallet of its position; of other models as it is.

    Nothing while something that the account holds has no price.
    """
    if not shard.market.model_of(account.model).has_wallets:
        return event
    if event.coins or event.settled_units is not None:
        return event
    arrays, portfolio = shard.view_of(account).view.arrays, account.portfolio
    instrument = arrays.table.instruments[row]
    after = portfolio.positions_only()
    lots_before = after.positions.get(row, FLAT).lots
    fill_position(after, row, instrument, event)
    follow_fill(after, row, lots_before, 0)
    if row not in after.positions:
        return event
    try:
        units = wallet_units_of_fill(AccountRisk.of(after, arrays), row, event.fee)
    except MissingData:
        return event
    return msgspec.structs.replace(event, wallet_units=units)


def wallets_under(
    shard: Shard, account: AccountState, model: str, view: AccountView
) -> tuple[WalletNumbers, ...]:
    """Wallets of the positions, by name, once an account is margined by a model. [ISO-06]

    view: of the account under that model; its risk is told of them. Who comes from a model without
    wallets has them topped up where there are prices; models without wallets have none.
    """
    models, portfolio = shard.market, account.portfolio
    if not models.model_of(model).has_wallets:
        return ()
    wallets = dict(portfolio.wallets)
    if view.risk is not None and not models.model_of(account.model).has_wallets:
        for row, units in top_ups(view.risk).items():
            wallets[row] = wallets.get(row, 0) + units
            view.risk.allocate(row, _pocket(portfolio, row)._replace(wallet=wallets[row]))
    names = shard.state.table.instruments
    by_name = sorted((names[row].name, wallet) for row, wallet in wallets.items() if wallet)
    return tuple(WalletNumbers(name, wallet) for name, wallet in by_name)


def follow_wallet(risk: AccountRisk, portfolio: Portfolio, row: int) -> None:
    """Tell the totals of an account what a position has to itself after a fill."""
    risk.allocate(row, _pocket(portfolio, row))


def _pocket(portfolio: Portfolio, row: int) -> Pocket:
    position = portfolio.positions.get(row, FLAT)
    return Pocket(position.lots, portfolio.wallets.get(row, 0), position.entry)
