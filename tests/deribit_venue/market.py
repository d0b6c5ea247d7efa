"""A market for the venue to send: what it lists and what each channel says at a time."""

from collections.abc import Iterable
from math import erf, exp, log, sqrt
from typing import Any, Protocol

from tests.deribit_venue import contracts

YEAR_MS = 365 * 86_400_000
INDEX = {"BTC": 90_000.0, "ETH": 3_000.0, "SOL": 150.0}
DOLLARS = {"USDC": 0.9998, "USDT": 0.9990}
VOL = 0.5
CARRY = 0.05
STEP = 2e-5
"""How far prices move from tick to tick, relative."""


class Market(Protocol):
    """Whose prices a venue sends."""

    def entries(self, currency: str) -> list[dict[str, Any]]:
        """What public/get_instruments answers for a currency."""
        ...

    def data(self, channel: str, now_ms: int) -> Any:
        """What a channel says at a time; None for a channel that there is not."""
        ...


class SmallMarket:
    """BTC and ETH: two expiries of options and futures, perpetuals, spot; and what is left out.

    Marks are undiscounted Black-76 values at one vol, so that they agree with each other. Prices
    move a little with every tick.
    """

    def __init__(self, now_ms: int) -> None:
        self.near = contracts.expiry_in(3, now_ms)
        self.far = contracts.expiry_in(30, now_ms)
        self.listed: dict[str, dict[str, Any]] = {}
        self.move = 1.0
        self._ticks = 0
        for coin in ("BTC", "ETH"):
            strikes = [round(INDEX[coin] * ratio) for ratio in (0.8, 0.9, 1.0, 1.1, 1.2)]
            self.add(contracts.future(coin, None), contracts.spot(coin))
            for expiry in (self.near, self.far):
                self.add(contracts.future(coin, expiry))
                for strike in strikes:
                    self.add(*(contracts.option(coin, expiry, strike, right) for right in "CP"))
        self.add(
            contracts.future("BTC_USDC", None),
            contracts.option("BTC_USDC", self.far, 90_000, "C"),
            contracts.future("SOL_USDC", None),
            contracts.spot("USDE"),
            contracts.combo("BTC-CS-27MAR26-70000_75000"),
        )

    def add(self, *entries: dict[str, Any]) -> None:
        """List these from now on."""
        self.listed.update({entry["instrument_name"]: entry for entry in entries})

    def remove(self, *names: str) -> None:
        """List these no longer."""
        for name in names:
            del self.listed[name]

    def tick(self) -> None:
        """Move every price a little, there and back again."""
        self._ticks += 1

    def index(self, coin: str) -> float:
        """Index now, USD."""
        wave = STEP * (self._ticks % 5 - 2)
        return round(INDEX[coin] * self.move * (1 + wave), 2)

    def entries(self, currency: str) -> list[dict[str, Any]]:
        """What public/get_instruments answers for a currency, which linear ones settle in."""
        return [entry for entry in self.listed.values() if entry["settlement_currency"] == currency]

    def data(self, channel: str, now_ms: int) -> Any:
        """What a channel says now; None for a channel that there is not."""
        words = channel.split(".")
        coin, _, quote = words[-1].upper().partition("_")
        match words[0]:
            case "deribit_price_index" if coin in INDEX:
                price = self.index(coin) / DOLLARS.get(quote, 1.0)
                return {"index_name": words[1], "price": price, "timestamp": now_ms}
            case "deribit_volatility_index" if coin in INDEX:
                return {"index_name": words[1], "volatility": 100 * VOL, "timestamp": now_ms}
            case "markprice":
                return self._marks(words[2], now_ms)
            case "ticker" if words[1] in self.listed:
                return self.ticker(words[1], now_ms)
            case "instrument" | "platform_state":
                return []
        return None

    def ticker(self, name: str, now_ms: int, **changes: Any) -> dict[str, Any]:
        """A ticker with some of its fields changed."""
        entry = self.listed[name]
        forward = self._forward(entry, now_ms)
        mark = self.mark(name, now_ms)
        ticker = {
            "instrument_name": name,
            "timestamp": now_ms,
            "state": entry["state"],
            "mark_price": mark,
            "index_price": self.index(entry["base_currency"]),
            "best_bid_price": mark * 0.99,
            "best_ask_price": mark * 1.01,
            "best_bid_amount": 10.0,
            "best_ask_amount": 10.0,
            "stats": {"volume": None, "price_change": None, "low": None, "high": None},
            "open_interest": 1000.0,
        }
        if entry["kind"] == "option":
            ticker |= {
                "mark_iv": 100 * VOL,
                "underlying_price": forward,
                "underlying_index": "index_price",
                "interest_rate": 0.0,
                "greeks": {"delta": 0.5, "gamma": 0.0, "vega": 1.0, "theta": -1.0, "rho": 0.0},
            }
        return ticker | changes

    def mark(self, name: str, now_ms: int) -> float:
        """The venue's mark of an instrument."""
        entry = self.listed[name]
        forward = self._forward(entry, now_ms)
        if entry["kind"] != "option":
            return round(forward, 2)
        tau = (entry["expiration_timestamp"] - now_ms) / YEAR_MS
        usd = black76(forward, entry["strike"], VOL, tau, is_call=entry["option_type"] == "call")
        return round(usd if entry["instrument_type"] == "linear" else usd / forward, 8)

    def _forward(self, entry: dict[str, Any], now_ms: int) -> float:
        index = self.index(entry["base_currency"])
        expiry_ms = entry.get("expiration_timestamp", contracts.NEVER_MS)
        is_dated = expiry_ms != contracts.NEVER_MS
        return index * exp(CARRY * (expiry_ms - now_ms) / YEAR_MS) if is_dated else index

    def _marks(self, index_name: str, now_ms: int) -> list[dict[str, Any]]:
        return [
            {
                "instrument_name": name,
                "timestamp": now_ms,
                "mark_price": self.mark(name, now_ms),
                "iv": VOL,
            }
            for name in self._options(index_name)
        ]

    def _options(self, index_name: str) -> Iterable[str]:
        return (
            name
            for name, entry in self.listed.items()
            if entry["kind"] == "option" and entry["price_index"] == index_name
        )


def black76(forward: float, strike: float, vol: float, tau: float, *, is_call: bool) -> float:
    """Undiscounted value of a European option on a forward."""
    if tau <= 0:
        return max(0.0, forward - strike if is_call else strike - forward)
    deviation = vol * sqrt(tau)
    upper = log(forward / strike) / deviation + deviation / 2
    sign = 1 if is_call else -1
    in_forward, in_strike = _normal(sign * upper), _normal(sign * (upper - deviation))
    return max(0.0, sign * (forward * in_forward - strike * in_strike))


def _normal(x: float) -> float:
    return (1 + erf(x / sqrt(2))) / 2
