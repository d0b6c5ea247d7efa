"""What a portfolio takes when all of it is entered now, at its marks. [STR-20]"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.times import DAY_NS
from margingate_engine.models.strategy.account_book import book_of
from margingate_engine.models.strategy.entry import Account
from margingate_engine.models.strategy.legs import Book, SpotLeg
from margingate_engine.models.strategy.margin import entry_margin
from margingate_engine.models.strategy.parameters import StrategyParameters
from margingate_engine.models.strategy.pieces import SPOT_SYMBOL
from margingate_engine.models.strategy.terms import Phase
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.flows import SPOT_PICO_PER_NANO

LONG_TERM_NS = 276 * DAY_NS
"""No nine months are longer: what expires later is bought with more than nine months to go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deposit:
    """Of all underlyings together, 1e-6 USD.

    gross: premiums of longs included, >= 0, rounded up. applied_proceeds: premiums of shorts, >= 0,
    rounded down. is_exact: no way of cutting the books into strategies requires less.
    """

    gross: int
    applied_proceeds: int
    is_exact: bool

    @property
    def due(self) -> int:
        """What is due beyond the premiums received; below zero where they are more."""
        return self.gross - self.applied_proceeds


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOffered:
    """The kind of account may not hold `subject`, an instrument or the coins of an underlying."""

    subject: str


def entry_deposit(
    account: AccountRisk, parameters: Mapping[str, StrategyParameters], kind: Account
) -> Deposit | NotOffered:
    """Of positions and coins under arrays of the model `strategy`, open orders left out. [STR-20]

    kind: of the account that would enter them.
    """
    margins = []
    for name, book in _entered(account):
        try:
            margins.append(entry_margin(book, parameters[name], Phase.INITIAL, kind))
        except InvalidInput as refused:
            return NotOffered(subject=name if refused.field == SPOT_SYMBOL else refused.field)
    return Deposit(
        gross=sum(each.gross.requirement_micro for each in margins),
        applied_proceeds=sum(each.applied_proceeds_micro for each in margins),
        is_exact=all(each.gross.is_exact for each in margins),
    )


def _entered(account: AccountRisk) -> Iterator[tuple[str, Book]]:
    """Underlyings that the model has parameters for, each with its book as it is entered now."""
    long_term_ns = account.arrays.snapshot.market_time_ns + LONG_TERM_NS
    for number, totals in sorted(account.groups.items()):
        if totals.is_empty or number in account.arrays.collateral_only:
            continue
        held = book_of(totals, ())
        options = tuple(
            replace(leg, is_long_term=leg.expiry_ns > long_term_ns) for leg in held.options
        )
        coins_nano = totals.coin_pico // SPOT_PICO_PER_NANO
        spot = SpotLeg(quantity_nano=coins_nano, price_nano=held.underlying_nano)
        yield (
            totals.group.underlying,
            replace(held, options=options, spot=(spot,) if coins_nano else ()),
        )
