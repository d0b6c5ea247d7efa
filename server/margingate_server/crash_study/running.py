"""A whole study: a recorded market, drawn books and orders in; courses and answers out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from margingate_engine.core.reasons import RejectReason
from margingate_server.crash_study.books import Book, drawn_books
from margingate_server.crash_study.chain import Chain
from margingate_server.crash_study.course import Course, Instant, instant_of, stacked
from margingate_server.crash_study.decided import Answered
from margingate_server.crash_study.order_flow import drawn_orders
from margingate_server.crash_study.session import Session
from margingate_server.feeds.replay.accounts import StartAccount
from margingate_server.feeds.replay.feed import NEVER_NS
from margingate_server.feeds.replay.orders import FlowOrder
from margingate_server.feeds.replay.series import Series
from margingate_server.replay_alongside import open_account, send
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.terms import Terms

NEVER_STALE = AgeLimits(underlying_ns_max=2**61, instrument_ns_max=2**61)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is studied. withheld_ns: snapshots that the feed does not deliver in the second run.

    models: by which requirements are worked out; accounts themselves have the opening one.
    """

    series: Series
    coins: tuple[str, ...]
    account_count: int
    orders_per_snapshot: int
    seed: int
    models: tuple[str, ...]
    withheld_ns: frozenset[int]
    age_limits: AgeLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """accounts: as they start. course: with every snapshot.

    answers: to the orders with every snapshot delivered. with_gap: with some withheld. unguarded:
    the same, and old prices trusted.
    """

    accounts: tuple[StartAccount, ...]
    course: Course
    answers: tuple[Answered, ...]
    with_gap: tuple[Answered, ...]
    unguarded: tuple[Answered, ...]


def study_of(plan: Plan, terms: Terms, on_progress: Callable[[int, int], None]) -> Study:
    """Play a series three times. on_progress: snapshots done, of how many."""
    series = plan.series
    books, accounts = _opened(plan, terms)
    names = [book.account for book in books]
    orders = drawn_orders(series, books, plan.orders_per_snapshot, plan.seed)
    played = _Playing(plan, terms, accounts, orders)
    instants: list[Instant] = []
    done = 0

    def counted() -> None:
        nonlocal done
        done += 1
        on_progress(done, 3 * len(series))

    def looked(session: Session, now_ns: int) -> None:
        instants.append(instant_of(session.desk, names, plan.models, now_ns))
        counted()

    def passed(_session: Session, _now_ns: int) -> None:
        counted()

    answers = played.answers(plan.age_limits, frozenset(), looked)
    with_gap = played.answers(plan.age_limits, plan.withheld_ns, passed)
    unguarded = played.answers(NEVER_STALE, plan.withheld_ns, passed)
    worth_ta, figures = stacked(instants)
    indices = [series.snapshot(place).update.index_by_underlying for place in range(len(series))]
    course = Course(
        time_ns_t=series.time_ns_t,
        index_by_coin={coin: np.array([each[coin] for each in indices]) for coin in plan.coins},
        accounts=tuple(names),
        kinds=tuple(book.kind for book in books),
        posted=tuple(book.posted for book in books),
        worth_ta=worth_ta,
        figures_by_model=figures,
    )
    return Study(
        accounts=tuple(accounts),
        course=course,
        answers=answers,
        with_gap=with_gap,
        unguarded=unguarded,
    )


def _opened(plan: Plan, terms: Terms) -> tuple[list[Book], list[StartAccount]]:
    """Books drawn from what the first snapshot lists, and the accounts that they make."""
    start_ns = plan.series.time_ns_t[0]
    session = Session(terms, plan.age_limits, start_ns)
    session.publish(plan.series.snapshot(0))
    view = session.desk.shard.market.view
    chains = [Chain.of(view, coin) for coin in plan.coins]
    books = drawn_books(chains, plan.account_count, plan.seed)
    return books, [session.open(book, start_ns) for book in books]


@dataclass(frozen=True, slots=True)
class _Playing:
    """The same accounts and orders, for every run anew."""

    plan: Plan
    terms: Terms
    accounts: Sequence[StartAccount]
    orders: Sequence[FlowOrder]

    def answers(
        self,
        age_limits: AgeLimits,
        withheld_ns: frozenset[int],
        on_snapshot: Callable[[Session, int], None],
    ) -> tuple[Answered, ...]:
        """Answers to the orders, each at its own time. on_snapshot: told after each."""
        series = self.plan.series
        session = Session(self.terms, age_limits, series.time_ns_t[0])
        answers: list[Answered] = []
        published_ns = series.time_ns_t[0]
        upcoming = 0
        for place, now_ns in enumerate(series.time_ns_t):
            if now_ns not in withheld_ns:
                session.publish(series.snapshot(place))
                published_ns = now_ns
            if not place:
                for account in self.accounts:
                    open_account(session.desk, account, now_ns)
            on_snapshot(session, now_ns)
            until_ns = series.time_ns_t[place + 1] if place + 1 < len(series) else NEVER_NS
            while upcoming < len(self.orders) and self.orders[upcoming].time_ns < until_ns:
                order = self.orders[upcoming]
                answers.append(_answered(session, order, published_ns))
                upcoming += 1
        return tuple(answers)


def _answered(session: Session, order: FlowOrder, published_ns: int) -> Answered:
    answer, _ = send(session.desk, order, order.time_ns)
    session.desk.shard.take_pending()
    return Answered(
        order=order,
        reason=RejectReason(answer.decision.reason),
        is_risk_reducing=answer.decision.is_risk_reducing,
        published_ns=published_ns,
    )
