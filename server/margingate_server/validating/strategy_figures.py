"""Figures of a published case of strategy margin, each as the engine has it."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cached_property

from margingate_engine.core.amounts import MICRO
from margingate_engine.models.strategy.entry import Account
from margingate_engine.models.strategy.legs import Book
from margingate_engine.models.strategy.margin import (
    Component,
    EntryMargin,
    entry_margin,
    ongoing_margin,
)
from margingate_engine.models.strategy.pieces import SPOT_SYMBOL
from margingate_engine.models.strategy.strategies import Strategy
from margingate_engine.models.strategy.terms import Phase
from margingate_server.validating.strategy_books import Market, book
from margingate_server.validating.strategy_fields import Unrepresentable, words

FIGURES = {
    *("requirement", "applied_proceeds", "cash_call", "permitted"),
    *("maintenance_beyond_premium", "net_debit"),
}
"""Figures that are exact to the cent, or that are true or false."""

ROUNDED = ("margin_requirement", "cash_requirement")
"""Figures that the source rounds to the dollar, gross or net as its convention says."""

_PHASES = {
    **dict.fromkeys(("initial", "init", "entry", "opening"), Phase.INITIAL),
    **dict.fromkeys(("maintenance", "maint"), Phase.MAINTENANCE),
}
_NOT_IN_CASH = {
    *(Strategy.STRADDLE, Strategy.SHORT_SPOT, Strategy.COVERED_PUT, Strategy.PROTECTIVE_CALL),
    *(Strategy.REVERSE_CONVERSION, Strategy.FUND_COVERED_CALL, Strategy.WARRANT_COVERED_CALL),
}
"""What a cash account does not offer as one strategy, though it may take the legs one by one."""


class Figures:
    """Figures of one case, worked out when they are asked for."""

    def __init__(self, case: Mapping[str, object], market: Market) -> None:
        self.case = case
        self.market = market
        self._margins: dict[Account, EntryMargin] = {}

    def of(self, name: str) -> Fraction:
        """A figure by its name, USD, or 1 for true; Unrepresentable, or the engine's refusal."""
        if name in ROUNDED:
            return self._conventional(is_cash=name == "cash_requirement")
        if name == "permitted":
            return Fraction(self._is_permitted())
        if name == "maintenance_beyond_premium":
            held = ongoing_margin(self._book, self.market.parameters, Phase.MAINTENANCE)
            return Fraction(held.requirement_micro, MICRO)
        if name == "net_debit":
            entered = entry_margin(self._book, self.market.parameters, Phase.INITIAL)
            return Fraction(entered.deposit_micro, MICRO)
        margin = self._margin(self._account())
        micro = {
            "requirement": margin.gross.requirement_micro,
            "applied_proceeds": margin.applied_proceeds_micro,
            "cash_call": margin.deposit_micro,
        }
        return Fraction(micro[name], MICRO)

    @cached_property
    def _book(self) -> Book:
        return book(self.market, self.case.get("legs"))

    def _account(self) -> Account:
        named = self._account_words()
        if named in ("", "margin+cash"):
            return Account.MARGIN
        try:
            return Account(named)
        except ValueError:
            raise Unrepresentable(f"unknown account {self.case.get('account')}") from None

    def _account_words(self) -> str:
        named = words(self.case, "account", "account_type")
        return named.replace("_", " ").removesuffix("account").replace(" ", "")

    def _margin(self, account: Account) -> EntryMargin:
        if account not in self._margins:
            phase = _PHASES.get(words(self.case, "phase", default="initial"))
            if phase is None:
                raise Unrepresentable(f"unknown phase {self.case.get('phase')}")
            self._margins[account] = entry_margin(
                self._book, self.market.parameters, phase, account
            )
        return self._margins[account]

    def _is_permitted(self) -> bool:
        """Whether the account offers each strategy that the position is in a margin account."""
        held = {each.strategy for each in self._margin(Account.MARGIN).gross.components}
        return self._account() is Account.MARGIN or not held & _NOT_IN_CASH

    def _conventional(self, *, is_cash: bool) -> Fraction:
        """The figure that the source prints: net of premiums for spreads, and always for cash.

        Beside stock it is gross: no printed row takes the premium of a covered option off.
        """
        if self._account_words() not in ("", "margin+cash", "margin", "cash"):
            raise Unrepresentable(f"unknown account {self.case.get('account')}")
        convention = f"{self.case.get('convention')} {self.case.get('meta')}".lower()
        if not ("rows are gross" in convention and "net cash call" in convention):
            raise Unrepresentable("the convention of its figures is not known")
        margin = self._margin(Account.CASH if is_cash else Account.MARGIN)
        applied = sum(
            each.applied_proceeds_micro
            for each in margin.gross.components
            if not _has_spot(each) and (is_cash or _is_spread(each))
        )
        return Fraction(margin.gross.requirement_micro - applied, MICRO)


def _has_spot(component: Component) -> bool:
    return any(symbol == SPOT_SYMBOL for symbol, _ in component.legs)


def _is_spread(component: Component) -> bool:
    return {quantity > 0 for _, quantity in component.legs} == {True, False}
