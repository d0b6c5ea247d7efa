"""Where the venue is, and how patient the feed is with it."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from margingate_engine.core.errors import InvalidInput

MAINNET_URL: Final = "wss://www.deribit.com/ws/api/v2"
TESTNET_URL: Final = "wss://test.deribit.com/ws/api/v2"

_TESTNET: Final = "testnet"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeribitSettings:
    """What a Deribit feed is told; the defaults suit the venue's limits of 2026.

    underlyings: coins whose instruments are listed. dollar_coins: listed as spot, so that they can
    be collateral. currencies: of public/get_instruments, the
    coins themselves and the dollar coins that linear contracts settle in. heartbeat_seconds: the
    venue takes no less than 10. silence_seconds: without any message, data_silence_seconds: without
    a subscribed one, after which the connection is given up. start_seconds: how long the first
    update waits for prices. chunk_size: channels per request, subscribe_gap_seconds: between two of
    them; the venue refills three such requests a second. relist_seconds: the belt beside the
    announcements, relist_gap_seconds: least time between two listings.
    quiet_seconds: without a price after which a channel is subscribed anew, with the next listing.
    backoff_seconds_min and _max: before the first and the last of ever longer waits.
    rate_limit_seconds: wait at least, after the venue said that there were too many requests.
    settled_seconds: how long a connection must have given prices for the waits to start over.
    """

    url: str = MAINNET_URL
    underlyings: tuple[str, ...] = ("BTC", "ETH")
    dollar_coins: tuple[str, ...] = ("USDC", "USDT")
    currencies: tuple[str, ...] = ("BTC", "ETH", "USDC")
    interval_seconds: float = 0.2
    start_seconds: float = 5.0
    open_seconds: float = 10.0
    answer_seconds: float = 15.0
    heartbeat_seconds: int = 10
    silence_seconds: float = 15.0
    data_silence_seconds: float = 30.0
    chunk_size: int = 200
    subscribe_gap_seconds: float = 0.35
    relist_seconds: float = 300.0
    relist_gap_seconds: float = 5.0
    quiet_seconds: float = 60.0
    backoff_seconds_min: float = 0.5
    backoff_seconds_max: float = 30.0
    rate_limit_seconds: float = 10.0
    settled_seconds: float = 30.0
    message_bytes_max: int = 16 * 2**20


def settings_of(text: str) -> DeribitSettings:
    """What follows `deribit` in the name of a feed: nothing, `testnet`, or a websocket URL.

    Raises InvalidInput("feed", ...) for anything else.
    """
    if not text:
        return DeribitSettings()
    if text == _TESTNET:
        return DeribitSettings(url=TESTNET_URL)
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url:
        raise InvalidInput("feed", "must name the venue by testnet or by a ws:// or wss:// URL")
    return DeribitSettings(url=text)
