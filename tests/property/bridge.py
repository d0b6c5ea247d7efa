"""From the engine's words to those of the slow reference, which shares no code with it."""

from collections import defaultdict
from dataclasses import fields, replace
from fractions import Fraction
from functools import cache
from typing import Any

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight, Settlement
from margingate_engine.models.span import SpanModel
from margingate_engine.models.span_parameters import SpanParameters, VolShift
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio
from tests.property.chain import World, worlds
from tests.reference import account as reference_account
from tests.reference import contracts
from tests.reference.book import Book
from tests.reference.orders import OpenLeg as ReferenceLeg
from tests.reference.orders import OpenOrder

Legs = tuple[OpenLeg, ...]


def reference_book(world: World) -> Book:
    """The reference's view of a world; per-lot figures are remembered."""
    return _book(worlds().index(world))


@cache
def _book(number: int) -> Book:
    world = worlds()[number]
    span = world.model
    assert isinstance(span, SpanModel), "the reference knows this model alone"
    return Book(
        {each.name: _instrument(each) for each in world.table.instruments},
        _market(world),
        {coin: _parameters(each) for coin, each in span.parameters.items()},
        {
            contracts.Kind(kind.value): contracts.Rate(
                maker=Fraction(rate.maker_ppm, 10**6),
                taker=Fraction(rate.taker_ppm, 10**6),
                cap=None if rate.cap_ppm is None else Fraction(rate.cap_ppm, 10**6),
            )
            for kind, rate in world.fees.items()
        },
    )


def reference_of(world: World, portfolio: Portfolio) -> reference_account.Account:
    """The same holdings as the reference keeps them."""
    names = world.table.instruments
    return reference_account.Account(
        cash=defaultdict(int, portfolio.cash),
        positions={
            names[row].name: reference_account.Position(held.lots, held.entry)
            for row, held in portfolio.positions.items()
        },
        orders={
            key: reference_order(world, key, legs, portfolio.amendments.get(key))
            for key, legs in portfolio.legs.items()
        },
    )


def reference_order(
    world: World, order_id: str, legs: Legs, amended: Legs | None, *, leg_count: int = 0
) -> OpenOrder:
    """An open order; a leg of which nothing is open keeps its place."""
    known = {leg.number: leg for leg in (*(amended or ()), *legs)}
    count = max(leg_count, *(number + 1 for number in known), 0)

    def shape(given: Legs) -> list[ReferenceLeg]:
        open_now = {leg.number: leg for leg in given}
        filler = next(iter(known.values()), None)
        assert filler is not None, "an order without any leg is not open"
        return [
            reference_leg(world, open_now.get(number) or replace(known.get(number, filler), lots=0))
            for number in range(count)
        ]

    return OpenOrder(
        order_id=order_id,
        combo=any(leg.ratio for leg in known.values()),
        legs=shape(legs),
        amended=None if amended is None else shape(amended),
    )


def reference_leg(world: World, leg: OpenLeg) -> ReferenceLeg:
    return ReferenceLeg(
        symbol=world.table.instruments[leg.row].name,
        side=int(leg.side),
        lots=leg.lots,
        price=Fraction(leg.price_nano, NANO),
        ratio=leg.ratio,
    )


def _instrument(each: Instrument) -> contracts.Instrument:
    return contracts.Instrument(
        symbol=each.name,
        kind=contracts.Kind(each.kind.value),
        underlying=each.underlying,
        inverse=each.settlement is Settlement.INVERSE,
        lot=Fraction(each.lot_nano, NANO),
        size=Fraction(each.lot_nano, NANO) * Fraction(each.contract_nano, NANO),
        tick=Fraction(each.tick_nano, NANO),
        tick_steps=tuple(
            (Fraction(step.above_nano, NANO), Fraction(step.tick_nano, NANO))
            for step in each.tick_steps
        ),
        expiry_ns=each.expiry_ns,
        strike=Fraction(each.strike_nano or 0, NANO),
        call=each.right is OptionRight.CALL,
        halted=each.is_halted,
    )


def _market(world: World) -> contracts.Market:
    table, snapshot = world.table, world.arrays.snapshot
    names = {each.name: row for row, each in enumerate(table.instruments)}
    spots = {each.name for each in table.instruments if each.kind is InstrumentKind.SPOT}
    options = {each.name for each in table.instruments if each.kind is InstrumentKind.OPTION}

    def nano(array: object, row: int) -> Fraction:
        return Fraction(int(array[row]), NANO)  # type: ignore[index]

    return contracts.Market(
        time_ns=snapshot.market_time_ns,
        index={coin: nano(snapshot.index_nano_u, u) for u, coin in enumerate(table.underlyings)},
        mark={n: nano(snapshot.mark_nano_i, row) for n, row in names.items() if n not in spots},
        vol={n: nano(snapshot.vol_nano_i, row) for n, row in names.items() if n in options},
        forward={n: nano(snapshot.forward_nano_i, row) for n, row in names.items() if n in options},
    )


def _parameters(each: SpanParameters) -> contracts.Parameters:
    values: dict[str, Any] = {own.name: getattr(each, own.name) for own in fields(each)}
    kind: VolShift = values.pop("vol_shift_kind")
    ratios = {name: Fraction(value) for name, value in values.items()}
    return contracts.Parameters(vol_shift_kind=kind.value, **ratios)
