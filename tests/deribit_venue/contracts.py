"""What a small venue lists: entries of public/get_instruments, as the venue writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
NEVER_MS = 32_503_708_800_000


def expiry_in(days: int, now_ms: int) -> datetime:
    """08:00 UTC of the day that comes so many days after today's."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).replace(hour=8, minute=0, second=0)
    return (today + timedelta(days=days)).replace(microsecond=0)


def dated(base: str, expiry: datetime) -> str:
    return f"{base}-{expiry.day}{MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"


def option(base: str, expiry: datetime, strike: int, right: str) -> dict[str, Any]:
    """right: C or P."""
    is_linear = base.endswith("_USDC")
    coin = base.removesuffix("_USDC")
    return _entry(
        f"{dated(base, expiry)}-{strike}-{right}",
        "option",
        is_linear=is_linear,
        coin=coin,
        expiration_timestamp=int(expiry.timestamp() * 1000),
        strike=float(strike),
        option_type="call" if right == "C" else "put",
        tick_size=5.0 if is_linear else 0.0001,
        tick_size_steps=[] if is_linear else [{"above_price": 0.005, "tick_size": 0.0005}],
        min_trade_amount=0.01 if is_linear else {"BTC": 0.1}.get(coin, 1.0),
        contract_size=0.01 if is_linear else 1.0,
        settlement_period="month",
    )


def future(base: str, expiry: datetime | None) -> dict[str, Any]:
    """A dated future, or the perpetual of a base."""
    is_linear = base.endswith("_USDC")
    coin = base.removesuffix("_USDC")
    return _entry(
        f"{base}-PERPETUAL" if expiry is None else dated(base, expiry),
        "future",
        is_linear=is_linear,
        coin=coin,
        expiration_timestamp=NEVER_MS if expiry is None else int(expiry.timestamp() * 1000),
        tick_size=0.5 if coin == "BTC" else 0.05,
        tick_size_steps=[],
        min_trade_amount=0.0001 if is_linear else {"BTC": 10.0}.get(coin, 1.0),
        contract_size=10.0,
        settlement_period="perpetual" if expiry is None else "month",
    )


def spot(coin: str, quote: str = "USDC") -> dict[str, Any]:
    entry = _entry(
        f"{coin}_{quote}",
        "spot",
        is_linear=True,
        coin=coin,
        tick_size=0.01,
        tick_size_steps=[],
        min_trade_amount=0.0001,
        contract_size=0.0001,
    )
    return entry | {"price_index": f"{coin}_{quote}".lower()}


def combo(name: str) -> dict[str, Any]:
    return _entry(
        name,
        "option_combo",
        is_linear=False,
        coin=name.partition("-")[0],
        tick_size=0.0001,
        tick_size_steps=[],
        min_trade_amount=0.1,
        contract_size=1.0,
    )


def _entry(name: str, kind: str, *, is_linear: bool, coin: str, **terms: Any) -> dict[str, Any]:
    return {
        "instrument_name": name,
        "kind": kind,
        "instrument_type": "linear" if is_linear else "reversed",
        "price_index": f"{coin.lower()}_usdc" if is_linear else f"{coin.lower()}_usd",
        "base_currency": coin,
        "quote_currency": "USDC" if is_linear else coin,
        "settlement_currency": "USDC" if is_linear else coin,
        "counter_currency": "USDC" if is_linear else "USD",
        "is_active": True,
        "state": "open",
        "instrument_id": abs(hash(name)) % 10**6,
        "creation_timestamp": 1_534_242_287_000,
        "maker_commission": 0.0003,
        "taker_commission": 0.0003,
        **terms,
    }
