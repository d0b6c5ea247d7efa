"""A few accounts to try the service with: opened once, on an empty ledger."""

from decimal import Decimal

from margingate_engine.core.instruments import InstrumentKind, OptionRight
from margingate_engine.core.times import DAY_NS
from margingate_engine.market.snapshot import MarketSnapshot
from margingate_engine.market.table import InstrumentTable
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.desk import Desk

DEPOSITS: dict[str, dict[str, str]] = {
    "demo": {"USD": "500000", "BTC": "10", "ETH": "100"},
    "strangler": {"USD": "400000", "BTC": "8"},
    "carry": {"USD": "50000", "BTC": "20"},
}


def seed(desk: Desk, now_ns: int) -> int:
    """Open the accounts when there is none yet; the number of the last event, 0 when none."""
    if desk.shard.state.accounts:
        return 0
    last_seq = 0
    for account, deposits in DEPOSITS.items():
        request = f"seed-{account}"
        desk.accounts.create(account, "default", f"{request}-open", "", now_ns)
        for asset, amount in deposits.items():
            _, last_seq = desk.accounts.adjust_collateral(
                account, asset, Decimal(amount), f"{request}-{asset}", "", now_ns
            )
        positions = _positions(account, desk)
        if positions:
            _, last_seq = desk.accounts.set_positions(
                account, positions, f"{request}-positions", "", now_ns
            )
    return last_seq


def _positions(account: str, desk: Desk) -> list[StatedPosition]:
    table, snapshot = desk.shard.market.view.table, desk.shard.market.view.snapshot
    if account == "strangler":
        call = _option(table, snapshot, OptionRight.CALL, 1.12)
        put = _option(table, snapshot, OptionRight.PUT, 0.88)
        return [_stated(name, "-10") for name in (call, put) if name is not None]
    if account == "carry" and table.row("BTC-PERPETUAL") is not None:
        return [_stated("BTC-PERPETUAL", "-1000000")]
    return []


def _stated(name: str, quantity: str) -> StatedPosition:
    return StatedPosition(instrument=name, quantity=Decimal(quantity), price=None)


def _option(
    table: InstrumentTable, snapshot: MarketSnapshot, right: OptionRight, moneyness: float
) -> str | None:
    """The inverse BTC option of 20 to 100 days whose strike is nearest to `moneyness` x forward."""
    best: tuple[float, str] | None = None
    for row, each in enumerate(table.instruments):
        if each.kind is not InstrumentKind.OPTION or each.right is not right:
            continue
        if each.settlement_asset != "BTC" or each.strike_nano is None or each.expiry_ns is None:
            continue
        days = (each.expiry_ns - snapshot.market_time_ns) / DAY_NS
        forward_nano = int(snapshot.forward_nano_i[row])
        if not (20 <= days <= 100 and forward_nano):
            continue
        distance = abs(each.strike_nano / forward_nano - moneyness) + days / 10_000
        if best is None or distance < best[0]:
            best = (distance, each.name)
    return None if best is None else best[1]
