"""Why an order is rejected; numbers are those of the wire, which later reasons append to."""

from enum import IntEnum


class RejectReason(IntEnum):
    """The first failing rule; NONE when accepted."""

    NONE = 0
    REQUEST_EXPIRED = 1
    KILL_SWITCH = 2
    ACCOUNT_SUSPENDED = 3
    INSTRUMENT_NOT_TRADABLE = 4
    OFF_TICK = 5
    OFF_LOT = 6
    DUPLICATE_ORDER_ID = 7
    RATE_LIMIT = 8
    MAX_ORDER_QUANTITY = 9
    MAX_OPEN_ORDERS = 10
    MAX_POSITION = 11
    MAX_SHORT_OPTIONS = 12
    REDUCE_ONLY_WOULD_INCREASE = 13
    MARKET_DATA_MISSING = 14
    MARKET_DATA_STALE = 15
    MAX_ORDER_NOTIONAL = 16
    PRICE_COLLAR = 17
    GREEKS_LIMIT = 18
    ACCOUNT_IN_LIQUIDATION = 19
    NOT_QUALIFIED = 20
    INSUFFICIENT_COLLATERAL_CURRENCY = 21
    INSUFFICIENT_INITIAL_MARGIN = 22
    STILL_UNDERMARGINED = 23
    MARKET_DATA_SUSPECT = 24

    @property
    def is_from_margin(self) -> bool:
        """True when computed from the account's margin or cash: such a refusal is remembered."""
        first, last = (
            RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY,
            RejectReason.STILL_UNDERMARGINED,
        )
        return first <= self <= last
