"""Legs of rules-based margin out of the fields of a published case."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from margingate_engine.core.amounts import NANO
from margingate_engine.core.times import DAY_NS
from margingate_engine.models.strategy.legs import OptionLeg, SpotLeg, StandsFor
from margingate_server.validating import strategy_expiries
from margingate_server.validating.strategy_expiries import Expiry
from margingate_server.validating.strategy_fields import (
    Unrepresentable,
    as_number,
    number,
    refuse_unknown,
    scaled,
    signed,
    told,
    words,
)

SHARES_PER_OPTION = 100
STYLE_FIELDS = ("exercise", "exercise_style", "style")

_RIGHTS = {"c": True, "call": True, "calls": True, "p": False, "put": False, "puts": False}
_RIGHT = ("right", "option_type", "type")
_STRIKE, _PREMIUM = ("strike", "K", "strike_price"), ("price", "premium", "mark")
_QUANTITY = ("qty", "quantity", "lots", "contracts")
_MULTIPLIER = ("multiplier", "mult", "contract_size")
_SHARES = ("shares", *_QUANTITY, "units")
_PRICE = ("price", "sale_price", "purchase_price", "cost")
_SAME_STRIKE = ("K_equivalent", "strike_equivalent", "exercise_price", "strike", "K")
_OPTION_FIELDS = {
    *("kind", "side", "symbol", "underlying", "venue", *STYLE_FIELDS, *strategy_expiries.FIELDS),
    *(*_RIGHT, *_STRIKE, *_PREMIUM, *_QUANTITY, *_MULTIPLIER),
}
_SHARE_FIELDS = {
    *("kind", "side", "symbol", "multiplier", "short_sale_proceeds", "tracks_index", "leveraged"),
    *(*_SHARES, *_PRICE, *_SAME_STRIKE, *strategy_expiries.FIELDS),
}
_KINDS = {
    **dict.fromkeys(("stock", "stocks", "share", "shares", "equity", "underlying", "spot"), None),
    **dict.fromkeys(("etf", "fund", "index_etf", "trust", "unit"), StandsFor.INDEX),
    **dict.fromkeys(("convertible", "convertible_security"), StandsFor.CONVERSION),
    **dict.fromkeys(("warrant", "stock_warrant"), StandsFor.WARRANT),
}


def is_option(leg: Mapping[str, object]) -> bool:
    """Whether a leg is an option, by its kind or, without one, by its right."""
    kind = words(leg, "kind")
    return "option" in kind or kind in _RIGHTS or (not kind and told(leg, *_RIGHT) is not None)


def is_call(leg: Mapping[str, object]) -> bool:
    """Whether an option is a call; Unrepresentable when it is neither that nor a put."""
    kind = words(leg, "kind").removesuffix("option").strip(" _-")
    right = kind if kind in _RIGHTS else words(leg, *_RIGHT)
    if right not in _RIGHTS:
        raise Unrepresentable(f"unknown right {right or 'nothing'}")
    return _RIGHTS[right]


def strike(leg: Mapping[str, object]) -> Fraction:
    """The strike of an option."""
    return number(leg, *_STRIKE)


def contracts(leg: Mapping[str, object]) -> int:
    """Contracts of an option, signed by its side; one where only a side is told."""
    default = 1 if words(leg, "side") else None
    return scaled(signed(leg, *_QUANTITY, default=default), 1, "qty")


def option_legs(
    legs: Sequence[Mapping[str, object]], around: Mapping[str, object]
) -> tuple[OptionLeg, ...]:
    """The options among the legs of a case; `around` is what the case tells of all of them."""
    options = [leg for leg in legs if is_option(leg)]
    if len({name for leg in options if (name := _ticker(leg))}) > 1:
        raise Unrepresentable("options on more than one underlying")
    sides = {contracts(leg) > 0 for leg in options}
    found = strategy_expiries.expiries(options, around, is_ordered=len(sides) > 1)
    return tuple(_option(leg, expiry) for leg, expiry in zip(options, found, strict=True))


def spot_legs(
    legs: Sequence[Mapping[str, object]], underlying: Fraction, *, is_index: bool
) -> tuple[SpotLeg, ...]:
    """The shares among the legs, and what stands for shares that a call is on.

    is_index: the options are on an index, so that a fund is no share of what they are on.
    """
    options = [leg for leg in legs if is_option(leg)]
    tickers = {name for leg in options if (name := _ticker(leg))}
    return tuple(
        _shares(leg, underlying, tickers, is_index=is_index) for leg in legs if not is_option(leg)
    )


def _option(leg: Mapping[str, object], expiry: Expiry) -> OptionLeg:
    refuse_unknown(leg, _OPTION_FIELDS)
    if words(leg, "venue") in ("otc", "over the counter"):
        raise Unrepresentable("an option that is not listed")
    price, right = number(leg, *_PREMIUM), is_call(leg)
    at = f"{told(leg, *_STRIKE)} {expiry.at} {price}"
    return OptionLeg(
        symbol=f"{leg.get('symbol') or ''} {'c' if right else 'p'} {at}",
        is_call=right,
        strike_nano=scaled(strike(leg), NANO, "strike"),
        expiry_ns=scaled(expiry.at, DAY_NS, "expiry"),
        lots=contracts(leg),
        size_nano=scaled(number(leg, *_MULTIPLIER, default=SHARES_PER_OPTION), NANO, "multiplier"),
        mark_nano=scaled(price, NANO, "price"),
        is_long_term=expiry.is_long_term,
    )


def _shares(
    leg: Mapping[str, object], underlying: Fraction, tickers: set[str], *, is_index: bool
) -> SpotLeg:
    kind = words(leg, "kind", default="stock")
    if kind not in _KINDS:
        raise Unrepresentable(f"unknown kind of leg {kind}")
    refuse_unknown(leg, _SHARE_FIELDS)
    shares, stands_for = signed(leg, *_SHARES), _KINDS[kind]
    is_other = bool(tickers) and bool(_ticker(leg)) and _ticker(leg) not in tickers
    is_fund = stands_for is StandsFor.INDEX
    tracks = is_fund and told(leg, "tracks_index", *_SAME_STRIKE) is not None
    if (is_fund or stands_for is None) and (tracks or (is_index and (is_fund or is_other))):
        return _fund(leg, shares, underlying)
    if is_other:
        raise Unrepresentable(f"shares of {_ticker(leg)} beside options on {min(tickers)}")
    price = _price(leg, shares, underlying)
    spot = SpotLeg(
        quantity_nano=scaled(shares, NANO, "shares"), price_nano=scaled(price, NANO, "price")
    )
    if stands_for is None or is_fund:
        return spot
    if stands_for is StandsFor.CONVERSION:
        return replace(spot, stands_for=stands_for)
    exercise_nano = scaled(number(leg, *_SAME_STRIKE), NANO, "exercise_price")
    return replace(spot, stands_for=stands_for, strike_nano=exercise_nano)


def _fund(leg: Mapping[str, object], shares: Fraction, underlying: Fraction) -> SpotLeg:
    """Shares of a fund as so many of its index, each worth what the index stands at.

    The strike that a fund may tell is that of the call in its own price.
    """
    if leg.get("leveraged"):
        raise Unrepresentable("a fund that is leveraged covers no call on its index")
    price = _price(leg, shares, underlying)
    per_index = underlying / price if price > 0 else Fraction(0)
    same = told(leg, *_SAME_STRIKE)
    return SpotLeg(
        # Down to whole units: what is less covers nothing anyway, and is worth no millionth.
        quantity_nano=int(shares / per_index * NANO) if per_index else 0,
        price_nano=scaled(underlying, NANO, "underlying"),
        stands_for=StandsFor.INDEX,
        strike_nano=int(number(leg, *_SAME_STRIKE) * per_index * NANO) if same else None,
    )


def _price(leg: Mapping[str, object], shares: Fraction, underlying: Fraction) -> Fraction:
    """What a share was bought or sold at: told, or in its proceeds, or else the underlying's."""
    if told(leg, *_PRICE) is not None:
        return number(leg, *_PRICE)
    if told(leg, "short_sale_proceeds") is not None and shares:
        return number(leg, "short_sale_proceeds") / abs(shares)
    return underlying


def _ticker(leg: Mapping[str, object]) -> str:
    """The name of what a leg is on, empty where what it tells names a contract, or nothing."""
    for name in ("underlying", "symbol"):
        text = leg.get(name)
        if isinstance(text, str) and as_number(text) is None and text.strip().isalpha():
            return text.strip().upper()
    return ""
