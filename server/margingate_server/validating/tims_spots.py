"""Where the price of what a leg is on stands in a document of customer portfolio margin."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from margingate_server.validating.strategy_fields import as_number
from margingate_server.validating.tims_conventions import Unreadable, first_number, number

_SHARES = {
    *("stock", "stocks", "share", "shares", "equity", "underlying", "spot"),
    *("etf", "fund", "index_etf", "trust", "unit"),
}


def symbol_of(leg: Mapping[str, object]) -> str:
    """The symbol of a leg, empty without one."""
    return str(leg.get("symbol") or "")


def kind_of(leg: Mapping[str, object]) -> str:
    """The kind of a leg: `option`, `future`, or its own word; without one it is an option."""
    told = str(leg.get("kind") or "option").lower()
    for kind in ("option", "future"):
        if kind in told:
            return kind
    return "option" if told in {"call", "put"} else told


def is_shares(leg: Mapping[str, object]) -> bool:
    """Whether a leg is shares."""
    return kind_of(leg) in _SHARES


class Spots:
    """Where the price of what an option is on stands in a document."""

    def __init__(
        self,
        document: Mapping[str, object],
        case: Mapping[str, object],
        legs: Sequence[Mapping[str, object]],
    ) -> None:
        names = ("underlyings", "underlying", "underlying_price", "spot", "S")
        self._told = [table.get(name) for table in (case, document) for name in names]
        self._shares = {
            symbol_of(each): number(each["price"], "price")
            for each in legs
            if is_shares(each) and each.get("price") is not None
        }
        options = {symbol_of(each) for each in legs if not is_shares(each)}
        self._priced_by_case = options if len(options) == 1 else options - set(self._shares)

    def of(self, leg: Mapping[str, object], convention: Mapping[str, object]) -> float:
        """Price of what an option is on, USD; Unreadable when the document does not tell one.

        Of shares their current price, which what they were bought at need not be.
        """
        if is_shares(leg):
            found = self._of_leg(leg, symbol_of(leg))
            if found is None or found <= 0:
                raise Unreadable(f"no price of shares of {symbol_of(leg) or 'nothing'}")
            return float(found)
        symbol = symbol_of(leg)
        found = self._of_leg(leg, symbol) or first_number(
            convention, "underlying", "spot", "S", "index"
        )
        if found is None or found <= 0:
            raise Unreadable(f"no price of what options on {symbol or 'nothing'} are on")
        return float(found)

    def _of_leg(self, leg: Mapping[str, object], symbol: str) -> Decimal | None:
        own = leg.get("underlying")
        if isinstance(own, str):
            symbol = own
        elif own is not None:
            return number(own, "underlying")
        own_price = first_number(leg, "underlying_price", "spot", "S", "index")
        if own_price is not None:
            return own_price
        for told in self._told:
            if isinstance(told, Mapping) and told.get(symbol) is not None:
                return number(told[symbol], "underlying")
            is_bare = as_number(told) is not None
            # A bare number is of the one symbol that options of the case are on.
            if is_bare and self._priced_by_case == {symbol}:
                return number(told, "underlying")
        return self._shares.get(symbol)
