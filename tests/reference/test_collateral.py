"""Collateral against fractions worked out from its page. [COL-02 to COL-06]"""

import random
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from margingate_engine.core.arrays import read_only
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.models.registry import model
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.collateral import AssetTerms, CollateralTerms, PegTerms
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from margingate_engine.portfolio.risk_arrays import GroupArrays, RiskArrays
from tests.property import chain
from tests.property.model_worlds import PARAMETERS
from tests.reference.collateral import LEAST_COIN, Terms, surcharge
from tests.worst_fills.books import book

NANO, PICO, PPM = 10**9, 10**12, 10**6
CAPS = {"BTC": 500_000, "ETH": 300_000}
BOOKS = 40


def test_balances_count_what_the_page_says() -> None:
    source = random.Random(11)
    for _ in range(3_000):
        haircut, debt, of_model = (source.choice((0, 1, 5_000, 99_999)) for _ in range(3))
        cap = source.choice((None, 0, 10**9, 250_000 * 10**6))
        peg = source.choice((None, PegTerms(985_000_000, 100_000)))
        index_nano = source.choice((NANO, 984_999_999, 985_000_000, source.randrange(1, 2 * NANO)))
        units = source.choice((1, -1)) * source.randrange(10 ** source.randrange(1, 19))
        modelled = replace(
            chain_group(), index_nano=index_nano, coin_factor_s=(), haircut_ppm=of_model
        )
        terms = AssetTerms(haircut_ppm=haircut, debt_haircut_ppm=debt, cap=cap, peg=peg)
        group = terms.applied(modelled)
        oracle = Terms(
            Fraction(haircut, PPM),
            Fraction(debt, PPM),
            Fraction(of_model, PPM),
            None if cap is None else Fraction(cap, 10**6),
            None if peg is None else Fraction(peg.threshold_nano, NANO),
            Fraction(0 if peg is None else peg.haircut_ppm, PPM),
        )
        coins, index = Fraction(units, PICO), Fraction(index_nano, NANO)
        assert group.coin_value(units) == oracle.value(coins, index)
        assert group.counted(units) == oracle.counted(coins, index)
        assert group.beyond_cap(units) == oracle.beyond(coins, index)


def chain_group() -> GroupArrays:
    group = arrays_of("span").groups[0]
    assert group is not None
    return group


def arrays_of(name: str, *, is_changed: bool = False) -> RiskArrays:
    """The chain under a model: as it is, or with caps and every fifth price in doubt."""
    table, snapshot = chain.chain()
    terms = CollateralTerms({})
    if is_changed:
        terms = CollateralTerms({c: AssetTerms(cap=cap * 10**6) for c, cap in CAPS.items()})
        ppm_i = np.where(np.arange(len(table)) % 5 == 0, 12_345, 0)
        snapshot = replace(snapshot, surcharge_ppm_i=read_only(ppm_i))
    parameters = {"span": chain.PARAMETERS, **PARAMETERS}[name]
    return model(name, parameters, terms).risk_arrays(table, snapshot)


@pytest.mark.parametrize("name", ["span", "cross", "tims"])
def test_caps_and_surcharges_come_on_top_of_what_the_model_requires(name: str) -> None:
    plain, changed = arrays_of(name), arrays_of(name, is_changed=True)
    world = chain.World(name=name, model=changed.model, arrays=changed, fees=chain.FEES)
    held_seen = surcharged_seen = 0
    for seed in range(BOOKS):
        portfolio = book(world, seed)
        before, after = (AccountRisk.of(portfolio, each) for each in (plain, changed))
        beyond, least, most = caps_of(portfolio, before)
        of_positions, of_orders = surcharges_of(portfolio, changed)
        assert after.risk.equity == before.risk.equity - beyond
        assert after.risk.maintenance == before.risk.maintenance + of_positions
        on_top = after.risk.initial - before.risk.initial - of_positions - of_orders
        assert least <= on_top <= most
        held_seen += most > 0
        surcharged_seen += of_orders > 0
    assert min(held_seen, surcharged_seen) > BOOKS // 10


def caps_of(portfolio: Portfolio, account: AccountRisk) -> tuple[int, int, int]:
    """(beyond the caps now, least and most that open orders hold for them), 1e-6 USD."""
    beyond = least = most = 0
    for totals in account.groups.values():
        group = totals.group
        terms = Terms(
            Fraction(0),
            Fraction(0),
            Fraction(group.haircut_ppm, PPM),
            Fraction(CAPS[group.underlying]),
        )
        coins, index = Fraction(totals.coin_pico, PICO), Fraction(group.index_nano, NANO)
        low = high = Fraction(0)
        for (leg,) in portfolio.legs.values():
            instrument = account.arrays.table.instruments[leg.row]
            if instrument.underlying == group.underlying:
                brought = coins_brought(account, instrument, leg)
                low += leg.lots * max(Fraction(0), brought)
                high += leg.lots * max(Fraction(0), brought + 3 * LEAST_COIN)
        beyond += terms.beyond(coins, index)
        least += terms.held(coins, low, index)
        most += terms.held(coins, high, index)
    return beyond, least, most


def coins_brought(account: AccountRisk, instrument: Instrument, leg: OpenLeg) -> Fraction:
    """Coins that a fill of one lot at its limit brings at the largest fee, not rounded. [COL-05]"""
    size, price = Fraction(instrument.size_nano, NANO), Fraction(leg.price_nano, NANO)
    side, rate = int(leg.side), chain.FEES[instrument.kind]
    fee_ratio = Fraction(max(rate.maker_ppm, rate.taker_ppm), PPM)
    if instrument.kind is InstrumentKind.SPOT:
        return side * size
    if instrument.settlement_asset != instrument.underlying:
        return Fraction(0)
    if instrument.is_inverse_future:
        mark = Fraction(account.arrays.mark_nano_i[leg.row], NANO)
        return side * size * (1 / price - 1 / mark) - fee_ratio * size / price
    fee = fee_ratio * size
    if rate.cap_ppm is not None:
        fee = min(fee, Fraction(rate.cap_ppm, PPM) * size * price)
    return -side * size * price - fee


def surcharges_of(portfolio: Portfolio, arrays: RiskArrays) -> tuple[int, int]:
    """(of positions, of open orders), 1e-6 USD. [COL-06]"""
    table, index_nano_u = arrays.table, arrays.snapshot.index_nano_u

    def of_lot(row: int) -> int:
        instrument = table.instruments[row]
        price_nano = int(index_nano_u[table.underlying_i[row]])
        if instrument.is_future:
            price_nano = NANO if instrument.is_inverse_future else arrays.mark_nano_i[row]
        notional = Fraction(instrument.size_nano, NANO) * Fraction(price_nano, NANO)
        return surcharge(notional, Fraction(12_345, PPM)) if row % 5 == 0 else 0

    held = sum(abs(each.lots) * of_lot(row) for row, each in portfolio.positions.items())
    legs = (leg for (leg,) in portfolio.legs.values())
    return held, sum(leg.lots * of_lot(leg.row) for leg in legs)
