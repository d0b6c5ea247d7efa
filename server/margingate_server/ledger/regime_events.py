"""What can happen to the regime of an account."""

from margingate_server.ledger.event import Event
from margingate_server.ledger.wallet_events import WalletNumbers


class RegimeSet(Event, frozen=True, tag="regime_set"):
    """The account is margined by `model` from here on, "" for the one of most accounts.

    market_digest: of the market that the change was judged by; "" when it was forced. wallets: of
    the positions under a model that has wallets, by name.
    """

    model: str
    reason: str = ""
    market_digest: str = ""
    wallets: tuple[WalletNumbers, ...] = ()


class RegimeFellBack(Event, frozen=True, tag="regime_fell_back"):
    """The account did not qualify to the end of its grace period: `model` margins it from here on.

    shortfall: what was missing to the initial margin of its positions, 1e-6 USD, >= 0.
    liquidation_not_before_ns: until then liquidation is suppressed. market_digest: of the market
    that says so. wallets: of the positions under a model that has wallets, by name.
    """

    model: str
    shortfall: int
    liquidation_not_before_ns: int
    market_digest: str
    wallets: tuple[WalletNumbers, ...] = ()


class QualificationLost(Event, frozen=True, tag="qualification_lost"):
    """The account's equity, 1e-6 USD, is too low to remain in its regime: grace begins."""

    equity: int
    market_digest: str


class QualificationRegained(Event, frozen=True, tag="qualification_regained"):
    """The account's equity, 1e-6 USD, is what entering its regime takes: grace ends."""

    equity: int
    market_digest: str


class ExperienceSet(Event, frozen=True, tag="experience_set"):
    """The account's owner has this tier of experience."""

    experience_tier: int
