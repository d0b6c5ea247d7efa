"""Accounts under `tims` against a reference that was written from the page. [TIMS-01 to TIMS-08]"""

from hypothesis import given, settings
from hypothesis import strategies as st

from margingate_engine.core.charges import Charge
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.margin_model import NO_SCENARIO, NOT_A_SCENARIO
from tests.property.books import Book, books
from tests.property.bridge import reference_of
from tests.property.effort import examples
from tests.property.tims_worlds import tims_reference, tims_worlds
from tests.reference.account import Account
from tests.reference.moved_book import is_changing
from tests.reference.tims_account import PortfolioGroup, TimsBook


@st.composite
def tims_books(draw: st.DrawFn, *, orders_max: int = 5, several: bool = False) -> Book:
    world = draw(st.sampled_from(tims_worlds()))
    return draw(books(orders_max=orders_max, several=several, world=world))


def both(book: Book) -> tuple[AccountRisk, TimsBook, Account]:
    """The engine's account, the reference, and the account as the reference keeps it."""
    account = AccountRisk.of(book.portfolio, book.world.arrays)
    return account, tims_reference(book.world.name), reference_of(book.world, book.portfolio)


@examples(80)
@given(tims_books(several=True))
def test_equity_and_margins_are_the_references_to_the_last_millionth(book: Book) -> None:
    account, reference, known = both(book)
    assert account.equity == reference.equity(known)
    assert account.positions_risk.initial == reference.initial(reference.groups_of(known))
    assert account.risk.initial == reference.initial(reference.open_groups(known))
    assert account.risk.maintenance == reference.maintenance(known)


@examples(80)
@given(tims_books(several=True))
def test_every_requirement_has_the_references_parts_and_binding_point(book: Book) -> None:
    account, reference, known = both(book)
    expected = reference.portfolio_groups(reference.open_groups(known))
    found = {each.subject: each for each in account.requirements()}
    for name, parts in expected.items():
        if name not in found:
            assert parts.total == 0
            continue
        amounts = [amount for _, amount in found[name].charges]
        assert amounts == [parts.scan, parts.basis, parts.minimum, -parts.entry]
        assert found[name].scenario == _scenario(parts)


def _scenario(parts: PortfolioGroup) -> int:
    if parts.minimum > parts.scan + parts.basis:
        return NOT_A_SCENARIO
    return parts.point or NO_SCENARIO


@examples(80)
@given(tims_books(several=True))
def test_exact_is_claimed_where_the_page_says_so(book: Book) -> None:
    """[TIMS-07] under a pending change the engine may say less than it could"""
    account, reference, known = both(book)
    groups = reference.open_groups(known)
    may_say_less = any(map(is_changing, known.orders.values()))
    for each in account.requirements():
        expected = reference.is_exact(groups, each.subject)
        assert each.is_exact == expected or (may_say_less and not each.is_exact)


@examples(50)
@given(tims_books(orders_max=4))
def test_no_fills_leave_less_headroom_and_where_exact_is_claimed_some_leave_as_little(
    book: Book,
) -> None:
    """[TIMS-07, TIMS-08]"""
    account, reference, known = both(book)
    worst = reference.worst_by_trying(known)
    assert account.risk.headroom <= worst
    if all(each.is_exact for each in account.requirements()):
        assert account.risk.headroom == worst


@examples(30)
@given(tims_books(orders_max=3, several=True))
def test_no_fills_of_combos_and_changing_orders_leave_less_headroom(book: Book) -> None:
    account, reference, known = both(book)
    assert account.risk.headroom <= reference.worst_by_trying(known)


def test_the_books_reach_what_they_are_meant_to_test() -> None:
    """Scan and minimum bind, exact and bound, basis, coins in debt, combos, holdings expired."""
    reached: set[str] = set()

    @settings(max_examples=80, database=None)
    @given(tims_books(several=True))
    def look(book: Book) -> None:
        account, reference, known = both(book)
        held = [reference.instruments[symbol] for symbol in known.positions]
        balances = [reference.coin_balance(known, coin) for coin in ("BTC", "ETH")]
        reached.update(_named(combo=any(order.combo for order in known.orders.values())))
        reached.update(_named(debt=min(balances) < 0))
        reached.update(_named(expired=any(map(reference.market.has_expired, held))))
        for each in account.requirements():
            parts = dict(each.charges)
            reached.update(
                _named(
                    exact=bool(known.orders) and each.is_exact and each.total > 0,
                    bound=not each.is_exact,
                    minimum=each.scenario == NOT_A_SCENARIO,
                    scan=each.scenario > 0,
                    basis=parts[Charge.BASIS_CHARGE] > 0,
                    entry=parts[Charge.ENTRY_LOSSES] > 0,
                )
            )

    look()
    assert reached == {
        *("exact", "bound", "minimum", "scan", "basis", "entry", "debt", "expired", "combo"),
    }


def _named(**is_so: bool) -> set[str]:
    return {name for name, so in is_so.items() if so}
