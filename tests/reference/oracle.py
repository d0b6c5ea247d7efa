"""The oracle: accounts, their orders and fills, and an answer to every order."""

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction

from tests.reference.account import Account
from tests.reference.book import Book
from tests.reference.contracts import Limits
from tests.reference.decision import Answer, Decider, Switches
from tests.reference.margin import Risk
from tests.reference.orders import Leg, OpenLeg, OpenOrder, Order

NO_SWITCHES = Switches()


class Oracle:
    """Keeps accounts and decides orders, by full revaluation each time."""

    def __init__(self, book: Book, limits: Limits = Limits()) -> None:  # noqa: B008  immutable
        self.book = book
        self.decider = Decider(book)
        self.default_limits = limits
        self.own_limits: dict[str, Limits] = {}
        self.accounts: defaultdict[str, Account] = defaultdict(Account)

    def limits(self, account: str) -> Limits:
        """Limits in force for an account."""
        return self.own_limits.get(account, Limits()).joined(self.default_limits)

    def preview(self, account: str, order: Order, switches: Switches = NO_SWITCHES) -> Answer:
        """The answer to an order; changes nothing."""
        return self.decider.decide(self.accounts[account], order, self.limits(account), switches)

    def check(self, account: str, order: Order, switches: Switches = NO_SWITCHES) -> Answer:
        """The answer to an order; keeps it when it is accepted."""
        answer = self.preview(account, order, switches)
        if answer.accepted:
            self.accept(account, order, answer)
        return answer

    def accept(self, account: str, order: Order, answer: Answer) -> None:
        """Keeps an accepted order."""
        legs = [replace(leg) for leg in answer.legs]
        state = self.accounts[account]
        state.known_order_ids.add(order.order_id)
        state.orders[order.order_id] = OpenOrder(
            order_id=order.order_id, combo=order.combo, legs=legs, reduce_only=order.reduce_only
        )

    def amend(self, account: str, order: Order, switches: Switches = NO_SWITCHES) -> Answer:
        """The answer to a change of an open order; pending when it is accepted. [DEC-09]"""
        state = self.accounts[account]
        answer = self.decider.decide_change(state, order, self.limits(account), switches)
        if answer.accepted:
            state.orders[order.order_id].amended = [replace(leg) for leg in answer.legs]
        return answer

    def confirm(self, account: str, order_id: str) -> bool:
        """The venue took the pending change; true when there was one."""
        order = self.accounts[account].orders.get(order_id)
        if order is None or order.amended is None:
            return False
        order.legs, order.amended = order.amended, None
        self._close_if_done(account, order)
        return True

    def withdraw(self, account: str, order_id: str) -> bool:
        """The venue did not take the pending change; true when there was one."""
        order = self.accounts[account].orders.get(order_id)
        if order is None or order.amended is None:
            return False
        order.amended = None
        self._close_if_done(account, order)
        return True

    def _close_if_done(self, account: str, order: OpenOrder) -> None:
        if not order.is_open:
            del self.accounts[account].orders[order.order_id]

    def release(self, account: str, order_id: str) -> bool:
        """Gives back what is held; true when something was."""
        return self.accounts[account].orders.pop(order_id, None) is not None

    def fill(
        self,
        account: str,
        order_id: str,
        execution: OpenLeg,
        fee: int | None = None,
    ) -> None:
        """Books an execution (its lots, price and side) and shrinks the hold.

        fee: in units of the settlement asset; None means the schedule's.
        """
        state = self.accounts[account]
        symbol = execution.symbol
        if fee is None:
            fee = self.book.largest_fee(symbol, execution.lots, execution.price)
        lots = execution.side * execution.lots
        state.book(self.book.instruments[symbol], lots, execution.price, fee)
        order = state.orders.get(order_id)
        if order is not None:
            order.shrink(execution)
            self._close_if_done(account, order)

    def risk(self, account: str) -> Risk:
        """Margin of an account now."""
        return self.decider.risk(self.accounts[account])

    def max_lots(
        self, account: str, symbol: str, side: int, price: Fraction | None, ceiling: int
    ) -> tuple[int, str]:
        """Lots up to which every order passes, and why one more does not. [DEC-06]

        Tries every size from one lot on; stops at `ceiling` with an empty reason.
        """
        lot = self.book.instruments[symbol].lot
        for lots in range(1, ceiling + 1):
            leg = Leg(symbol=symbol, side=side, quantity=lots * lot, price=price)
            answer = self.preview(account, Order(order_id="", legs=(leg,)))
            if not answer.accepted:
                return lots - 1, answer.reason
        return ceiling, ""
