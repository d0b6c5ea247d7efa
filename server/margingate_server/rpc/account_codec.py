"""Accounts between the wire and the use cases."""

from fractions import Fraction

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.core.amounts import NANO, USD
from margingate_engine.core.instruments import Instrument
from margingate_engine.models.strain import position_risks
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Position
from margingate_engine.portfolio.margin_model import MarginModel
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from margingate_server.ledger.state import AccountState
from margingate_server.rpc.alert_codec import STATES
from margingate_server.rpc.decimals import (
    asset_text,
    nano_text,
    parse_decimal,
    parse_price,
    usd_text,
)
from margingate_server.rpc.decision_codec import basis_message, risk_message
from margingate_server.rpc.fields import instrument_name, timestamp
from margingate_server.rpc.model_codec import REGIMES
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.regimes import RegimeAnswer


def account_summary(account: AccountState, model: MarginModel) -> pb.AccountSummary:
    """An account in a list. model: that it is margined by."""
    since_ns, until_ns = account.unqualified_since_ns, account.liquidation_not_before_ns
    return pb.AccountSummary(
        account=account.account,
        fee_tier=account.fee_tier,
        suspended=account.is_suspended,
        create_time=timestamp(account.opened_ns),
        version=account.version,
        position_count=len(account.portfolio.positions),
        open_order_count=len(account.orders),
        model=model.name,
        regime=REGIMES[model.regime],
        experience_tier=account.experience_tier,
        unqualified_since_time=timestamp(since_ns) if since_ns else None,
        liquidation_not_before_time=timestamp(until_ns) if until_ns else None,
        published_state=STATES[account.margin_state],
    )


def regime_message(
    answer: RegimeAnswer, account: AccountState, model: MarginModel, now_ns: int
) -> pb.SetMarginRegimeResponse:
    """What a change of the regime came to, or would."""
    return pb.SetMarginRegimeResponse(
        account=account_summary(account, model),
        before=risk_message(answer.before),
        after=risk_message(answer.after),
        allowed=not answer.refusal,
        reject_reason=types.RejectReason.ValueType(int(answer.refusal)),
        detail=answer.subject,
        qualifying_equity="" if answer.equity is None else usd_text(answer.equity),
        basis=basis_message(answer.view, account.version, now_ns),
    )


def balance_messages(account: AccountState) -> list[types.Balance]:
    """Cash by currency."""
    return [
        types.Balance(currency=asset, amount=asset_text(asset, units))
        for asset, units in sorted(account.portfolio.cash.items())
    ]


def position_messages(account: AccountState, arrays: RiskArrays) -> list[types.Position]:
    """Positions by instrument, with value at the mark where there is one."""
    instruments = arrays.table.instruments
    return [
        _position(instruments[row], row, position, arrays)
        for row, position in sorted(
            account.portfolio.positions.items(), key=lambda item: instruments[item[0]].name
        )
    ]


def _position(
    instrument: Instrument, row: int, position: Position, arrays: RiskArrays
) -> types.Position:
    message = types.Position(
        instrument=instrument.name, quantity=nano_text(position.lots * instrument.lot_nano)
    )
    expiry_ns = instrument.expiry_ns
    if expiry_ns is not None and expiry_ns <= arrays.snapshot.market_time_ns:
        message.awaiting_settlement = True  # what has settled is a position no more
    if instrument.is_future:
        message.entry_price = nano_text(entry_price_nano(instrument, position))
    group = arrays.groups[arrays.group_i[row]]
    if arrays.priced_i[row] and group is not None:
        message.mark_price = arrays.mark_nano_i[row] / NANO
        message.value = usd_text(_value(instrument, row, position, arrays, group))
    return message


def _value(
    instrument: Instrument, row: int, position: Position, arrays: RiskArrays, group: GroupArrays
) -> int:
    """Mark value of an option, unrealised profit of a future, 1e-6 USD, rounded down."""
    usd = arrays.position_value(row, position.lots)
    if instrument.settlement_asset == USD:
        return usd + position.entry
    coin = arrays.position_coin(row, position.lots) + position.entry
    return usd + group.coin_value(coin)


def position_risk_messages(account: AccountRisk) -> list[pb.PositionRisk]:
    """Margin of every position by itself, by instrument; none where positions have no wallets."""
    instruments = account.arrays.table.instruments
    return [
        pb.PositionRisk(
            instrument=instruments[each.row].name,
            wallet=usd_text(each.wallet),
            risk=risk_message(each.risk),
            liquidatable=each.is_liquidatable,
        )
        for each in position_risks(account)
    ]


def entry_price_nano(instrument: Instrument, position: Position) -> int:
    """Average entry price of a futures position in 1e-9, to the nearest; 0 when it has none.

    Fractions, because a float is a last digit off now and then.
    """
    size_nano = position.lots * instrument.size_nano
    if instrument.is_inverse_future:
        return round(Fraction(size_nano * 10**12, position.entry)) if position.entry else 0
    return round(Fraction(-position.entry * 10**12, size_nano))


def parse_position(message: types.Position, path: str) -> StatedPosition:
    """A position of a statement."""
    price = message.entry_price
    return StatedPosition(
        instrument=instrument_name(message.instrument, f"{path}.instrument"),
        quantity=parse_decimal(message.quantity, f"{path}.quantity"),
        price=parse_price(price, f"{path}.entry_price") if price else None,
    )
