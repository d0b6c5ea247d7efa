"""How old the prices are that an answer would rest on."""

import pytest

from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.service.clock_steps import aged
from margingate_server.service.freshness import (
    FOREVER_NS,
    AgeLimits,
    Oldest,
    age_seconds,
    oldest_of_portfolio,
    oldest_of_rows,
)
from margingate_server.service.usable_prices import usable_prices
from tests.unit.engine.small_market import MARKS, NANO, NEAR_NS, NO_FEES
from tests.unit.service.small_desk import AGE_LIMITS, START_NS, SmallDesk, small_desk, update

LIMITS = AgeLimits(underlying_ns_max=10, instrument_ns_max=100)


def test_the_older_of_both_kinds_is_kept_each_for_itself() -> None:
    first = Oldest(5, "BTC", 50, "NEAR")
    second = Oldest(7, "ETH", 20, "FAR")
    assert first.joined(second) == second.joined(first) == Oldest(5, "BTC", 20, "FAR")
    assert first.joined(Oldest()) == first


def test_a_price_is_stale_beyond_its_limit_and_not_at_it() -> None:
    oldest = Oldest(1_000, "BTC", 1_000, "NEAR")
    assert oldest.stale_subject(1_010, LIMITS) is None
    assert oldest.stale_subject(1_011, LIMITS) == "BTC"
    assert Oldest(FOREVER_NS, "", 1_000, "NEAR").stale_subject(1_100, LIMITS) is None
    assert Oldest(FOREVER_NS, "", 1_000, "NEAR").stale_subject(1_101, LIMITS) == "NEAR"


def test_a_price_from_before_the_clock_stepped_back_is_stale_and_a_second_is_forgiven() -> None:
    for oldest in (Oldest(5 * NANO, "BTC"), Oldest(instrument_ns=5 * NANO, instrument="NEAR")):
        assert oldest.stale_subject(4 * NANO, LIMITS) is None
        assert oldest.stale_subject(4 * NANO - 1, LIMITS) in {"BTC", "NEAR"}


def test_an_age_is_never_negative_and_infinite_when_nobody_knows_it() -> None:
    assert age_seconds(5 * NANO, 7 * NANO) == 2.0
    assert age_seconds(5 * NANO, 4 * NANO) == 0.0
    assert age_seconds(5 * NANO, 4 * NANO - 1) == age_seconds(-1, 7 * NANO) == float("inf")


def test_a_price_stays_stale_when_the_clock_comes_back_to_where_it_was() -> None:
    desk = small_desk()
    desk.now_ns -= 3_600 * NANO
    others = {name: mark for name, mark in MARKS.items() if name != "FAR"}
    desk.quote(update(others))
    view, rows = desk.shard.market.view, [desk.row("NEAR"), desk.row("FAR")]
    assert oldest_of_rows(view, rows[:1]).stale_subject(desk.now_ns, AGE_LIMITS) is None
    for now_ns in (desk.now_ns, START_NS):
        desk.now_ns = now_ns
        desk.quote(update(others))
        oldest = oldest_of_rows(desk.shard.market.view, rows)
        assert oldest.stale_subject(now_ns, AGE_LIMITS) == "FAR"
    desk.quote(update())
    view = desk.shard.market.view
    assert oldest_of_rows(view, rows).stale_subject(START_NS, AGE_LIMITS) is None


def test_nothing_at_all_is_never_stale() -> None:
    assert Oldest().stale_subject(2**61, LIMITS) is None


def test_rows_are_as_old_as_the_oldest_of_them() -> None:
    desk = small_desk()
    desk.now_ns += 5
    desk.quote(update({name: mark for name, mark in MARKS.items() if name != "FAR"}))
    view = desk.shard.market.view
    rows = [desk.row(name) for name in ("NEAR", "FAR", "CALL")]
    assert oldest_of_rows(view, rows) == Oldest(START_NS + 5, "BTC", START_NS, "FAR")
    assert oldest_of_rows(view, ()) == Oldest()


def test_spot_has_no_age_but_its_index() -> None:
    desk = small_desk()
    oldest = oldest_of_rows(desk.shard.market.view, (desk.row("BTC"),))
    assert oldest == Oldest(START_NS, "BTC")


def test_an_expired_instrument_has_no_age_of_its_own() -> None:
    desk = small_desk()
    row = (desk.row("NEAR"),)
    desk.quote(update({}, market_time_ns=NEAR_NS - 1))
    assert oldest_of_rows(desk.shard.market.view, row).instrument == "NEAR"
    desk.quote(update({}, market_time_ns=NEAR_NS))
    assert oldest_of_rows(desk.shard.market.view, row) == Oldest(START_NS, "BTC")


def expiring_desk(silent_seconds: int) -> SmallDesk:
    """At the expiry by both clocks; CALL was quoted so long before it, NEAR just before it."""
    desk = small_desk()
    desk.now_ns = NEAR_NS - silent_seconds * NANO
    desk.quote(update(market_time_ns=desk.now_ns))
    desk.now_ns = NEAR_NS - 1
    others = {name: mark for name, mark in MARKS.items() if name != "CALL"}
    desk.quote(update(others, market_time_ns=desk.now_ns))
    desk.now_ns = NEAR_NS
    desk.quote(update(market_time_ns=desk.now_ns))
    return desk


def usable(desk: SmallDesk, name: str) -> bool:
    prices = usable_prices(desk.shard.market.view, desk.now_ns, AGE_LIMITS)
    return bool(prices.is_usable_i[desk.row(name)])


@pytest.mark.parametrize(("silent_seconds", "subject"), [(60, None), (61, "CALL")])
def test_a_price_that_was_too_old_when_it_expired_stays_so(
    silent_seconds: int, subject: str | None
) -> None:
    desk = expiring_desk(silent_seconds)
    for _ in range(2):
        view = desk.shard.market.view
        oldest = oldest_of_rows(view, [desk.row(name) for name in ("NEAR", "CALL", "FAR")])
        assert oldest.stale_subject(desk.now_ns, AGE_LIMITS) == subject
        assert usable(desk, "CALL") is (subject is None)
        assert usable(desk, "NEAR")
        desk.now_ns += 3_600 * NANO
        desk.quote(update(market_time_ns=desk.now_ns))


def test_of_two_that_expired_the_older_price_counts() -> None:
    first, second = Oldest(expired_age_ns=101, expired="CALL"), Oldest(5, "BTC")
    assert first.joined(second) == second.joined(first) == Oldest(
        5, "BTC", expired_age_ns=101, expired="CALL"
    )  # fmt: skip
    assert first.joined(Oldest(expired_age_ns=102, expired="PUT")).expired == "PUT"
    assert (first.stale_subject(0, LIMITS), second.stale_subject(0, LIMITS)) == ("CALL", None)
    assert Oldest(expired_age_ns=100, expired="CALL").stale_subject(0, LIMITS) is None


def test_what_has_expired_is_as_old_as_it_was_whatever_becomes_of_the_clock() -> None:
    for silent_seconds in (60, 61):
        desk = expiring_desk(silent_seconds)
        before = oldest_of_rows(desk.shard.market.view, [desk.row("CALL")])
        desk.now_ns -= 2 * NANO
        desk.shard.market.follow_clock(-2 * NANO)
        desk.quote(update({}, market_time_ns=NEAR_NS))
        after = oldest_of_rows(desk.shard.market.view, [desk.row("CALL")])
        assert (after.expired_age_ns, after.expired) == (before.expired_age_ns, before.expired)
        desk.now_ns -= 3_600 * NANO
        observed_ns_i = desk.shard.market.view.snapshot.observed_ns_i
        aged_i = aged(desk.shard.market.view.table, desk.shard.market.view.snapshot, desk.now_ns)
        row = desk.row("CALL")
        assert aged_i.observed_ns_i[row] == observed_ns_i[row]
        assert aged_i.observed_ns_i[desk.row("FAR")] == 0


@pytest.mark.parametrize(("fresh", "old"), [("NEAR", "FAR"), ("FAR", "NEAR")])
def test_a_portfolio_is_as_old_as_its_positions_and_open_orders(fresh: str, old: str) -> None:
    desk = small_desk().open(usd="100000")
    desk.hold(NEAR=1)
    desk.check(desk.leg("FAR", 1, "104000"))
    desk.now_ns += 5
    desk.quote(update({fresh: MARKS[fresh]}))
    oldest = oldest_of_portfolio(desk.shard.market.view, desk.account().portfolio)
    assert oldest == Oldest(START_NS + 5, "BTC", START_NS, old)


def test_coins_rest_on_their_index_and_dollars_on_nothing() -> None:
    view = small_desk().shard.market.view
    assert oldest_of_portfolio(view, Portfolio(fees=NO_FEES, cash={"USD": 5})) == Oldest()
    coins = Portfolio(fees=NO_FEES, cash={"BTC": 5})
    assert oldest_of_portfolio(view, coins) == Oldest(START_NS, "BTC")
    assert oldest_of_portfolio(view, Portfolio(fees=NO_FEES, cash={"SOL": 5})).underlying_ns < 0
