"""Settlement of what has expired: positions become cash, and what was on order ends. [SPAN-18]"""

from collections.abc import Sequence
from dataclasses import dataclass

from margingate_engine.core.amounts import units_max
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Settlement
from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.settlement import settlement_units
from margingate_server.ledger.events import PositionsSettled, SettlementPriced
from margingate_server.ledger.numbers import SettledNumbers, SettlementNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service.refusals import NameTaken, NotExpired
from margingate_server.service.shard import Shard


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiryPrice:
    """Price of an underlying, 1e-9 USD, that contracts of an expiry settle at.

    settlement: only of contracts that pay so; None for all.
    """

    underlying: str
    expiry_ns: int
    price_nano: int
    settlement: Settlement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementAnswer:
    """How much was settled. seq: event that must be durable before this may be answered."""

    instrument_count: int
    position_count: int
    account_count: int
    seq: int


class Settling:
    """Settles expired instruments of a shard."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def settle(self, prices: Sequence[ExpiryPrice], now_ns: int) -> SettlementAnswer:
        """Settle every account's positions at these prices; what was settled before stays so.

        InvalidInput when nothing listed expires then or a position would come to an amount beyond
        any range, NotExpired before the market's time is there, NameTaken where another price was
        applied before. Nothing is settled then.
        """
        shard = self._shard
        price_by_row = self._new_prices(prices)
        if not price_by_row:
            return SettlementAnswer(
                instrument_count=0, position_count=0, account_count=0, seq=shard.state.last_seq
            )
        settled = [
            event
            for account in shard.state.accounts.values()
            if (event := self._settled(account, price_by_row)) is not None
        ]
        instruments = shard.state.table.instruments
        numbers = tuple(
            SettlementNumbers(instruments[row].name, nano) for row, nano in price_by_row.items()
        )
        seq = shard.record(SettlementPriced(prices=numbers), now_ns)
        shard.market.end(price_by_row)
        for event in settled:
            seq = shard.record(event, now_ns)
            shard.forget_view(event.account)
        return SettlementAnswer(
            instrument_count=len(price_by_row),
            position_count=sum(len(event.positions) for event in settled),
            account_count=len(settled),
            seq=seq,
        )

    def _new_prices(self, prices: Sequence[ExpiryPrice]) -> dict[int, int]:
        """Price by row of what is not settled yet."""
        table = self._shard.market.view.table
        market_time_ns = self._shard.market.view.snapshot.market_time_ns
        before = self._shard.state.settlement_nano
        rows_by_expiry = _rows_by_expiry(table)
        price_by_row: dict[int, int] = {}
        for number, price in enumerate(prices):
            same_expiry = rows_by_expiry.get((price.underlying, price.expiry_ns), ())
            rows = [
                row
                for row in same_expiry
                if price.settlement in (None, table.instruments[row].settlement)
            ]
            if not rows:
                raise InvalidInput(f"prices[{number}]", "is of an expiry of no instrument")
            if price.expiry_ns > market_time_ns:
                raise NotExpired(price.underlying, price.expiry_ns)
            for row in rows:
                if price_by_row.setdefault(row, price.price_nano) != price.price_nano:
                    raise InvalidInput(f"prices[{number}]", "is another one of the same expiry")
                if before.get(row, price.price_nano) != price.price_nano:
                    raise NameTaken("settlement_price", table.instruments[row].name)
        return {row: nano for row, nano in price_by_row.items() if row not in before}

    def _settled(
        self, account: AccountState, price_by_row: dict[int, int]
    ) -> PositionsSettled | None:
        """What becomes of an account; None when it has nothing of these instruments."""
        instruments = self._shard.state.table.instruments
        portfolio = account.portfolio
        positions = []
        for row, position in portfolio.positions.items():
            if row not in price_by_row:
                continue
            units = settlement_units(instruments[row], position, price_by_row[row])
            if abs(units) >= units_max(instruments[row].settlement_asset):
                # Whose position it is, is not the publisher's to know.
                raise InvalidInput("prices", f"take {instruments[row].name} out of range")
            positions.append(SettledNumbers(instruments[row].name, position.lots, units))
        legs = (*portfolio.legs.values(), *portfolio.amendments.values())
        on_order = {leg.row for shape in legs for leg in shape if leg.row in price_by_row}
        if not positions and not on_order:
            return None
        held = {each.instrument for each in positions}
        return PositionsSettled(
            account=account.account,
            positions=tuple(positions),
            instruments=tuple(sorted(held | {instruments[row].name for row in on_order})),
        )


def _rows_by_expiry(table: InstrumentTable) -> dict[tuple[str, int | None], list[int]]:
    rows: dict[tuple[str, int | None], list[int]] = {}
    for row, each in enumerate(table.instruments):
        rows.setdefault((each.underlying, each.expiry_ns), []).append(row)
    return rows
