"""What opening a book takes, worked out by hand."""

from dataclasses import replace

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.strategy.entry import Account
from margingate_engine.models.strategy.legs import FutureLeg, OptionLeg, SpotLeg, StandsFor
from margingate_engine.models.strategy.margin import entry_margin, ongoing_margin
from margingate_engine.models.strategy.terms import Phase
from tests.reference.strategy_books import book, option, parameters, spot, usd

EUROPEAN = parameters(exercise="european")
AMERICAN = parameters()
Leg = OptionLeg | SpotLeg

LONG_BOX: list[Leg] = [
    option("C", 95, 1, 8),
    option("C", 105, -1, 3),
    option("P", 95, -1, 2),
    option("P", 105, 1, 7),
]
SHORT_BOX: list[Leg] = [
    option("C", 95, -1, 9),
    option("C", 105, 1, 3),
    option("P", 95, 1, 2),
    option("P", 105, -1, 8),
]
FUND = spot(1, 98, stands_for=StandsFor.INDEX)
CONVERTIBLE = spot(1, 120, stands_for=StandsFor.CONVERSION)
WARRANT = spot(1, 60, stands_for=StandsFor.WARRANT, strike_nano=107 * 10**9)
INITIAL: dict[str, tuple[list[Leg], float, float]] = {
    # legs, gross, applied proceeds
    "long option": ([option("C", 90, 2, 12)], 24, 0),
    "long option with long to go": ([option("C", 90, 2, 12, is_long_term=True)], 18, 0),
    "naked call": ([option("C", 105, -1, 3)], 18, 3),
    "straddle": ([option("C", 105, -1, 3), option("P", 100, -1, 4)], 27, 7),
    "strangle, its greater side in full, the other by its premium alone": (
        [option("C", 105, -1, 1), option("P", 94, -1, 2.5)],
        2.5 + 14 + 1,
        3.5,
    ),
    "strangle of equal sides": ([option("C", 105, -1, 1), option("P", 94, -1, 2)], 16 + 2, 3),
    "debit spread": ([option("C", 100, 1, 6), option("C", 110, -1, 2)], 6, 2),
    "credit spread": ([option("P", 95, 1, 2), option("P", 100, -1, 4)], 7, 4),
    "calendar": ([option("C", 100, -1, 4, 1), option("C", 103, 1, 6, 2)], 9, 4),
    "long before short": ([option("C", 100, -1, 6, 2), option("C", 100, 1, 4, 1)], 30, 6),
    "butterfly": (
        [option("C", 95, 1, 8), option("C", 100, -2, 5), option("C", 110, 1, 2)],
        5 + 10,
        10,
    ),
    "long spot bought dearer": ([spot(1, 104)], 52, 0),
    "short spot": ([spot(-1, 104)], 156, 0),
    "covered call": ([spot(1), option("C", 110, -1, 2)], 50, 2),
    "protective put": ([spot(1), option("P", 95, 1, 2)], 52, 0),
    "conversion": ([spot(1), option("P", 100, 1, 4), option("C", 100, -1, 5)], 54, 5),
    "covered put in the money": ([spot(-1), option("P", 104, -1, 6)], 154, 6),
    "protective call": ([spot(-1), option("C", 105, 1, 2)], 152, 0),
}
STANDING_IN: dict[str, tuple[Account, Phase, list[Leg], float]] = {
    "fund": (Account.MARGIN, Phase.INITIAL, [FUND, option("C", 90, -1, 12)], 49),
    "fund, maintenance": (Account.MARGIN, Phase.MAINTENANCE, [FUND, option("C", 90, -1, 12)], 22.5),
    "fund with a strike of its own": (
        Account.MARGIN,
        Phase.MAINTENANCE,
        [replace(FUND, strike_nano=80 * 10**9), option("C", 90, -1, 12)],
        20,
    ),
    "fund with a put, each alone": (
        Account.MARGIN,
        Phase.INITIAL,
        [FUND, option("P", 95, 1, 2)],
        51,
    ),
    "fund paid in full, the call secured": (
        Account.CASH,
        Phase.INITIAL,
        [FUND, option("C", 90, -1, 12)],
        198,
    ),
    "convertible": (Account.MARGIN, Phase.INITIAL, [CONVERTIBLE, option("C", 110, -1, 2)], 60),
    "convertible, maintenance": (
        Account.MARGIN,
        Phase.MAINTENANCE,
        [CONVERTIBLE, option("C", 110, -1, 2)],
        27.5,
    ),
    "convertible paid in full": (
        Account.CASH,
        Phase.INITIAL,
        [CONVERTIBLE, option("C", 110, -1, 2)],
        120,
    ),
    "warrant alone": (Account.MARGIN, Phase.INITIAL, [WARRANT], 60),
    "warrant": (Account.MARGIN, Phase.INITIAL, [WARRANT, option("C", 50, -1, 52)], 117),
    "warrant, maintenance": (
        Account.MARGIN,
        Phase.MAINTENANCE,
        [WARRANT, option("C", 50, -1, 52)],
        107,
    ),
}
MAINTENANCE: dict[str, tuple[list[Leg], float]] = {
    "long spot": ([spot(1, 104)], 25),
    "short spot": ([spot(-1, 104)], 130),
    "covered call": ([spot(1), option("C", 90, -1, 12)], 22.5),
    "protective put": ([spot(1), option("P", 95, 1, 2)], 14.5),
    "conversion": ([spot(1), option("P", 100, 1, 4), option("C", 100, -1, 4)], 10),
    "collar": ([spot(1), option("P", 95, 1, 2), option("C", 110, -1, 2)], 14.5),
    "covered put": ([spot(-1), option("P", 104, -1, 6)], 134),
    "protective call": ([spot(-1), option("C", 105, 1, 2)], 115.5),
    "reverse conversion": ([spot(-1), option("C", 104, 1, 3), option("P", 104, -1, 6)], 118.4),
}
CASH: dict[str, tuple[list[Leg], float, float]] = {
    "long option, however long": ([option("C", 90, 1, 12, is_long_term=True)], 12, 0),
    "secured put": ([option("P", 90, -1, 2)], 90, 2),
    "secured call": ([option("C", 105, -1, 3)], 100, 3),
    "no relief for a straddle": ([option("C", 105, -1, 3), option("P", 90, -1, 2)], 190, 5),
    "spread": ([option("P", 95, 1, 2), option("P", 100, -1, 4)], 7, 4),
    "calendar": ([option("C", 100, -1, 4, 1), option("C", 103, 1, 6, 2)], 9, 4),
    "short box, its largest loss": (SHORT_BOX, 10, 12),
    "covered call": ([spot(1, 104), option("C", 110, -1, 2)], 104, 2),
    "collar": ([spot(1), option("P", 95, 1, 2), option("C", 110, -1, 2)], 102, 2),
}


@pytest.mark.parametrize("name", INITIAL)
def test_the_initial_figures_at_entry(name: str) -> None:
    """[STR-11]"""
    legs, gross, proceeds = INITIAL[name]
    margin = entry_margin(book(*legs), AMERICAN, Phase.INITIAL)
    assert float(usd(margin.gross.requirement_micro)) == gross
    assert float(usd(margin.applied_proceeds_micro)) == proceeds
    assert float(usd(margin.deposit_micro)) == gross - proceeds


@pytest.mark.parametrize("name", MAINTENANCE)
def test_the_maintenance_figures_as_they_are_published(name: str) -> None:
    """[STR-11]"""
    legs, gross = MAINTENANCE[name]
    margin = entry_margin(book(*legs), AMERICAN, Phase.MAINTENANCE)
    assert float(usd(margin.gross.requirement_micro)) == gross


@pytest.mark.parametrize("name", CASH)
def test_the_figures_of_a_cash_account(name: str) -> None:
    """[STR-11]"""
    legs, gross, proceeds = CASH[name]
    margin = entry_margin(book(*legs), AMERICAN, Phase.INITIAL, Account.CASH)
    assert float(usd(margin.gross.requirement_micro)) == gross
    assert float(usd(margin.applied_proceeds_micro)) == proceeds


@pytest.mark.parametrize("name", STANDING_IN)
def test_what_stands_for_the_underlying_covers_a_call_at_entry(name: str) -> None:
    """[STR-21]"""
    account, phase, legs, gross = STANDING_IN[name]
    margin = entry_margin(book(*legs), AMERICAN, phase, account)
    assert float(usd(margin.gross.requirement_micro)) == gross


def test_what_stands_for_the_underlying_is_not_margined_while_it_is_held() -> None:
    """[STR-21]"""
    with pytest.raises(InvalidInput):
        ongoing_margin(book(FUND, option("C", 90, -1, 12)), AMERICAN, Phase.INITIAL)


@pytest.mark.parametrize(
    "broken", [{"quantity_nano": -1}, {"is_uncertain": True}, {"strike_nano": None}]
)
def test_what_stands_for_the_underlying_is_long_and_certain(broken: dict[str, object]) -> None:
    """[STR-21]"""
    with pytest.raises(InvalidInput):
        replace(WARRANT, **broken)  # type: ignore[arg-type]


def test_a_call_in_a_cash_account_may_be_secured_by_its_strike() -> None:
    """[STR-11]"""
    by_strike = parameters(secured_call="strike")
    held = book(option("C", 105, -1, 3))
    margin = entry_margin(held, by_strike, Phase.INITIAL, Account.CASH)
    assert usd(margin.gross.requirement_micro) == 105


def test_a_long_box_has_loan_value_when_it_cannot_be_exercised_early() -> None:
    """[STR-11]"""
    european = entry_margin(book(*LONG_BOX), EUROPEAN, Phase.INITIAL)
    assert usd(european.gross.requirement_micro) == usd(european.deposit_micro) == 5
    american = entry_margin(book(*LONG_BOX), AMERICAN, Phase.INITIAL)
    assert usd(american.gross.requirement_micro) == 15
    assert usd(american.deposit_micro) == 10


def test_a_short_box_requires_its_gap_and_what_it_brought_in_is_applied() -> None:
    """[STR-11]"""
    margin = entry_margin(book(*SHORT_BOX), AMERICAN, Phase.INITIAL)
    assert usd(margin.gross.requirement_micro) == 10
    assert usd(margin.applied_proceeds_micro) == 9 + 8 - 3 - 2


def test_a_cash_account_holds_no_short_spot() -> None:
    """[STR-11]"""
    with pytest.raises(InvalidInput) as refused:
        entry_margin(book(spot(-1)), AMERICAN, Phase.INITIAL, Account.CASH)
    assert refused.value.field == "spot"


def test_a_cash_account_holds_no_future() -> None:
    """[STR-11]"""
    held = replace(book(), futures=(FutureLeg(symbol="F", lots=1, notional_micro=10**6),))
    assert entry_margin(held, AMERICAN, Phase.INITIAL).deposit_micro == 10**5
    with pytest.raises(InvalidInput) as refused:
        entry_margin(held, AMERICAN, Phase.INITIAL, Account.CASH)
    assert refused.value.field == "F"


def test_a_deposit_is_asked_for_what_is_certain() -> None:
    """[STR-11]"""
    with pytest.raises(InvalidInput):
        entry_margin(book(option("C", 105, -1, 3, is_uncertain=True)), AMERICAN, Phase.INITIAL)
