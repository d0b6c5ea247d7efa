"""Whatever a venue sends, the server is given prices that it can take, each once and in order."""

from typing import Any

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.amounts import NANO
from margingate_engine.market.snapshot import PRICE_MAX, VOL_MAX
from margingate_server.feeds.deribit.connection import MESSAGE
from margingate_server.feeds.deribit.intake import Intake
from margingate_server.feeds.deribit.order import AHEAD_NS_MAX, LATE_NS_MAX
from tests.deribit_venue.market import SmallMarket
from tests.deribit_venue.recorder import Recorder
from tests.unit.feeds.deribit.listings import listing_of, raw

NOW_MS = 1_769_160_000_000
MARKET = SmallMarket(NOW_MS)
LISTING = listing_of(*MARKET.listed.values(), dollar_coins=("USDC", "USDT"))
NAMES = ("BTC-PERPETUAL", "ETH-PERPETUAL", "BTC-22FEB26-90000-C", "BTC-1JAN99-5-C", "")
INDICES = ("btc_usd", "eth_usd", "btc_usdc", "sol_usd")

numbers = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(0, 1e5),
    st.sampled_from((5e-324, 1e-300, 1e-10, PRICE_MAX, 2 * PRICE_MAX)),
    st.integers(-(2**63), 2**63 - 1),
)
times = st.one_of(st.integers(NOW_MS - 20_000, NOW_MS + 10_000), st.integers(-(2**63), 2**63 - 1))
scalars = st.one_of(numbers, st.booleans(), st.text(max_size=5))
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def tickers(draw: st.DrawFn) -> tuple[str, Any]:
    name = draw(st.sampled_from(NAMES[:3]))
    fields = ("mark_price", "mark_iv", "underlying_price", "best_bid_price", "best_ask_price")
    changes = draw(st.dictionaries(st.sampled_from(fields), numbers))
    said = MARKET.ticker(name, NOW_MS) | changes | {"timestamp": draw(times)}
    said["state"] = draw(st.sampled_from(("open", "closed", "")))
    return f"ticker.{draw(st.sampled_from((name, *NAMES)))}.100ms", said


@st.composite
def marks(draw: st.DrawFn) -> tuple[str, Any]:
    entry = st.fixed_dictionaries(
        {
            "instrument_name": st.sampled_from(NAMES),
            "timestamp": times,
            "mark_price": numbers,
            "iv": numbers,
        }
    )
    return "markprice.options.btc_usd", draw(st.lists(entry | anything, max_size=4))


@st.composite
def indices(draw: st.DrawFn) -> tuple[str, Any]:
    name = draw(st.sampled_from(INDICES))
    kind = draw(st.sampled_from(("deribit_price_index", "deribit_volatility_index")))
    key = "price" if kind == "deribit_price_index" else "volatility"
    return f"{kind}.{name}", {"index_name": name, "timestamp": draw(times), key: draw(numbers)}


@st.composite
def nonsense(draw: st.DrawFn) -> tuple[str, Any]:
    channels = (
        *("ticker.BTC-PERPETUAL.100ms", "markprice.options.btc_usd", "platform_state"),
        *("deribit_price_index.btc_usd", "instrument.state.any.any", "book", ""),
    )
    return draw(st.sampled_from(channels) | st.text(max_size=8)), draw(anything)


messages = st.lists(st.one_of(tickers(), marks(), indices(), nonsense(), st.none()), max_size=15)


@given(messages)
def test_updates_are_sound_whatever_arrives(sent: list[tuple[str, Any] | None]) -> None:
    """None stands for the server asking."""
    intake = Intake(Recorder())
    intake.relist(LISTING)
    market_time_ns = 0
    for each in (*sent, None, None):
        if each is not None:
            taken_or_unreadable(intake, *each)
            continue
        taken = intake.drain()
        if taken is None:
            continue
        update = taken.update
        assert update.market_time_ns >= market_time_ns
        market_time_ns = update.market_time_ns
        assert market_time_ns <= NOW_MS * 10**6 + AHEAD_NS_MAX
        assert market_time_ns >= NOW_MS * 10**6 - LATE_NS_MAX
        assert len(set(update.names)) == len(update.names)
        assert set(update.names) <= {each.name for each in taken.instruments}
        for array, largest in (
            (update.mark_price_i, PRICE_MAX),
            (update.mark_vol_i, VOL_MAX),
            (update.forward_price_i, PRICE_MAX),
        ):
            assert len(array) == len(update.names)
            assert np.isfinite(array).all()
            assert ((array >= 0) & (array <= largest)).all()
        indices = update.index_by_underlying.values()
        assert all(1 / NANO <= price <= PRICE_MAX for price in indices)
    last = intake.drain()
    assert last is None or (last.update.names, last.update.index_by_underlying) == ((), {})


def taken_or_unreadable(intake: Intake, channel: str, data: Any) -> None:
    """What cannot be written as JSON is nothing that arrives; what arrives unread is refused."""
    try:
        said = raw(data)
    except (OverflowError, msgspec.MsgspecError):
        return
    try:
        intake.take(channel, said, NOW_MS * 10**6)
    except msgspec.DecodeError:
        return


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_bytes_are_a_message_or_none(sent: bytes) -> None:
    try:
        MESSAGE.decode(sent)
    except (msgspec.DecodeError, RecursionError):
        return


@given(numbers, numbers)
def test_a_dollar_coin_has_a_price_that_a_market_takes_or_none(usd: Any, dollar: Any) -> None:
    intake = Intake(Recorder())
    intake.relist(LISTING)
    for name, price in (("btc_usd", usd), ("btc_usdc", dollar)):
        said = {"index_name": name, "timestamp": NOW_MS, "price": price}
        taken_or_unreadable(intake, f"deribit_price_index.{name}", said)
    taken = intake.drain()
    if taken is not None:
        prices = taken.update.index_by_underlying.values()
        assert all(1 / NANO <= price <= PRICE_MAX for price in prices)
