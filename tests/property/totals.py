"""Totals of an account in a form that compares: zeros left out, arrays as lists."""

from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.order_totals import OrderTotals


def totals_of(account: AccountRisk) -> dict[str, object]:
    """Every total and every number made of them."""
    groups = {number: _group(each) for number, each in account.groups.items()}
    return {
        "usd": account.usd,
        "gross": account.gross,
        "outflows": account.outflows,
        "groups": {number: each for number, each in groups.items() if each},
        "risk": account.risk,
        "positions": account.positions_risk,
        "worst": [
            each for each in account.requirements() if any(amount for _, amount in each.charges)
        ],
    }


def _group(totals: GroupTotals) -> dict[str, object]:
    named = {
        "pnl_r": totals.pnl_r.tolist(),
        "rows": totals.rows.tolist(),
        "coin_pico": totals.coin_pico,
        "keyed": {key: value for key, value in totals.keyed.items() if value},
        "lots": totals.lots,
        "minimum": totals.minimum,
        "surcharge": totals.surcharge,
        "floor_worst": totals.floor_worst,
        **_orders(totals.orders),
    }
    return {
        name: value for name, value in named.items() if value and value != [0] * len(totals.rows)
    }


def _orders(orders: OrderTotals) -> dict[str, object]:
    return {
        "worst_r": orders.worst_r.tolist(),
        "up": orders.up,
        "down": orders.down,
        "floors": orders.floors,
        "own": (orders.coin_up, orders.surcharge, orders.owned_entry, orders.coin_down)
        if orders.lots
        else None,
        "open": (orders.lots, orders.row_bound_lots, orders.floor_bound_lots)
        if orders.lots
        else None,
    }
