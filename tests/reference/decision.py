"""The decision: gates in their order of precedence, then cash, then margin."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tests.reference.account import Account
from tests.reference.book import Book
from tests.reference.contracts import Instrument, Limits
from tests.reference.fills import delivered_coins, flow
from tests.reference.margin import Group, Risk, maintenance
from tests.reference.orders import Leg, OpenLeg, Order
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

    def open_legs(self, account: Account) -> list[OpenLeg]:
        """Open legs of every order of an account."""
        return [leg for order in account.orders.values() for leg in order.legs if leg.lots]

    def risk(self, account: Account) -> Risk:
        """Margin of an account and its open orders. [SPAN-14]"""
        return self._risk(account, self.book.groups_of(account, self.open_legs(account)))

    def _risk(self, account: Account, groups: Mapping[str, Group]) -> Risk:
        return Risk(
            equity=self.book.equity(account),
            initial=-sum(group.worst() for group in groups.values()),
            maintenance=maintenance(groups, self.book.parameters),
        )

    def gross(self, account: Account, extra: Iterable[OpenLeg] = ()) -> int:
        """Sum of |lots| times the largest unweighted P&L, positions and open orders."""
        held = sum(
            abs(position.lots) * self.book.lot(symbol).gross
            for symbol, position in account.positions.items()
        )
        working = (*self.open_legs(account), *extra)
        return held + sum(leg.lots * self.book.lot(leg.symbol).gross for leg in working)

    def decide(
        self, account: Account, order: Order, limits: Limits, switches: Switches = Switches()
    ) -> Answer:
        """The answer to an order; changes nothing."""
        gate = self._static_gate(account, order, limits, switches)
        if not self._is_priced(account, order):
            reason = gate or "MARKET_DATA_MISSING"
            return Answer(reason=reason, before=None, after=None, is_exact=None)
        before = self.risk(account)
        gate = gate or self._price_gate(order, limits)
        if gate:
            return Answer(
                reason=gate, before=before, after=None, is_exact=None, gross=self.gross(account)
            )
        legs = tuple(self._open_leg(leg, limits) for leg in order.legs)
        groups = self.book.groups_of(account, [*self.open_legs(account), *legs])
        after = self._risk(account, groups)
        combos = [order.combo, *(o.combo for o in account.orders.values() if o.is_open)]
        reason, risk_reducing = self._reason(account, legs, before, after)
        if switches.reduce_only and not self._reduces_risk(account, legs, before, after):
            reason, risk_reducing = "KILL_SWITCH", False
        return Answer(
            reason=reason,
            before=before,
            after=after,
            is_exact=not any(combos) and all(group.is_exact() for group in groups.values()),
            risk_reducing=risk_reducing,
            gross=self.gross(account, legs),
            legs=legs,
        )

    def _reason(
        self, account: Account, legs: Sequence[OpenLeg], before: Risk, after: Risk
    ) -> tuple[str, bool]:
        if self._cash_is_short(account, legs):
            return "INSUFFICIENT_COLLATERAL_CURRENCY", False
        if after.headroom >= 0:
            return ACCEPTED, False
        if self._reduces_risk(account, legs, before, after):
            return ACCEPTED, True
        missing = before.headroom >= 0
        return ("INSUFFICIENT_INITIAL_MARGIN" if missing else "STILL_UNDERMARGINED"), False

    def _instrument(self, leg: Leg | OpenLeg) -> Instrument:
        return self.book.instruments[leg.symbol]

    def _static_gate(
        self, account: Account, order: Order, limits: Limits, switches: Switches
    ) -> str:
        """First failing rule that reads no price."""
        legs = [(leg, self._instrument(leg)) for leg in order.legs]
        rules = (
            ("REQUEST_EXPIRED", switches.expired),
            ("KILL_SWITCH", switches.killed),
            ("KILL_SWITCH", switches.reduce_only and not self._only_closes(account, order)),
            ("ACCOUNT_SUSPENDED", switches.suspended),
            ("INSTRUMENT_NOT_TRADABLE", any(not self._is_tradable(i) for _, i in legs)),
            ("OFF_TICK", any(not self._on_tick(leg, i) for leg, i in legs)),
            ("OFF_LOT", any(leg.quantity % i.lot != 0 for leg, i in legs)),
            ("DUPLICATE_ORDER_ID", order.order_id in account.known_order_ids),
            ("MAX_ORDER_QUANTITY", any(_is_too_large(leg, i, limits) for leg, i in legs)),
        )
        return next((reason for reason, fails in rules if fails), ACCEPTED)

    def _on_tick(self, leg: Leg, instrument: Instrument) -> bool:
        return leg.price is None or is_on_tick(instrument, leg.price)

    def _is_tradable(self, instrument: Instrument) -> bool:
        return not instrument.halted and not self.book.market.has_expired(instrument)

    def _is_priced(self, account: Account, order: Order) -> bool:
        working = [leg.symbol for leg in self.open_legs(account)]
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

    def _open_leg(self, leg: Leg, limits: Limits) -> OpenLeg:
        instrument = self._instrument(leg)
        price, width = leg.price, limits.price_collar
        if price is None:
            assert width is not None, "a market order without a collar was refused"
            price = market_order_price(instrument, leg.side, width, self.book.market)
        return OpenLeg(
            symbol=leg.symbol, side=leg.side, lots=int(leg.quantity / instrument.lot), price=price
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

    def _cash_is_short(self, account: Account, legs: Sequence[OpenLeg]) -> bool:
        """True when an asset the order takes from would not cover all outflows. [DEC-03]"""
        wanted = self._outflows(legs)
        promised = self._outflows(self.open_legs(account))
        return any(
            account.cash[asset] - promised[asset] - amount < 0 for asset, amount in wanted.items()
        )

    def _outflows(self, legs: Iterable[OpenLeg]) -> defaultdict[str, int]:
        outflows: defaultdict[str, int] = defaultdict(int)
        for leg in legs:
            if not self._instrument(leg).is_future:
                for asset, amount in self.book.leg_lot(leg).flows.items():
                    if amount < 0:
                        outflows[asset] -= leg.lots * amount
        return outflows

    def _reduces_risk(
        self, account: Account, legs: Sequence[OpenLeg], before: Risk, after: Risk
    ) -> bool:
        """True when the order makes an under-margined account safer. [DEC-02]"""
        notional = sum(self._notional(leg) for leg in legs)
        return (
            not self._grows(account, legs)
            and after.headroom >= before.headroom - down(ALLOWANCE * notional)
            and self._lowers_margin(account, legs)
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

    def _grows(self, account: Account, legs: Sequence[OpenLeg]) -> bool:
        """(c): a position with the open orders of one side could become larger."""
        ordered: defaultdict[tuple[str, int], int] = defaultdict(int)
        for leg in legs:
            ordered[leg.symbol, leg.side] += leg.lots
        working = self.open_legs(account)
        for (symbol, side), lots in ordered.items():
            same = sum(leg.lots for leg in working if (leg.symbol, leg.side) == (symbol, side))
            exposed = self._held(account, symbol) + side * same
            if abs(exposed + side * lots) > abs(exposed):
                return True
        return False

    def _only_closes(self, account: Account, order: Order) -> bool:
        """With the open orders of its side filled, no leg goes beyond zero. [DEC-08]"""
        asked: defaultdict[tuple[str, int], Fraction] = defaultdict(Fraction)
        for leg in order.legs:
            asked[leg.symbol, leg.side] += leg.quantity / self._instrument(leg).lot
        for open_leg in self.open_legs(account):
            if (open_leg.symbol, open_leg.side) in asked:
                asked[open_leg.symbol, open_leg.side] += open_leg.lots
        return all(
            self._held(account, symbol) * side < 0
            and (self._held(account, symbol) + side * lots) * side <= 0
            for (symbol, side), lots in asked.items()
        )

    def _held(self, account: Account, symbol: str) -> Fraction:
        """Lots held; of spot the cash in its coin."""
        instrument = self.book.instruments[symbol]
        if not instrument.is_spot:
            return Fraction(account.lots(symbol))
        cash = account.cash.get(instrument.underlying, 0)
        return Fraction(cash, delivered_coins(instrument, 1))


def _initial(groups: dict[str, Group]) -> int:
    """Initial margin of positions alone. [SPAN-12]"""
    return sum(group.requirement() for group in groups.values())


def _is_too_large(leg: Leg, instrument: Instrument, limits: Limits) -> bool:
    in_usd = instrument.is_future and instrument.inverse
    largest = limits.max_order_quantity_usd if in_usd else limits.max_order_quantity
    return largest is not None and leg.quantity > largest
