"""Rules that refuse an order before its margin is looked at, in their order of precedence.

Each rule says what is wrong in words, or None. The first that speaks gives the reason.
"""

from collections.abc import Callable

from margingate_engine.check.question import Question
from margingate_engine.check.reduce_only import leg_without_room
from margingate_engine.check.risk_reducing import grows_a_position, grows_the_order
from margingate_engine.check.sizing import (
    LOTS_MAX,
    collar_price_nano,
    is_on_tick,
    price_nano,
    whole_units,
)
from margingate_engine.core.amounts import NANO, PPM
from margingate_engine.core.reasons import RejectReason


def request_expired(question: Question) -> str | None:
    """The request was sent more than an hour ago, or from the future."""
    return "sent_time is over an hour off" if question.gates.is_expired_request else None


def kill_switch(question: Question) -> str | None:
    """A kill switch blocks everything, or everything that grows a position. [DEC-08]"""
    if question.gates.is_killed:
        return "a kill switch is engaged"
    if not question.gates.is_reduce_only:
        return None
    if grows_the_order(question) and grows_a_position(question):
        return "a kill switch lets only reducing orders pass"
    return None


def account_suspended(question: Question) -> str | None:
    """The account is suspended."""
    return "the account is suspended" if question.gates.is_suspended else None


def instrument_not_tradable(question: Question) -> str | None:
    """A leg has settled, has expired by the market's own clock, is halted, or has no parameters.

    Or the regime is not for it, and the order does more than close what is held.
    """
    now_ns = question.arrays.snapshot.market_time_ns
    for number, leg in enumerate(question.order.legs):
        instrument = question.table.instruments[leg.row]
        if number in question.gates.settled_legs:
            return f"leg {number}: settled"
        if instrument.expiry_ns is not None and instrument.expiry_ns <= now_ns:
            return f"leg {number}: expired"
        if instrument.is_halted:
            return f"leg {number}: halted"
        if not question.arrays.has_terms(leg.row):
            return f"leg {number}: no margin parameters for its underlying"
    return _not_permitted(question)


def _not_permitted(question: Question) -> str | None:
    numbers = question.gates.unpermitted_legs
    if numbers and grows_the_order(question) and grows_a_position(question):
        return f"leg {numbers[0]}: not permitted under the account's regime"
    return None


def off_tick(question: Question) -> str | None:
    """A limit is not a multiple of its tick."""
    for number, leg in enumerate(question.order.legs):
        instrument = question.table.instruments[leg.row]
        if leg.limit is not None and not is_on_tick(instrument, leg.limit):
            return f"leg {number}: price off tick"
    return None


def off_lot(question: Question) -> str | None:
    """A quantity is not a multiple of its lot."""
    for number, leg in enumerate(question.order.legs):
        if whole_units(leg.quantity, question.table.instruments[leg.row].lot_nano) is None:
            return f"leg {number}: quantity off lot"
    return None


def duplicate_order_id(question: Question) -> str | None:
    """The account has or had an order of this id."""
    return "the order_id is in use" if question.gates.is_duplicate_order else None


def max_order_quantity(question: Question) -> str | None:
    """A leg exceeds the limit in its own unit."""
    limits = question.limits
    for number, leg in enumerate(question.order.legs):
        instrument = question.table.instruments[leg.row]
        if leg.quantity * NANO >= LOTS_MAX * instrument.lot_nano:
            return f"leg {number}: quantity beyond any range"
        is_usd = instrument.is_inverse_future
        largest = limits.quantity_usd_nano_max if is_usd else limits.quantity_nano_max
        if largest is not None and leg.quantity * NANO > largest:
            return f"leg {number}: quantity above the limit of {largest / NANO:g}"
    return None


def reduce_only_would_increase(question: Question) -> str | None:
    """A reduce-only leg finds nothing to close, or not enough for a combo. [DEC-10]"""
    number = leg_without_room(question)
    return None if number is None else f"leg {number}: nothing left to close"


def market_data_missing(question: Question) -> str | None:
    """Something held, on order or ordered has no price."""
    subject = question.freshness.missing_subject
    return None if subject is None else f"no price for {subject}"


def market_data_stale(question: Question) -> str | None:
    """Something held, on order or ordered has too old a price."""
    subject = question.freshness.stale_subject
    return None if subject is None else f"price of {subject} is too old"


def market_data_suspect(question: Question) -> str | None:
    """The price of something held, on order or ordered is in doubt."""
    freshness = question.freshness
    if freshness.suspect_subject is None:
        return None
    return f"price of {freshness.suspect_subject} is in doubt: {freshness.suspect_words}"


def max_order_notional(question: Question) -> str | None:
    """The order's notional exceeds the limit."""
    largest = question.limits.notional_micro_max
    if largest is None:
        return None
    notional = 0
    for leg in question.order.legs:
        lots = whole_units(leg.quantity, question.table.instruments[leg.row].lot_nano)
        assert lots is not None, "an order off lot passed its rule"
        notional += lots * question.arrays.notional_i[leg.row]
    return f"notional above the limit of {largest / PPM:g} USD" if notional > largest else None


def price_collar(question: Question) -> str | None:
    """A limit is worse than the collar allows, or a market order has no collar."""
    collar_ppm = question.limits.collar_ppm
    for number, leg in enumerate(question.order.legs):
        if collar_ppm is None:
            if leg.limit is None:
                return f"leg {number}: a market order needs a price collar"
            continue
        if leg.limit is None:
            continue
        nano = price_nano(leg.limit)
        assert nano is not None, "an order off tick passed its rule"
        bound, denominator = collar_price_nano(question.arrays, leg.row, leg.side, collar_ppm)
        if int(leg.side) * (nano * denominator - bound) > 0:
            return f"leg {number}: price beyond the collar"
    return None


Rule = Callable[[Question], str | None]

RULES: tuple[tuple[RejectReason, Rule], ...] = (
    (RejectReason.REQUEST_EXPIRED, request_expired),
    (RejectReason.KILL_SWITCH, kill_switch),
    (RejectReason.ACCOUNT_SUSPENDED, account_suspended),
    (RejectReason.INSTRUMENT_NOT_TRADABLE, instrument_not_tradable),
    (RejectReason.OFF_TICK, off_tick),
    (RejectReason.OFF_LOT, off_lot),
    (RejectReason.DUPLICATE_ORDER_ID, duplicate_order_id),
    (RejectReason.MAX_ORDER_QUANTITY, max_order_quantity),
    (RejectReason.REDUCE_ONLY_WOULD_INCREASE, reduce_only_would_increase),
    (RejectReason.MARKET_DATA_MISSING, market_data_missing),
    (RejectReason.MARKET_DATA_STALE, market_data_stale),
    (RejectReason.MARKET_DATA_SUSPECT, market_data_suspect),
    (RejectReason.MAX_ORDER_NOTIONAL, max_order_notional),
    (RejectReason.PRICE_COLLAR, price_collar),
)


def first_refusal(question: Question) -> tuple[RejectReason, str] | None:
    """The first rule that refuses and what it says; None when the margin may be looked at."""
    for reason, rule in RULES:
        detail = rule(question)
        if detail is not None:
            return reason, detail
    return None
