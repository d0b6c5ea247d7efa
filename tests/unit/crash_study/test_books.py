"""Drawn books, and what makes them as well covered as they are to be."""

from dataclasses import replace

import pytest

from margingate_engine.core.errors import MissingData
from margingate_server.crash_study.books import COVER, KINDS, Book, drawn_books
from margingate_server.crash_study.chain import Chain
from margingate_server.crash_study.session import Session
from tests.unit.crash_study.small_series import LIMITS, START_NS, small_series, terms

COUNT = 60


@pytest.fixture(scope="module")
def session() -> Session:
    made = Session(terms(), LIMITS, START_NS)
    made.publish(small_series((1.0,)).snapshot(0))
    return made


def books(session: Session, seed: int = 1) -> list[Book]:
    view = session.desk.shard.market.view
    return drawn_books([Chain.of(view, coin) for coin in ("BTC", "ETH")], COUNT, seed)


def test_the_same_seed_draws_the_same_books_and_another_one_others(session: Session) -> None:
    assert books(session) == books(session)
    assert books(session) != books(session, seed=2)


def test_every_kind_is_drawn_as_often_and_every_account_is_another(session: Session) -> None:
    drawn = books(session)
    assert [each.kind for each in drawn[: len(KINDS)]] == [*KINDS]
    assert len({each.account for each in drawn}) == COUNT


def test_a_book_is_what_its_kind_says(session: Session) -> None:
    for book in books(session):
        held = book.quantities
        options = {name: lots for name, lots in held.items() if name[-2:] in ("-C", "-P")}
        match book.kind:
            case "short strangle":
                assert sorted(name[-1] for name in options) == ["C", "P"]
                assert all(lots < 0 for lots in options.values())
            case "put seller":
                assert all(name.endswith("P") and lots < 0 for name, lots in options.items())
            case "long options":
                assert options == held
                assert all(lots > 0 for lots in options.values())
            case "leveraged long":
                assert not options
                assert all(usd > 0 for usd in held.values())
            case "covered call":
                assert all(name.endswith("C") and lots < 0 for name, lots in options.items())
            case "calendar":
                assert sorted(lots > 0 for lots in options.values()) == [False, True]
        assert held or book.collateral


def test_an_account_is_opened_as_well_covered_as_its_book_is_to_be(session: Session) -> None:
    for book in books(session):
        session.open(book, START_NS)
        risk = session.desk.accounts.current_risk(book.account)
        assert risk is not None
        assert COVER[0] <= book.cover <= COVER[1]
        assert risk.equity >= book.cover * risk.initial
        posted = session.desk.shard.account(book.account).portfolio.cash.get("USD", 0)
        if posted > 0:
            assert risk.equity <= 1.001 * book.cover * risk.initial + 10_000, "no more than needed"


def test_books_need_a_perpetual(session: Session) -> None:
    bare = Session(terms(), LIMITS, START_NS)
    series = small_series((1.0,))
    bare.publish(replace(series, marks={}).snapshot(0))
    with pytest.raises(MissingData, match="BTC-PERPETUAL"):
        Chain.of(bare.desk.shard.market.view, "BTC")
    assert Chain.of(session.desk.shard.market.view, "BTC").perpetual == "BTC-PERPETUAL"


def test_an_option_is_the_one_nearest_in_time_and_then_in_deviations(session: Session) -> None:
    chain = Chain.of(session.desk.shard.market.view, "BTC")
    assert chain.names[chain.option(9, 0.0, is_call=True)] == "BTC-6FEB26-90000-C"
    month, days = chain.option(31, -1.0, is_call=False), 30
    away = 0.5 * (days / 365) ** 0.5
    assert chain.names[month].startswith("BTC-27FEB26-")
    assert abs(chain.strike_i[month] / 90_000 - (1 - away)) < 0.03
    assert chain.future(40) == "BTC-27FEB26"
