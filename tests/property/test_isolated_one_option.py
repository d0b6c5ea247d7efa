"""Wallets where much happens to one option: orders of both sides, at limits near and far."""

import random
from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.orders import Side
from margingate_engine.models.isolated import top_ups
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
SOURCES = st.randoms(use_true_random=True)


def headroom(book: Book, portfolio: Portfolio | None = None) -> int:
    return AccountRisk.of(portfolio or book.portfolio, book.world.arrays).risk.headroom


def limit_nano(source: random.Random, world: World, row: int) -> int:
    """On tick: around the mark, or around what a short lot requires with its mark in it."""
    arrays, instrument = world.arrays, world.table.instruments[row]
    group = arrays.groups[arrays.group_i[row]]
    assert group is not None
    wanted = arrays.mark_nano_i[row]
    if source.random() < 0.5:
        unit_nano = NANO if arrays.table.is_inverse_i[row] else group.index_nano
        wanted += unit_nano * 15 // 100
    wanted = wanted * source.randint(900, 1_100) // 1_000
    tick_nano = instrument.tick_nano_at(wanted)
    return max(tick_nano, wanted // tick_nano * tick_nano)


def open_leg(source: random.Random, world: World, row: int) -> OpenLeg:
    return OpenLeg(
        row=row,
        side=source.choice((Side.BUY, Side.SELL)),
        lots=source.randint(1, LOTS_MAX),
        price_nano=limit_nano(source, world, row),
    )


@st.composite
def crowded_books(draw: st.DrawFn) -> Book:
    """Cash, one option held with a wallet, and up to five orders of it.

    By chance, evenly: small numbers, which hypothesis prefers, hide what sizes do to each other.
    """
    source = draw(SOURCES)
    world = source.choice(cross_worlds("isolated"))
    instruments = world.table.instruments
    row = source.choice(
        [n for n, each in enumerate(instruments) if each.kind is InstrumentKind.OPTION]
    )
    lots = source.randint(1, LOTS_MAX)
    filling = source.choice((0, 50, 100, 100, 101, 130, 300))
    wallet = lots * world.arrays.minimum_i[row] * filling // 100
    return Book(
        world=world,
        portfolio=Portfolio(
            fees=world.fees,
            cash={
                "USD": source.choice((0, 10**9, 10**12)),
                instruments[row].underlying: source.choice((-(10**11), 0, 10**12)),
            },
            positions={row: Position(lots * source.choice((-1, -1, 1)))},
            legs={f"o{n}": (open_leg(source, world, row),) for n in range(source.randint(1, 5))},
            wallets={row: wallet} if wallet else {},
        ),
    )


@examples(400)
@given(crowded_books(), SOURCES)
def test_fills_of_both_sides_at_their_limits_lower_no_headroom(
    book: Book, source: random.Random
) -> None:
    """[ISO-05] in parts, in any sequence, wallets topped up in between"""
    portfolio, before = deepcopy(book.portfolio), headroom(book)
    while portfolio.legs and source.random() < 0.9:
        key = source.choice(sorted(portfolio.legs))
        (leg,) = portfolio.legs[key]
        fill(book.world, portfolio, key, leg, source.randint(1, leg.lots))
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
        position, wallet = book.portfolio.positions[row], book.portfolio.wallets.get(row, 0)
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
