"""Wallets where much happens to one option: orders of both sides, at limits near and far."""

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.models.isolated import initial_of, top_ups
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.group_totals import Pocket
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from tests.property.books import Book
from tests.property.bridge import reference_of
from tests.property.chain import World
from tests.property.cross_worlds import cross_reference, cross_worlds
from tests.property.effort import examples
from tests.property.fills import fill
from tests.reference.isolated import IsolatedBook

LOTS_MAX = 12


def headroom(book: Book, portfolio: Portfolio | None = None) -> int:
    return AccountRisk.of(portfolio or book.portfolio, book.world.arrays).risk.headroom


@st.composite
def limits_nano(draw: st.DrawFn, world: World, row: int) -> int:
    """On tick: around the mark, or around what a short lot requires with its mark in it."""
    arrays, instrument = world.arrays, world.table.instruments[row]
    group = arrays.groups[arrays.group_i[row]]
    assert group is not None
    wanted = arrays.mark_nano_i[row]
    if draw(st.booleans()):
        unit_nano = NANO if arrays.table.is_inverse_i[row] else group.index_nano
        wanted += unit_nano * 15 // 100
    wanted = wanted * draw(st.integers(900, 1_100)) // 1_000
    tick_nano = instrument.tick_nano_at(wanted)
    return max(tick_nano, wanted // tick_nano * tick_nano)


def required(world: World, portfolio: Portfolio, row: int) -> int:
    """Initial margin of a position; of a long option what it would require short."""
    totals = AccountRisk.of(portfolio, world.arrays).peek(world.arrays.group_i[row])
    lots = abs(portfolio.positions[row].lots)
    return initial_of(totals, row) or lots * world.arrays.minimum_i[row]


@st.composite
def legs(draw: st.DrawFn, world: World, row: int) -> OpenLeg:
    return OpenLeg(
        row=row,
        side=draw(st.sampled_from((Side.BUY, Side.SELL))),
        lots=draw(st.integers(1, LOTS_MAX)),
        price_nano=draw(limits_nano(world, row)),
    )


@st.composite
def crowded_books(draw: st.DrawFn) -> Book:
    """Cash, one option held with a wallet, and up to five orders of it."""
    world = draw(st.sampled_from(cross_worlds("isolated")))
    instruments = world.table.instruments
    rows = [n for n, each in enumerate(instruments) if each.kind is InstrumentKind.OPTION]
    row = draw(st.sampled_from(rows))
    lots = draw(st.integers(1, LOTS_MAX)) * draw(st.sampled_from((-1, -1, 1)))
    portfolio = Portfolio(
        fees=world.fees,
        cash={
            "USD": draw(st.integers(0, 10**12)),
            instruments[row].underlying: draw(st.integers(-(10**11), 10**12)),
        },
        positions={row: Position(lots)},
        legs={f"o{number}": (draw(legs(world, row)),) for number in range(draw(st.integers(1, 5)))},
    )
    percent = draw(st.sampled_from((0, 50, 100, 101, 130, 300)))
    portfolio.wallets[row] = required(world, portfolio, row) * percent // 100
    return Book(world=world, portfolio=portfolio)


@examples(400)
@given(crowded_books(), st.data())
def test_fills_of_both_sides_at_their_limits_lower_no_headroom(
    book: Book, data: st.DataObject
) -> None:
    """[ISO-05] in parts, in any sequence, wallets topped up in between"""
    portfolio, before = deepcopy(book.portfolio), headroom(book)
    while portfolio.legs and data.draw(st.integers(0, 9)):
        key = data.draw(st.sampled_from(sorted(portfolio.legs)))
        (leg,) = portfolio.legs[key]
        fill(book.world, portfolio, key, leg, data.draw(st.integers(1, leg.lots)))
        if not portfolio.legs[key]:
            del portfolio.legs[key]
        after = headroom(book, portfolio)
        assert after >= before
        before = after


@examples(60)
@given(crowded_books())
def test_wallets_that_are_topped_up_change_no_headroom(book: Book) -> None:
    """[ISO-06] open orders at their worst fills before as after"""
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    before = account.risk.headroom
    for row, units in top_ups(account).items():
        position, wallet = book.portfolio.positions[row], book.portfolio.wallets[row]
        account.allocate(row, Pocket(position.lots, wallet + units, position.entry))
        assert account.risk.headroom == before


@examples(40)
@given(crowded_books())
def test_no_sequence_of_fills_leaves_less_than_is_held(book: Book) -> None:
    """[ISO-05]"""
    known, names = reference_of(book.world, book.portfolio), book.world.table.instruments
    wallets = {names[row].name: each for row, each in book.portfolio.wallets.items()}
    oracle = IsolatedBook(cross_reference(book.world.name))
    assert AccountRisk.of(book.portfolio, book.world.arrays).risk.initial == oracle.upper(
        known, wallets
    )
    assert headroom(book) <= oracle.worst_by_trying(known, wallets)
