"""The book of an underlying out of the sums that an account is kept as. [STR-14, STR-16]"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from margingate_engine.core.amounts import NANO, ceil_div
from margingate_engine.market.table import InstrumentTable
from margingate_engine.models.strategy.legs import Book, FutureLeg, OptionLeg, SpotLeg
from margingate_engine.portfolio.group_totals import GroupTotals
from margingate_engine.portfolio.order_totals import OrderTotals
from margingate_engine.portfolio.risk_arrays import SPOT_KEY, lots_row


class Listed(NamedTuple):
    """Of a table of instruments what a book is made of beside sums.

    notional_i: of one lot, 1e-6 USD. unit_nano: by underlying, the greatest size that divides the
    lot of each option that is listed, 0 without any. It is not that of the options of a book, or
    fills would change what the coins of the book are cut into.
    """

    notional_i: Sequence[int]
    unit_nano: Mapping[str, int]

    @classmethod
    def of(cls, table: InstrumentTable, notional_i: Sequence[int]) -> "Listed":
        """Of every option in the table, expired ones included."""
        unit_nano = dict.fromkeys(table.underlyings, 0)
        for row in np.flatnonzero(table.is_option_i).tolist():
            option = table.instruments[row]
            unit_nano[option.underlying] = math.gcd(unit_nano[option.underlying], option.size_nano)
        return cls(notional_i, unit_nano)


def book_of(totals: GroupTotals, holds: Sequence[OrderTotals]) -> Book:
    """What is held of an underlying for certain, and what may be there or not. [STR-14, STR-16]"""
    highest, lowest = totals.extreme_features(holds)
    index_nano = totals.group.index_nano
    listed: Listed = totals.arrays.own
    options: list[OptionLeg] = []
    futures: list[FutureLeg] = []
    series_left_out = 0
    for key in sorted(highest, reverse=True):
        row = lots_row(key)
        if key >= 0:
            continue
        if totals.arrays.table.is_option_i[row]:
            legs = list(_option_legs(totals, row, lowest[key], highest[key]))
            series_left_out += not legs
            options += legs
        elif not _has_expired(totals, row):
            lots = highest[key] if highest[key] >= -lowest[key] else lowest[key]
            notional = listed.notional_i[row]
            symbol = totals.arrays.table.instruments[row].name
            futures.append(FutureLeg(symbol=symbol, lots=lots, notional_micro=notional))
    spot = tuple(_spot_legs(lowest[SPOT_KEY], highest[SPOT_KEY], index_nano))
    return Book(
        underlying_nano=index_nano,
        options=tuple(options),
        spot=spot,
        futures=tuple(futures),
        series_left_out=series_left_out,
        unit_nano=listed.unit_nano[totals.group.underlying] or None,
    )


def _option_legs(totals: GroupTotals, row: int, lowest: int, highest: int) -> Iterator[OptionLeg]:
    """Lots of an option that are there in every end, and shorts that are there in some.

    A short that may be there or not is credited its mark: of one that an order opens, what it
    brings in; of one that an order closes, what is not paid while it is there. What has expired
    covers nothing, and is owed until it is settled: its short stays, without credit. [STR-17]
    """
    instrument = totals.arrays.table.instruments[row]
    has_expired = _has_expired(totals, row)
    mark_nano = totals.arrays.mark_nano_i[row]
    if instrument.settlement_asset == instrument.underlying:
        mark_nano = ceil_div(mark_nano * totals.group.index_nano, NANO)
    assert instrument.strike_nano is not None, "an option has a strike"
    assert instrument.expiry_ns is not None, "an option has an expiry"
    certain_short = max(0, -highest)
    for lots, is_uncertain in (
        (0 if has_expired else max(0, lowest), False),
        (-certain_short, False),
        (certain_short - max(0, -lowest), True),
    ):
        if lots:
            yield OptionLeg(
                symbol=instrument.name,
                is_call=bool(totals.arrays.table.is_call_i[row]),
                strike_nano=instrument.strike_nano,
                expiry_ns=instrument.expiry_ns,
                lots=lots,
                size_nano=instrument.size_nano,
                mark_nano=mark_nano,
                is_uncertain=is_uncertain,
                credit_nano=mark_nano if is_uncertain and not has_expired else 0,
            )


def _spot_legs(lowest: int, highest: int, index_nano: int) -> Iterator[SpotLeg]:
    """Coins between two values in 1e-6 USD, certain and not, rounded against the account."""
    low, high = (value * 1_000 * NANO // index_nano for value in (lowest, highest))
    certain = max(0, low) + min(0, high)
    for quantity_nano, is_uncertain in (
        (certain, False),
        (max(0, high) - max(0, low), True),
        (min(0, low) - min(0, high), True),
    ):
        if quantity_nano:
            yield SpotLeg(
                quantity_nano=quantity_nano, price_nano=index_nano, is_uncertain=is_uncertain
            )


def _has_expired(totals: GroupTotals, row: int) -> bool:
    expiry_ns = totals.arrays.table.instruments[row].expiry_ns
    return expiry_ns is not None and expiry_ns <= totals.arrays.snapshot.market_time_ns
