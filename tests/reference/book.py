"""The frozen world of an oracle: contracts in a market, with everything per lot remembered."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from fractions import Fraction

from tests.reference.account import Account
from tests.reference.coins import CoinValuer
from tests.reference.contracts import USD, Instrument, Kind, Market, Parameters, Rate
from tests.reference.fills import largest_fee
from tests.reference.legs import SPOT_BUCKET, LegLot, leg_lot
from tests.reference.lots import Lot, make_lot
from tests.reference.margin import Group, Part, Working
from tests.reference.orders import Filler, OpenLeg, OpenOrder, fillers


class Book:
    """Values accounts in one market. Lots are computed once, because the market stands still.

    lots: those that another book of the same market has computed already.
    """

    def __init__(
        self,
        instruments: Mapping[str, Instrument],
        market: Market,
        parameters: Mapping[str, Parameters],
        fees: Mapping[Kind, Rate],
        lots: Mapping[str, Lot] | None = None,
    ) -> None:
        self.instruments = instruments
        self.market = market
        self.parameters = {name: each for name, each in parameters.items() if name in market.index}
        self.fees = fees
        self._lots: dict[str, Lot] = dict(lots or {})
        self._leg_lots: dict[tuple[str, int, Fraction], LegLot] = {}
        self._valuers = {
            name: CoinValuer.of(market, name, model) for name, model in self.parameters.items()
        }

    def lot(self, symbol: str) -> Lot:
        """Everything one lot of an instrument contributes."""
        if symbol not in self._lots:
            instrument = self.instruments[symbol]
            model = self.parameters[instrument.underlying]
            self._lots[symbol] = make_lot(instrument, self.market, model)
        return self._lots[symbol]

    def leg_lot(self, leg: OpenLeg) -> LegLot:
        """Everything one open lot of a leg may do."""
        key = (leg.symbol, leg.side, leg.price)
        if key not in self._leg_lots:
            instrument = self.instruments[leg.symbol]
            self._leg_lots[key] = leg_lot(
                instrument,
                self.lot(leg.symbol),
                leg.side,
                leg.price,
                self.largest_fee(leg.symbol, 1, leg.price),
                self._valuers[instrument.underlying],
            )
        return self._leg_lots[key]

    def largest_fee(self, symbol: str, lots: int, price: Fraction) -> int:
        """The fee of a fill at the larger rate; of one lot it is what is held. [FEE-01]"""
        return largest_fee(self.instruments[symbol], lots, price, self.market, self.fees)

    def coin_balance(self, account: Account, underlying: str) -> int:
        """Cash, entries and inverse futures at the mark, in 1e-12 coins. [SPAN-08]"""
        balance = account.cash[underlying]
        for symbol, position in account.positions.items():
            instrument = self.instruments[symbol]
            if instrument.underlying == underlying and instrument.inverse:
                side = 1 if position.lots > 0 else -1
                balance += position.entry + abs(position.lots) * self.lot(symbol).coin(side)
        return balance

    def equity(self, account: Account) -> int:
        """What the account is worth, in millionths of a USD. [SPAN-08]"""
        total = account.cash[USD]
        for symbol, position in account.positions.items():
            side = 1 if position.lots > 0 else -1
            total += abs(position.lots) * self.lot(symbol).usd(side)
            if not self.instruments[symbol].inverse:
                total += position.entry
        worths = (
            self._valuers[name].worth(self.coin_balance(account, name)) for name in self._valuers
        )
        return total + sum(worths)

    def groups(self, lots: Mapping[str, int], coins: Mapping[str, int]) -> dict[str, Group]:
        """Groups of positions (signed lots) and coin balances, no orders."""
        groups = {name: Group() for name in self._valuers}
        for symbol, count in lots.items():
            instrument = self.instruments[symbol]
            groups[instrument.underlying].add_position(
                symbol, count, self.lot(symbol), instrument.bucket, SPOT_BUCKET
            )
        for name, balance in coins.items():
            valuer = self._valuers[name]
            groups[name].add_coins(valuer.row(balance), valuer.charge(balance), SPOT_BUCKET)
        return groups

    def groups_of(self, account: Account, orders: Iterable[OpenOrder] = ()) -> dict[str, Group]:
        """Groups of an account with these orders open."""
        coins = {name: self.coin_balance(account, name) for name in self._valuers}
        lots = {symbol: position.lots for symbol, position in account.positions.items()}
        groups = self.groups(lots, coins)
        for order in orders:
            for filler in fillers(order):
                for name, working in self._working(filler).items():
                    groups[name].working.append(working)
                    for part in working.parts:
                        groups[name].minimums[part.symbol] = self.lot(part.symbol).minimum
        return groups

    def _working(self, filler: Filler) -> dict[str, Working]:
        """What may fill, in every group it has legs in. [SPAN-16]"""
        symbols = {leg.symbol for choice in filler.choices for _, leg in choice}
        names = sorted({self.instruments[symbol].underlying for symbol in symbols})
        return {
            name: Working(
                units=filler.units,
                choices=tuple(
                    tuple(
                        Part(symbol=leg.symbol, side=leg.side, ratio=ratio, lot=self.leg_lot(leg))
                        for ratio, leg in choice
                        if self.instruments[leg.symbol].underlying == name
                    )
                    for choice in filler.choices
                ),
                combo=filler.combo,
                whole=len(names) == 1,
            )
            for name in names
        }

    def outflows(self, order: OpenOrder) -> dict[str, int]:
        """What fills of an order may take from each asset. [DEC-03]

        Futures are settled through their entry. A combo's unit is netted over its legs.
        """
        taken: defaultdict[str, int] = defaultdict(int)
        for filler in fillers(order):
            choices = [self._cash(choice) for choice in filler.choices]
            for asset in {asset for cash in choices for asset in cash}:
                taken[asset] += filler.units * max(max(0, -cash[asset]) for cash in choices)
        return {asset: amount for asset, amount in taken.items() if amount}

    def _cash(self, choice: Iterable[tuple[int, OpenLeg]]) -> defaultdict[str, int]:
        """What a unit moves of each asset, signed."""
        cash: defaultdict[str, int] = defaultdict(int)
        for ratio, leg in choice:
            if not self.instruments[leg.symbol].is_future:
                for asset, amount in self.leg_lot(leg).flows.items():
                    cash[asset] += ratio * amount
        return cash
