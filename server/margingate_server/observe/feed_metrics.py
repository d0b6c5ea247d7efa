"""What is counted of a live feed: what came, what was not taken, and how the connection fares."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from margingate_server.observe.children import Children

MESSAGES = (
    *("answer", "deribit_price_index", "deribit_volatility_index", "heartbeat", "instrument"),
    *("markprice", "platform_state", "ticker"),
)
DROPS = (
    *("absurd", "ahead", "crossed", "duplicate", "invalid", "late", "malformed", "missing"),
    *("old_forward", "out_of_order", "refused_channel", "unforeseen", "unknown_channel"),
    *("unknown_instrument", "withheld"),
)
ENDINGS = (
    *("closed", "lost", "rate_limited", "refused", "silent", "too_large", "unanswered"),
    *("unforeseen", "unlisted", "unreachable"),
)
LEFT_OUT = (
    *("combo", "contradicts_symbol", "dollar_coin", "invalid", "no_symbol", "underlying"),
    *("unknown_kind", "unreadable"),
)

VOLATILITY_INDICES_MAX = 8


class FeedMetrics:
    """The connection to a venue. Without one everything stays at zero."""

    def __init__(self, registry: CollectorRegistry) -> None:
        messages = Counter(
            "margingate_feed_received",
            "Messages of the venue, by what they are.",
            ["kind"],
            registry=registry,
        )
        drops = Counter(
            "margingate_feed_dropped",
            "Messages of the venue, or prices in them, that were not taken, by reason.",
            ["reason"],
            registry=registry,
        )
        endings = Counter(
            "margingate_feed_disconnects",
            "Connections to the venue that ended or did not come about, by reason.",
            ["reason"],
            registry=registry,
        )
        left_out = Gauge(
            "margingate_feed_left_out",
            "Entries of the venue's listing that are not taken, by reason.",
            ["reason"],
            registry=registry,
        )
        vols = Gauge(
            "margingate_feed_volatility_index",
            "The venue's volatility index, per year as a fraction.",
            ["underlying"],
            registry=registry,
        )
        self._connected = Gauge(
            "margingate_feed_connected",
            "1 while everything that is wanted of the venue is subscribed, else 0.",
            registry=registry,
        )
        self._lag = Gauge(
            "margingate_feed_lag_seconds",
            "Time from the venue's timestamp of the latest index price to its arrival.",
            registry=registry,
        )
        self._messages = Children(messages, MESSAGES)
        self._drops = Children(drops, DROPS)
        self._endings = Children(endings, ENDINGS)
        self._left_out = Children(left_out, LEFT_OUT)
        self._vols = Children(vols, unknown_max=VOLATILITY_INDICES_MAX)

    def received(self, kind: str) -> None:
        """A message arrived."""
        self._messages[kind].inc()

    def dropped(self, reason: str) -> None:
        """A message, or a price of it, was not taken."""
        self._drops[reason].inc()

    def disconnected(self, reason: str) -> None:
        """A connection ended or did not come about."""
        self._endings[reason].inc()

    def connection_changed(self, *, is_connected: bool) -> None:
        """Everything is subscribed, or no longer."""
        self._connected.set(is_connected)

    def listed(self, left_out: Mapping[str, int]) -> None:
        """The listing was read; so many of its entries were not taken."""
        for reason in LEFT_OUT:
            self._left_out[reason].set(left_out.get(reason, 0))

    def lagged(self, lag_seconds: float) -> None:
        """An index price came so late."""
        self._lag.set(lag_seconds)

    def volatility_index_changed(self, underlying: str, vol_annual: float) -> None:
        """A volatility index ticked."""
        self._vols[underlying].set(vol_annual)
