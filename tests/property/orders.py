"""Random questions: an order of a random account, near the mark, of any size."""

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from margingate_engine.check.question import (
    Amend,
    Freshness,
    Gates,
    Limits,
    Policy,
    Question,
    RequestedLeg,
    RequestedOrder,
)
from margingate_engine.core.amounts import NANO, whole
from margingate_engine.core.orders import Execution, Side
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.holdings import Position
from tests.property.books import Book
from tests.property.chain import World
from tests.property.legs import limit_nano, rows, signed_lots
from tests.property.open_orders import DrawnOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and the book it is about."""

    book: Book
    question: Question

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """For hypothesis, which would print every price of the world."""
        names = self.book.world.table.instruments
        legs = [
            (names[leg.row].name, int(leg.side), str(leg.quantity), str(leg.limit))
            for leg in self.question.order.legs
        ]
        gates, policy = self.question.gates, self.question.policy
        printer.text(f"Asked({self.book!r}, {legs}, {policy}, {gates.is_reduce_only=})")


@st.composite
def requested_legs(draw: st.DrawFn, book: Book) -> RequestedLeg:
    """A leg on any instrument, half of the time one that closes some of a position."""
    world = book.world
    is_close: bool = draw(st.booleans())
    if is_close and book.portfolio.positions:
        return draw(closing_legs(book))
    row = draw(rows(world))
    return _leg(world, row, draw(signed_lots(world, row)), draw(limit_nano(world, row)))


@st.composite
def closing_legs(draw: st.DrawFn, book: Book) -> RequestedLeg:
    """A leg against a position, mostly of a part of it, now and then of more."""
    held = book.portfolio.positions
    row = draw(st.sampled_from(sorted(held)))
    part = draw(st.integers(1, 100) | st.just(100) | st.integers(101, 250))
    lots = -(held[row].lots * part // 100) or -held[row].lots
    return _leg(book.world, row, lots, draw(limit_nano(book.world, row)))


def _leg(world: World, row: int, lots: int, price_nano: int) -> RequestedLeg:
    return RequestedLeg(
        row=row,
        side=Side.BUY if lots > 0 else Side.SELL,
        quantity=whole(abs(lots) * world.table.instruments[row].lot_nano, NANO),
        limit=whole(price_nano, NANO),
    )


def ask(
    book: Book,
    *legs: RequestedLeg,
    limits: Limits | None = None,
    policy: Policy | None = None,
    gates: Gates | None = None,
    is_combo: bool = False,
    is_reduce_only: bool = False,
) -> Asked:
    """The question whether the account of this book may send these legs."""
    several = Execution.ATOMIC_COMBO if is_combo else Execution.INDEPENDENT_LEGS
    question = Question(
        order=RequestedOrder(
            order_id="o",
            legs=legs,
            execution=several if len(legs) > 1 else Execution.SINGLE,
            is_reduce_only=is_reduce_only,
        ),
        portfolio=book.portfolio,
        account=AccountRisk.of(book.portfolio, book.world.arrays),
        arrays=book.world.arrays,
        limits=limits or Limits(),
        policy=policy or Policy(),
        gates=gates or Gates(),
        freshness=Freshness(),
    )
    return Asked(book=book, question=question)


@st.composite
def changes(draw: st.DrawFn, book: Book, order: DrawnOrder) -> Asked:
    """A change of the open order `o` of this book: totals and limits of every leg anew."""
    legs = []
    times = draw(st.integers(1, 24))
    for leg, filled_lots in zip(order.accepted, order.filled_lots, strict=True):
        open_lots = leg.lots - filled_lots
        lots = draw(st.integers(0, 2 * leg.lots) | st.just(open_lots) | st.integers(0, open_lots))
        total = times * leg.ratio or max(1, filled_lots + lots)
        price_nano = draw(st.just(leg.price_nano) | limit_nano(book.world, leg.row))
        legs.append(_leg(book.world, leg.row, int(leg.side) * total, price_nano))
    asked = ask(
        book,
        *legs,
        gates=Gates(is_reduce_only=draw(st.integers(0, 4)) == 0),
        is_combo=order.is_combo,
        is_reduce_only=draw(st.integers(0, 3)) == 0,
    )
    question = replace(
        asked.question,
        portfolio=book.portfolio.without_order("o"),
        amends=Amend(legs=order.legs, filled_lots=order.filled_lots),
    )
    return Asked(book=book, question=question)


def in_trouble(asked: Asked, missing_usd: int) -> None:
    """Give a future an unrealised result that leaves the account short of `missing_usd` dollars.

    Cash stays what it was, so that orders can still be paid for.
    """
    book, account = asked.book, asked.question.account
    assert account is not None
    row = book.world.table.row_by_name["BTC_USDC-PERPETUAL"]
    held = book.portfolio.positions.get(row)
    if held is None:
        account.move_position(row, 0, 1)
        held = Position(1)
    units = -account.risk.headroom - missing_usd * 10**6
    book.portfolio.positions[row] = Position(held.lots, held.entry + units)
    account.move_cash("USD", units)
