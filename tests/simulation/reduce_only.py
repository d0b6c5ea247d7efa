"""What a venue leaves of a reduce-only order, counted from the books. [DEC-10]"""

from collections.abc import Collection, Iterable
from fractions import Fraction

from tests.reference.account import Account
from tests.reference.fills import delivered_coins
from tests.simulation.book_orders import BookLeg, BookOrder
from tests.simulation.contracts import CONTRACTS


def cut_lots(
    legs: Iterable[BookLeg], holdings: Account, others: Collection[BookOrder]
) -> list[int]:
    """Lots of each leg that close what the other open orders of its side leave to close."""
    return [
        max(0, min(leg.lots, int(_to_flat(leg.instrument, leg.side, holdings, others))))
        for leg in legs
    ]


def _to_flat(
    instrument: str, side: int, holdings: Account, others: Collection[BookOrder]
) -> Fraction:
    contract = CONTRACTS[instrument]
    held = Fraction(holdings.lots(instrument))
    if contract.is_spot:
        coins = holdings.cash.get(contract.underlying, 0)
        held = Fraction(coins, delivered_coins(contract, 1))
    return -side * held - sum(each.open_lots(instrument, side) for each in others)
