"""Accounts, their collateral and their positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from margingate_engine.check.sizing import LOTS_MAX, mark_price_nano, price_nano, whole_units
from margingate_engine.core.amounts import USD, asset_units, units_max
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.balances import balance_max
from margingate_engine.portfolio.flows import closing_split, fill_flow
from margingate_engine.portfolio.hold import GROSS_MAX
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.ledger.events import AccountOpened, CollateralAdjusted, PositionsSet
from margingate_server.ledger.numbers import BreakNumbers, PositionNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.holdings_range import judged, refuse_unpriced_beyond_range
from margingate_server.service.refusals import NameTaken, NotNow
from margingate_server.service.room import refuse_without_room
from margingate_server.service.shard import AccountView, Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedPosition:
    """A position of a statement: signed quantity; price None for what it was entered at.

    Lots that the books hold keep their entry; all others are entered at the current mark.
    """

    instrument: str
    quantity: Decimal
    price: Decimal | None


class Accounts:
    """Back office of a shard.

    Beside a remembered answer a retry is shown the account of now, which must be durable, too: the
    event number of each answer is that of the last event.
    """

    def __init__(self, shard: Shard, age_limits: AgeLimits) -> None:
        self._shard = shard
        self._age_limits = age_limits

    def create(
        self, account: str, fee_tier: str, request_id: str, digest: str, now_ns: int
    ) -> tuple[AccountState, int]:
        """(account, event number). NameTaken when it exists; InvalidInput for an unknown tier."""
        if self._shard.answered_as(AccountOpened, account, request_id, digest) is not None:
            return self._shard.account(account), self._shard.state.last_seq
        refuse_without_room(self._shard)
        if account in self._shard.state.accounts:
            raise NameTaken("account", account)
        if fee_tier not in self._shard.state.fee_tiers:
            raise InvalidInput("fee_tier", "is not in the fee schedule")
        event = AccountOpened(
            account=account, request_id=request_id, request_digest=digest, fee_tier=fee_tier
        )
        seq = self._shard.record(event, now_ns)
        return self._shard.account(account), seq

    def adjust_collateral(
        self,
        account_id: str,
        asset: str,
        amount: Decimal,
        request_id: str,
        digest: str,
        now_ns: int,
    ) -> tuple[int, int]:
        """(balance in the asset's units, event number) after a deposit or withdrawal.

        NotNow when a withdrawal would leave cash or margin short, or cannot be judged. A coin
        without a margin model counts for nothing and blocks the account: it may only go to zero.
        """
        account = self._shard.account(account_id)
        earlier = self._shard.answered_as(CollateralAdjusted, account_id, request_id, digest)
        if earlier is not None:
            return earlier.balance, self._shard.state.last_seq
        refuse_without_room(self._shard)
        has_model = self._has_model(account, asset)
        if not has_model and asset not in account.portfolio.cash:
            raise InvalidInput("currency", "is neither USD nor a coin with a margin model")
        units = asset_units(amount, asset, "amount")
        before = account.portfolio.cash.get(asset, 0)
        balance = before + units
        if abs(balance) >= balance_max(self._arrays(account), asset) and abs(balance) > abs(before):
            raise InvalidInput("amount", "is out of range")
        if not has_model:
            _refuse_away_from_zero(before, balance)
        elif units < 0:
            self.refuse_withdrawal(account, asset, units, balance, now_ns)
        event = CollateralAdjusted(
            account=account_id,
            request_id=request_id,
            request_digest=digest,
            asset=asset,
            units=units,
            balance=balance,
            market_digest=self._shard.market.view.digest if has_model and units < 0 else "",
        )
        seq = self._shard.record(event, now_ns)
        self._shard.forget_view(account_id)
        return balance, seq

    def set_positions(
        self,
        account_id: str,
        stated: Sequence[StatedPosition],
        request_id: str,
        digest: str,
        now_ns: int,
    ) -> tuple[PositionsSet, int]:
        """(event with its breaks, event number): the positions are the statement's from here on."""
        account = self._shard.account(account_id)
        earlier = self._shard.answered_as(PositionsSet, account_id, request_id, digest)
        if earlier is not None:
            return earlier, self._shard.state.last_seq
        refuse_without_room(self._shard)
        positions = tuple(
            self._position(account, number, each) for number, each in enumerate(stated)
        )
        self._refuse_beyond_range(account, positions)
        event = PositionsSet(
            account=account_id,
            request_id=request_id,
            request_digest=digest,
            positions=tuple(each for each in positions if each.lots),
            breaks=self._breaks(account, positions),
        )
        seq = self._shard.record(event, now_ns)
        self._shard.forget_view(account_id)
        return event, seq

    def account_risk(self, account_id: str) -> tuple[AccountState, AccountView]:
        """The account and its risk under the market of now; None as for current_risk."""
        account = self._shard.account(account_id)
        return account, judged(self._shard.view_of(account))

    def current_risk(self, account_id: str) -> Risk | None:
        """Margin now; None while something held has no price, or too much is held."""
        risk = self.account_risk(account_id)[1].risk
        return None if risk is None else risk.risk

    def refuse_withdrawal(
        self, account: AccountState, asset: str, units: int, balance: int, now_ns: int
    ) -> None:
        """NotNow when cash or margin would be short after a withdrawal, or cannot be judged.

        units: negative, of the asset. balance: its cash after it.
        """
        view = judged(self._shard.view_of(account))
        if view.risk is None:
            raise NotNow(RejectReason.MARKET_DATA_MISSING, view.missing_subject or "")
        unfit = view.oldest.unfit(now_ns, self._age_limits)
        if unfit is not None:
            raise NotNow(*unfit)
        if balance < view.risk.outflows.get(asset, 0):
            raise NotNow(RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY, asset)
        trial = view.risk.copied()
        trial.move_cash(asset, units)
        if not trial.risk.is_margined:
            raise NotNow(RejectReason.INSUFFICIENT_INITIAL_MARGIN, asset)

    def _has_model(self, account: AccountState, asset: str) -> bool:
        """True when the account's own model margins the asset."""
        arrays = self._arrays(account)
        is_coin = asset in arrays.table.underlyings and asset not in arrays.unmodelled
        return asset == USD or is_coin

    def _arrays(self, account: AccountState) -> RiskArrays:
        return self._shard.market.view.under(account.model).arrays

    def _position(
        self, account: AccountState, number: int, stated: StatedPosition
    ) -> PositionNumbers:
        row = self._shard.row(stated.instrument)
        instrument = self._shard.market.view.table.instruments[row]
        path = f"positions[{number}]"
        if row in self._shard.state.settlement_nano and stated.quantity:
            raise InvalidInput(f"{path}.instrument", "has settled: it is cash now")
        if instrument.kind is InstrumentKind.SPOT:
            raise InvalidInput(f"{path}.instrument", "is spot: book coins as collateral")
        lots = whole_units(abs(stated.quantity), instrument.lot_nano)
        if lots is None or lots >= LOTS_MAX:
            raise InvalidInput(f"{path}.quantity", "is not a whole number of lots in range")
        signed = lots if stated.quantity > 0 else -lots
        arrays = self._arrays(account)
        refuse_unpriced_beyond_range(arrays, row, signed, f"{path}.quantity")
        entry = None if stated.price is not None else _booked_entry(account, row, signed)
        if not (instrument.is_future and lots):
            entry = 0
        elif entry is None:
            entry = fill_flow(instrument, signed, _entry_nano(path, arrays, row, stated))
        if abs(entry) >= units_max(instrument.settlement_asset):
            raise InvalidInput(f"{path}.quantity", "times price is out of range")
        return PositionNumbers(instrument.name, signed, entry)

    def _refuse_beyond_range(
        self, account: AccountState, positions: Sequence[PositionNumbers]
    ) -> None:
        arrays = self._arrays(account)
        gross = sum(
            abs(each.lots) * arrays.gross_i[self._shard.row(each.instrument)] for each in positions
        )
        if gross >= GROSS_MAX:
            raise InvalidInput("positions", "are beyond the range of the risk integers")

    def _breaks(
        self, account: AccountState, positions: Sequence[PositionNumbers]
    ) -> tuple[BreakNumbers, ...]:
        instruments = self._shard.state.table.instruments
        booked = {
            instruments[row].name: each.lots for row, each in account.portfolio.positions.items()
        }
        stated = {each.instrument: each.lots for each in positions}
        if len(stated) != len(positions):
            raise InvalidInput("positions", "name one instrument twice")
        return tuple(
            BreakNumbers(name, booked.get(name, 0), stated.get(name, 0))
            for name in sorted({*booked, *stated})
            if booked.get(name, 0) != stated.get(name, 0)
        )


def _entry_nano(path: str, arrays: RiskArrays, row: int, stated: StatedPosition) -> int:
    instrument = arrays.table.instruments[row]
    if stated.price is not None:
        nano = price_nano(stated.price)
        if nano is None or (instrument.is_inverse_future and not nano):
            raise InvalidInput(f"{path}.entry_price", "is not a price of this instrument")
        return nano
    if not arrays.priced_i[row]:
        raise NotNow(RejectReason.MARKET_DATA_MISSING, instrument.name)
    return mark_price_nano(arrays, row)


def _refuse_away_from_zero(before: int, balance: int) -> None:
    if not min(before, 0) <= balance <= max(before, 0):
        raise InvalidInput("amount", "must take a coin without a margin model towards zero")


def _booked_entry(account: AccountState, row: int, lots: int) -> int | None:
    """Entry of so many lots of what the books hold; None when they do not hold so many."""
    booked = account.portfolio.positions.get(row)
    if booked is None or (booked.lots > 0) != (lots > 0) or abs(lots) > abs(booked.lots):
        return None
    entry, _ = closing_split(booked.lots, booked.entry, lots - booked.lots, 0)
    return entry
