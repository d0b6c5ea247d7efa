"""The chain under every model with terms of collateral, dollar coins and prices in doubt."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from hypothesis import strategies as st

from margingate_engine.core.arrays import read_only
from margingate_engine.core.instruments import Instrument, InstrumentKind, Settlement
from margingate_engine.core.orders import Side
from margingate_engine.market.snapshot import Quotes
from margingate_engine.models.registry import model
from margingate_engine.portfolio.collateral import AssetTerms, CollateralTerms, PegTerms
from margingate_engine.portfolio.holdings import OpenLeg
from tests.property import chain
from tests.property.books import Book, books
from tests.property.chain import FEES, NANO, World
from tests.property.model_worlds import PARAMETERS
from tests.property.open_orders import DrawnOrder

USD = 10**6
PEG = PegTerms(threshold_nano=985_000_000, haircut_ppm=100_000)
TERMS = CollateralTerms(
    {
        "BTC": AssetTerms(haircut_ppm=20_000, debt_haircut_ppm=90_000, cap=500_000 * USD),
        "ETH": AssetTerms(haircut_ppm=0, debt_haircut_ppm=150_000, cap=400_000 * USD),
        "USDC": AssetTerms(haircut_ppm=10_000, debt_haircut_ppm=10_000, cap=300_000 * USD, peg=PEG),
        "USDT": AssetTerms(haircut_ppm=20_000, debt_haircut_ppm=50_000, peg=PEG),
    }
)
INDEX = {"USDC": 1.0012, "USDT": 0.93}
SURCHARGES_PPM = (0, 0, 0, 2_500, 40_000)


@cache
def collateral_world(name: str) -> World:
    """The chain, `USDC` above its peg and `USDT` below it, a third of the prices in doubt."""
    table, snapshot = chain.chain()
    table = table.with_instruments([_spot(coin) for coin in INDEX])
    nothing_i = np.zeros(0)
    quotes = Quotes(
        index_by_underlying=INDEX,
        rows=np.zeros(0, dtype=np.int64),
        mark_price_i=nothing_i,
        mark_vol_i=nothing_i,
        forward_price_i=nothing_i,
    )
    snapshot = snapshot.extended_to(table).with_quotes(
        table, quotes, market_time_ns=snapshot.market_time_ns, observed_ns=1
    )
    drawn = np.random.default_rng(5).choice(SURCHARGES_PPM, len(table)).astype(np.int64)
    snapshot = replace(snapshot, surcharge_ppm_i=read_only(drawn))
    parameters = {"span": chain.PARAMETERS, **PARAMETERS}[name]
    made = model(name.split(maxsplit=1)[0], parameters, TERMS)
    return World(
        name=f"{name}, collateral",
        model=made,
        arrays=made.risk_arrays(table, snapshot),
        fees=FEES,
    )


def _spot(coin: str) -> Instrument:
    return Instrument(
        name=coin,
        kind=InstrumentKind.SPOT,
        underlying=coin,
        settlement=Settlement.LINEAR,
        contract_nano=NANO,
        lot_nano=NANO,
        tick_nano=NANO // 10_000,
    )


@st.composite
def collateral_books(draw: st.DrawFn, name: str, *, orders_max: int = 3, **given: Any) -> Book:
    """An account of the chain that may have dollar coins, too, and orders for some."""
    world = collateral_world(name)
    book = draw(books(orders_max=orders_max, world=world, **given))
    portfolio, drawn = book.portfolio, dict(book.drawn)
    for coin in INDEX:
        if draw(st.booleans()):
            units = draw(st.integers(10**15, 6 * 10**17) | st.integers(-(10**16), 10**17))
            portfolio.cash[coin] = units
        if draw(st.booleans()):
            leg = OpenLeg(
                row=world.table.row_by_name[coin],
                side=draw(st.sampled_from(Side)),
                lots=draw(st.integers(1, 200_000)),
                price_nano=draw(st.integers(9_000, 11_000)) * (NANO // 10_000),
            )
            portfolio.legs[f"spot of {coin}"] = (leg,)
            drawn[f"spot of {coin}"] = DrawnOrder(accepted=(leg,), legs=(leg,))
    return replace(book, drawn=drawn)
