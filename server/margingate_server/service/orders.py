"""What happens to accepted orders: release and fill. Never refused for margin."""

from dataclasses import dataclass
from decimal import Decimal

from margingate_engine.check.sizing import LOTS_MAX, price_nano, whole_units
from margingate_engine.core.amounts import COIN_UNITS_MAX, asset_units, units_max
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.flows import fill_flow, spot_coins
from margingate_engine.portfolio.hold import GROSS_MAX
from margingate_engine.portfolio.holdings import Position
from margingate_engine.portfolio.settlement import settlement_units
from margingate_server.ledger.events import FillReported, OrdersReleased
from margingate_server.ledger.requests import FILL_SPACE
from margingate_server.ledger.state import AccountState
from margingate_server.service.fill_fee import schedule_fee
from margingate_server.service.following import orders_changing
from margingate_server.service.freshness import oldest_of_rows
from margingate_server.service.holdings_range import (
    known_risk,
    refuse_cash_beyond_range,
    refuse_unpriced_beyond_range,
)
from margingate_server.service.shard import Shard
from margingate_server.service.wallets import follow_wallet, topped_up

UNKNOWN_ORDER, OVER_FILL, LATE = "unknown_order", "over_fill", "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class FillCommand:
    """An execution as reported. fee: in the settlement asset, None for the schedule's."""

    account: str
    fill_id: str
    digest: str
    order_id: str
    instrument: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FillAnswer:
    """What a fill did. lots: signed position after it; open_lots: of the order's leg after it."""

    flag: str
    lots: int
    open_lots: int
    lot_nano: int
    risk: Risk | None
    is_replayed: bool
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseAnswer:
    """What a release did; released_count 0 with a flag when nothing was held."""

    released_count: int
    flag: str
    risk: Risk | None
    seq: int


class Orders:
    """Releases and fills of a shard's orders."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def release(
        self, account_id: str, order_id: str, request_id: str, digest: str, now_ns: int
    ) -> ReleaseAnswer:
        """Give back what an order holds. Releasing what holds nothing is answered with a flag."""
        account = self._shard.account(account_id)
        earlier = self._shard.answered_as(OrdersReleased, account_id, request_id, digest)
        if earlier is not None:
            return self._released_before(account, earlier)
        if order_id not in account.portfolio.legs:
            flag = LATE if account.is_closed(order_id) else UNKNOWN_ORDER
            return self._release(account, (), request_id, digest, now_ns, flag)
        return self._release(account, (order_id,), request_id, digest, now_ns)

    def release_all(
        self, account_id: str, request_id: str, digest: str, now_ns: int
    ) -> ReleaseAnswer:
        """Give back what every open order of the account holds."""
        account = self._shard.account(account_id)
        earlier = self._shard.answered_as(OrdersReleased, account_id, request_id, digest)
        if earlier is not None:
            return self._released_before(account, earlier)
        order_ids = tuple(sorted(account.portfolio.legs))
        return self._release(account, order_ids, request_id, digest, now_ns)

    def fill(self, command: FillCommand, now_ns: int) -> FillAnswer:
        """Apply an execution, whatever the margin says; InvalidInput for what no venue reports."""
        shard = self._shard
        account = shard.account(command.account)
        row = shard.row(command.instrument)
        instrument = shard.market.view.table.instruments[row]
        earlier = shard.answered_as(
            FillReported, command.account, command.fill_id, command.digest, FILL_SPACE
        )
        if earlier is not None:
            # Beside it the position of now is shown, whatever made it.
            return self._fill_answer(account, row, earlier, shard.state.last_seq, is_replayed=True)
        event = topped_up(shard, account, row, self._fill_event(account, row, instrument, command))
        before = _Holdings.of(account, row, instrument)
        with orders_changing(shard, account, (command.order_id,)):
            seq = shard.record(event, now_ns)
        self._follow_fill(account, row, instrument, before)
        return self._fill_answer(account, row, event, seq, is_replayed=False)

    def current_risk(self, account: AccountState) -> Risk | None:
        """Margin of the account now; None while something it holds has no price, or too much."""
        return known_risk(self._shard.view_of(account))

    def _release(
        self,
        account: AccountState,
        order_ids: tuple[str, ...],
        request_id: str,
        digest: str,
        now_ns: int,
        flag: str = "",
    ) -> ReleaseAnswer:
        # What released nothing is remembered, too: its retry must not release a later order.
        event = OrdersReleased(
            account=account.account,
            request_id=request_id,
            request_digest=digest,
            order_ids=order_ids,
            flag=flag,
        )
        with orders_changing(self._shard, account, order_ids):
            seq = self._shard.record(event, now_ns)
        return ReleaseAnswer(
            released_count=len(order_ids), flag=flag, risk=self.current_risk(account), seq=seq
        )

    def _released_before(self, account: AccountState, earlier: OrdersReleased) -> ReleaseAnswer:
        return ReleaseAnswer(
            released_count=len(earlier.order_ids),
            flag=earlier.flag,
            risk=self.current_risk(account),
            seq=self._shard.state.last_seq,  # the margin of now is shown, whatever made it
        )

    def _fill_event(
        self, account: AccountState, row: int, instrument: Instrument, command: FillCommand
    ) -> FillReported:
        lots = whole_units(command.quantity, instrument.lot_nano)
        if lots is None or lots >= LOTS_MAX:
            raise InvalidInput("quantity", "is not a whole number of lots in range")
        nano = price_nano(command.price)
        if nano is None or (instrument.is_inverse_future and not nano):
            raise InvalidInput("price", "is not a price of this instrument")
        signed = int(command.side) * lots
        self._refuse_beyond_range(account, row, signed)
        flow = fill_flow(instrument, signed, nano)
        coins = spot_coins(instrument, signed)
        if abs(flow) >= units_max(instrument.settlement_asset) or abs(coins) >= COIN_UNITS_MAX:
            raise InvalidInput("quantity", "times price is out of range")
        fee = self._fee(account, row, instrument, lots, nano, command.fee)
        arrays = self._shard.market.view.under(account.model).arrays
        refuse_cash_beyond_range(arrays, account.portfolio, row, flow - fee, coins)
        return FillReported(
            account=command.account,
            request_id=command.fill_id,
            request_digest=command.digest,
            order_id=command.order_id,
            instrument=command.instrument,
            side=int(command.side),
            lots=lots,
            price_nano=nano,
            flow=flow,
            fee=fee,
            coins=coins,
            flag=_flag(account, row, command, lots),
            settled_units=self._settled_units(row, instrument, signed, flow),
        )

    def _settled_units(self, row: int, instrument: Instrument, lots: int, flow: int) -> int | None:
        """What a fill of an instrument that has settled comes to at once; None of any other."""
        price_nano = self._shard.state.settlement_nano.get(row)
        if price_nano is None:
            return None
        position = Position(lots, flow if instrument.is_future else 0)
        units = settlement_units(instrument, position, price_nano)
        if abs(units) >= units_max(instrument.settlement_asset):
            raise InvalidInput("quantity", "settles to an amount out of range")
        return units

    def _refuse_beyond_range(self, account: AccountState, row: int, lots: int) -> None:
        position = account.portfolio.positions.get(row)
        before = position.lots if position is not None else 0
        grown = abs(before + lots) - abs(before)
        if grown <= 0:
            return
        if abs(before + lots) >= LOTS_MAX:
            raise InvalidInput("quantity", "takes the position out of range")
        view = self._shard.view_of(account)
        arrays = view.view.arrays
        refuse_unpriced_beyond_range(arrays, row, before + lots, "quantity")
        gross = view.risk.gross if view.risk is not None else abs(before) * arrays.gross_i[row]
        if gross + grown * arrays.gross_i[row] >= GROSS_MAX:
            raise InvalidInput("quantity", "is beyond the range of the risk integers")

    def _fee(
        self,
        account: AccountState,
        row: int,
        instrument: Instrument,
        lots: int,
        nano: int,
        fee: Decimal | None,
    ) -> int:
        if fee is not None:
            return asset_units(fee, instrument.settlement_asset, "fee")
        return schedule_fee(account.portfolio.fees, self._shard.market.view, row, lots, nano)

    def _follow_fill(
        self,
        account: AccountState,
        row: int,
        instrument: Instrument,
        before: "_Holdings",
    ) -> None:
        """Keep the account's risk in step with a fill, at a cost that holdings do not change."""
        view = self._shard.view_of(account) if self._shard.has_view(account.account) else None
        after = _Holdings.of(account, row, instrument)
        if view is None or view.risk is None or not view.view.arrays.priced_i[row]:
            self._shard.forget_view(account.account)
            return
        try:
            if instrument.kind is not InstrumentKind.SPOT:
                view.risk.move_position(row, before.lots, after.lots)
            view.risk.move_cash(instrument.settlement_asset, after.settled - before.settled)
            follow_wallet(view.risk, account.portfolio, row)
            if after.coins != before.coins and instrument.kind is InstrumentKind.SPOT:
                view.risk.move_cash(instrument.underlying, after.coins - before.coins)
        except MissingData:
            self._shard.forget_view(account.account)
            return
        view.oldest = view.oldest.joined(oldest_of_rows(view.view, (row,)))

    def _fill_answer(
        self, account: AccountState, row: int, event: FillReported, seq: int, *, is_replayed: bool
    ) -> FillAnswer:
        position = account.portfolio.positions.get(row)
        legs = account.portfolio.legs.get(event.order_id, ())
        return FillAnswer(
            flag=event.flag,
            lots=position.lots if position is not None else 0,
            open_lots=sum(leg.lots for leg in legs if leg.row == row and leg.side == event.side),
            lot_nano=self._shard.market.view.table.instruments[row].lot_nano,
            risk=self.current_risk(account),
            is_replayed=is_replayed,
            seq=seq,
        )


@dataclass(frozen=True, slots=True)
class _Holdings:
    """What a fill can change: lots, cash with entry in the settlement asset, coins."""

    lots: int
    settled: int
    coins: int

    @classmethod
    def of(cls, account: AccountState, row: int, instrument: Instrument) -> "_Holdings":
        portfolio = account.portfolio
        position = portfolio.positions.get(row)
        lots, entry = (position.lots, position.entry) if position is not None else (0, 0)
        cash = portfolio.cash.get(instrument.settlement_asset, 0)
        return cls(lots, cash + entry, portfolio.cash.get(instrument.underlying, 0))


def _flag(account: AccountState, row: int, command: FillCommand, lots: int) -> str:
    legs = account.portfolio.legs.get(command.order_id)
    if legs is None:
        return LATE if account.is_closed(command.order_id) else UNKNOWN_ORDER
    shapes = (legs, account.portfolio.amendments.get(command.order_id, ()))
    is_open = max(
        sum(leg.lots for leg in shape if leg.row == row and leg.side is command.side)
        for shape in shapes
    )
    return OVER_FILL if lots > is_open else ""
