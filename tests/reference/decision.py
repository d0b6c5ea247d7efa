"""The decision: gates in their order of precedence, then cash, then margin."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from tests.reference.account import Account
from tests.reference.asked import Asked
from tests.reference.book import Book
from tests.reference.contracts import Instrument, Limits
from tests.reference.fills import delivered_coins, flow
from tests.reference.margin import Group, Risk, maintenance
from tests.reference.orders import Leg, OpenLeg, OpenOrder, Order, unit_ratios
from tests.reference.rounding import MICRO, down, down_star
from tests.reference.ticks import collar_bound, is_on_tick, market_order_price

ACCEPTED = ""
ALLOWANCE = Fraction(1, 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What stands in the way of every order of an account."""

    expired: bool = False
    killed: bool = False
    reduce_only: bool = False
    suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A decision. `reason` is empty when accepted; risks are None where a price is missing.

    `gross` is the gross scenario P&L of everything after the order, in millionths of a USD.
    """

    reason: str
    before: Risk | None
    after: Risk | None
    is_exact: bool | None
    risk_reducing: bool = False
    gross: int = 0
    legs: tuple[OpenLeg, ...] = ()

    @property
    def accepted(self) -> bool:
        """True when the order may be sent."""
        return self.reason == ACCEPTED


@dataclass(slots=True)
class Decider:
    """Decides orders of accounts in a book."""

    book: Book

    def risk(self, account: Account) -> Risk:
        """Margin of an account and its open orders. [SPAN-14]"""
        groups = self._groups(account)
        return Risk(
            equity=self.book.equity(account),
            initial=-sum(group.worst() for group in groups.values()),
            maintenance=maintenance(groups, self.book.parameters),
        )

    def is_exact(self, account: Account) -> bool:
        """True when that margin is the worst case itself. [SPAN-15]"""
        return all(group.is_exact() for group in self._groups(account).values())

    def _groups(self, account: Account) -> dict[str, Group]:
        return self.book.groups_of(account, account.orders.values())

    def gross(self, account: Account) -> int:
        """Sum of |lots| times the largest unweighted P&L, positions and open orders."""
        held = sum(
            abs(position.lots) * self.book.lot(symbol).gross
            for symbol, position in account.positions.items()
        )
        return held + sum(
            max(
                sum(leg.lots * self.book.lot(leg.symbol).gross for leg in shape)
                for shape in order.shapes
            )
            for order in account.orders.values()
        )

    def decide(
        self, account: Account, order: Order, limits: Limits, switches: Switches = Switches()
    ) -> Answer:
        """The answer to a new order; changes nothing."""
        asked = Asked(account=account, order=order, instruments=self.book.instruments)
        return self._decide(asked, limits, switches)

    def decide_change(
        self, account: Account, order: Order, limits: Limits, switches: Switches = Switches()
    ) -> Answer:
        """The answer to a change of the open order of that id; changes nothing. [DEC-09]"""
        changes = account.orders[order.order_id]
        assert changes.amended is None, "one change at a time"
        order = replace(order, combo=changes.combo, reduce_only=changes.reduce_only)
        asked = Asked(
            account=account, order=order, instruments=self.book.instruments, changes=changes
        )
        return self._decide(asked, limits, switches)

    def _decide(self, asked: Asked, limits: Limits, switches: Switches) -> Answer:
        account, order = asked.account, asked.order
        gate = self._static_gate(asked, limits, switches)
        if not self._is_priced(account, order):
            reason = gate or "MARKET_DATA_MISSING"
            return Answer(reason=reason, before=None, after=None, is_exact=None)
        before = self.risk(account)
        gate = gate or self._price_gate(order, limits)
        if gate:
            return Answer(
                reason=gate, before=before, after=None, is_exact=None, gross=self.gross(account)
            )
        legs = self._open_legs(asked, limits)
        projected = _with_order(asked, legs)
        after = self.risk(projected)
        reason, risk_reducing = self._reason(asked, legs, projected, switches)
        return Answer(
            reason=reason,
            before=before,
            after=after,
            is_exact=self.is_exact(projected),
            risk_reducing=risk_reducing,
            gross=self.gross(projected),
            legs=legs,
        )

    def _reason(
        self, asked: Asked, legs: Sequence[OpenLeg], projected: Account, switches: Switches
    ) -> tuple[str, bool]:
        before, after = self.risk(asked.account).headroom, self.risk(projected).headroom
        reducing = self._reduces_risk(asked, legs, after) or (
            not asked.asks_for_more() and after >= before
        )
        if switches.reduce_only and not reducing:
            return "KILL_SWITCH", False
        if self._cash_is_short(asked.account, projected):
            return "INSUFFICIENT_COLLATERAL_CURRENCY", False
        if after >= 0 or reducing:
            return ACCEPTED, after < 0
        return ("INSUFFICIENT_INITIAL_MARGIN" if before >= 0 else "STILL_UNDERMARGINED"), False

    def _instrument(self, leg: Leg | OpenLeg) -> Instrument:
        return self.book.instruments[leg.symbol]

    def _static_gate(self, asked: Asked, limits: Limits, switches: Switches) -> str:
        """First failing rule that reads no price."""
        account, order = asked.account, asked.order
        legs = [(leg, self._instrument(leg)) for leg in order.legs]
        grows = asked.asks_for_more() and not asked.only_closes()
        is_taken = asked.changes is None and order.order_id in account.known_order_ids
        rules = (
            ("REQUEST_EXPIRED", switches.expired),
            ("KILL_SWITCH", switches.killed),
            ("KILL_SWITCH", switches.reduce_only and grows),
            ("ACCOUNT_SUSPENDED", switches.suspended),
            ("INSTRUMENT_NOT_TRADABLE", any(not self._is_tradable(i) for _, i in legs)),
            ("OFF_TICK", any(not self._on_tick(leg, i) for leg, i in legs)),
            ("OFF_LOT", any(leg.quantity % i.lot != 0 for leg, i in legs)),
            ("DUPLICATE_ORDER_ID", is_taken),
            ("MAX_ORDER_QUANTITY", any(_is_too_large(leg, i, limits) for leg, i in legs)),
            ("REDUCE_ONLY_WOULD_INCREASE", asked.finds_no_room()),
        )
        return next((reason for reason, fails in rules if fails), ACCEPTED)

    def _on_tick(self, leg: Leg, instrument: Instrument) -> bool:
        return leg.price is None or is_on_tick(instrument, leg.price)

    def _is_tradable(self, instrument: Instrument) -> bool:
        return not instrument.halted and not self.book.market.has_expired(instrument)

    def _is_priced(self, account: Account, order: Order) -> bool:
        shapes = [shape for each in account.orders.values() for shape in each.shapes]
        working = [leg.symbol for shape in shapes for leg in shape if leg.lots]
        symbols = {*account.positions, *working, *(leg.symbol for leg in order.legs)}
        instruments = [self.book.instruments[symbol] for symbol in symbols]
        coins = [name for name in self.book.parameters if account.cash[name]]
        return all(self.book.market.is_priced(instrument) for instrument in instruments) and all(
            coin in self.book.market.index for coin in coins
        )

    def _price_gate(self, order: Order, limits: Limits) -> str:
        """First failing rule that reads a price, before cash and margin."""
        ceiling = limits.max_order_notional
        if ceiling is not None:
            notional = sum(self._notional(leg) for leg in order.legs)
            if notional > MICRO * ceiling:
                return "MAX_ORDER_NOTIONAL"
        outside = any(self._is_outside_collar(leg, limits.price_collar) for leg in order.legs)
        return "PRICE_COLLAR" if outside else ACCEPTED

    def _is_outside_collar(self, leg: Leg, width: Fraction | None) -> bool:
        if width is None:
            return leg.price is None
        if leg.price is None:
            return False
        bound = collar_bound(self._instrument(leg), leg.side, width, self.book.market)
        return leg.price > bound if leg.side > 0 else leg.price < bound

    def _open_legs(self, asked: Asked, limits: Limits) -> tuple[OpenLeg, ...]:
        """The legs as they would be open, one for each that was asked."""
        legs = asked.order.legs
        ratios = [0] * len(legs)
        if asked.order.combo:
            ratios = unit_ratios([int(leg.quantity / self._instrument(leg).lot) for leg in legs])
        return tuple(
            OpenLeg(
                symbol=leg.symbol,
                side=leg.side,
                lots=lots,
                price=self._held_price(leg, limits),
                ratio=ratio,
            )
            for leg, lots, ratio in zip(legs, asked.cut_lots, ratios, strict=True)
        )

    def _held_price(self, leg: Leg, limits: Limits) -> Fraction:
        if leg.price is not None:
            return leg.price
        assert limits.price_collar is not None, "a market order without a collar was refused"
        return market_order_price(
            self._instrument(leg), leg.side, limits.price_collar, self.book.market
        )

    def _notional(self, leg: Leg | OpenLeg) -> int:
        """Notional in millionths of a USD. [DEC-02]"""
        instrument, market = self._instrument(leg), self.book.market
        lots = leg.lots if isinstance(leg, OpenLeg) else int(leg.quantity / instrument.lot)
        if instrument.is_future and instrument.inverse:
            return down(MICRO * lots * instrument.size)
        price = (
            market.mark[leg.symbol] if instrument.is_future else market.index[instrument.underlying]
        )
        return lots * down_star(MICRO * instrument.size * price)

    def _cash_is_short(self, account: Account, projected: Account) -> bool:
        """True when an asset that more is taken from would not cover all outflows. [DEC-03]"""
        promised, wanted = self._outflows(account), self._outflows(projected)
        return any(
            amount > promised[asset] and account.cash[asset] < amount
            for asset, amount in wanted.items()
        )

    def _outflows(self, account: Account) -> defaultdict[str, int]:
        outflows: defaultdict[str, int] = defaultdict(int)
        for order in account.orders.values():
            for asset, amount in self.book.outflows(order).items():
                outflows[asset] += amount
        return outflows

    def _reduces_risk(self, asked: Asked, legs: Sequence[OpenLeg], after: int) -> bool:
        """True when the order makes an under-margined account safer. [DEC-02]"""
        notional = sum(self._notional(leg) for leg in legs)
        return (
            not asked.grows()
            and after >= self.risk(asked.rest).headroom - down(ALLOWANCE * notional)
            and self._lowers_margin(asked.account, legs)
        )

    def _lowers_margin(self, account: Account, legs: Sequence[OpenLeg]) -> bool:
        """(a): positions alone, the order filled in full at its mark."""
        lots = {symbol: position.lots for symbol, position in account.positions.items()}
        coins = {name: self.book.coin_balance(account, name) for name in self.book.parameters}
        now = self.book.groups(lots, coins)
        for leg in legs:
            instrument = self._instrument(leg)
            if not instrument.is_spot:
                lots[leg.symbol] = lots.get(leg.symbol, 0) + leg.side * leg.lots
            coins[instrument.underlying] += leg.lots * self._coins_at_mark(instrument, leg.side)
        then = self.book.groups(lots, coins)
        parameters = self.book.parameters
        return _initial(then) < _initial(now) and maintenance(then, parameters) <= maintenance(
            now, parameters
        )

    def _coins_at_mark(self, instrument: Instrument, side: int) -> int:
        if instrument.is_spot:
            return delivered_coins(instrument, side)
        if instrument.is_option and instrument.inverse:
            return flow(instrument, side, self.book.market.mark[instrument.symbol])
        return 0


def _with_order(asked: Asked, legs: Sequence[OpenLeg]) -> Account:
    """The account with the order open, or with the change of it pending."""
    order = asked.order
    held = OpenOrder(
        order_id=order.order_id,
        combo=order.combo,
        legs=list(legs),
        reduce_only=order.reduce_only,
    )
    if asked.changes is not None:
        held = replace(asked.changes, amended=list(legs))
    orders = {**asked.rest.orders, order.order_id: held}
    return replace(asked.account, orders=orders)


def _initial(groups: dict[str, Group]) -> int:
    """Initial margin of positions alone. [SPAN-12]"""
    return sum(group.requirement() for group in groups.values())


def _is_too_large(leg: Leg, instrument: Instrument, limits: Limits) -> bool:
    in_usd = instrument.is_future and instrument.inverse
    largest = limits.max_order_quantity_usd if in_usd else limits.max_order_quantity
    return largest is not None and leg.quantity > largest
