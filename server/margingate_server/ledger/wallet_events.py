"""What can happen to the margin that a position has to itself."""

import msgspec

from margingate_server.ledger.event import Event


class WalletNumbers(msgspec.Struct, frozen=True, array_like=True):
    """What the wallet of a position comes to, 1e-6 USD, signed."""

    instrument: str
    wallet: int


class MarginMoved(Event, frozen=True, tag="margin_moved"):
    """A position's wallet moved by `units`, 1e-6 USD, from the free wallet or (< 0) back to it.

    wallet: what it came to. market_digest: of the market that the move was judged by.
    """

    instrument: str
    units: int
    wallet: int
    market_digest: str
