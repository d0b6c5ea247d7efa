"""What is said about the margin state of an account."""

from margingate_server.ledger.event import Event
from margingate_server.ledger.numbers import RiskNumbers


class MarginStateChanged(Event, frozen=True, tag="margin_state_changed"):
    """Another margin state of the account is published; words of MarginState. docs/monitoring.md

    figures: margin of the positions alone that say so, and market_digest: of the market that they
    rest on; None and "" where the state is unknown. orders: ids of the resting orders that should
    be cancelled, of an account that came into a margin call or liquidation; they keep their holds.
    is_cut: whether there may be more of them. instruments: positions that are in such a state by
    their own margin, of an account whose positions have wallets.
    """

    previous: str
    state: str
    figures: RiskNumbers | None = None
    market_digest: str = ""
    orders: tuple[str, ...] = ()
    is_cut: bool = False
    instruments: tuple[str, ...] = ()
