"""What the back office and the venue's operations ask of a server, as values. See requests.py."""

from dataclasses import dataclass
from typing import Any

from margingate_engine.core.amounts import units_per_whole, whole
from margingate_server.ledger.events import KillSwitchEngaged, KillSwitchReleased
from margingate_server.ledger.numbers import LimitNumbers
from margingate_server.service.accounts import StatedPosition
from margingate_server.service.desk import Desk
from margingate_server.service.settlement import ExpiryPrice, SettlementAnswer
from tests.simulation.requests import Request, price_of, quantity_of


@dataclass(frozen=True, kw_only=True)
class OpenAccount(Request):
    """A new account."""

    fee_tier: str

    def use(self, desk: Desk, now_ns: int) -> tuple[str, int]:
        """See Request."""
        state, seq = desk.accounts.create(
            self.account, self.fee_tier, self.request_id, self.digest, now_ns
        )
        return state.account, seq


@dataclass(frozen=True, kw_only=True)
class Adjust(Request):
    """A deposit or withdrawal of `units` (signed) of an asset."""

    asset: str
    units: int

    def use(self, desk: Desk, now_ns: int) -> tuple[int, int]:
        """See Request."""
        amount = whole(self.units, units_per_whole(self.asset))
        return desk.accounts.adjust_collateral(
            self.account, self.asset, amount, self.request_id, self.digest, now_ns
        )


@dataclass(frozen=True, kw_only=True)
class SetPositions(Request):
    """A statement: (instrument, signed lots, price in 1e-9 or None)."""

    stated: tuple[tuple[str, int, int | None], ...]

    def use(self, desk: Desk, now_ns: int) -> tuple[Any, int]:
        """See Request."""
        stated = [
            StatedPosition(
                instrument=name,
                quantity=quantity_of(name, lots),
                price=None if price_nano is None else price_of(price_nano),
            )
            for name, lots, price_nano in self.stated
        ]
        return desk.accounts.set_positions(
            self.account, stated, self.request_id, self.digest, now_ns
        )


@dataclass(frozen=True, kw_only=True)
class Suspend(Request):
    """Orders of the account are refused from here on, or no longer."""

    is_lifted: bool

    def use(self, desk: Desk, now_ns: int) -> tuple[bool, int]:
        """See Request."""
        if self.is_lifted:
            return desk.admin.resume(self.account, self.request_id, self.digest, now_ns)
        return desk.admin.suspend(self.account, "drill", self.request_id, self.digest, now_ns)


@dataclass(frozen=True, kw_only=True)
class Kill(Request):
    """A kill switch; mode "" lifts it."""

    scope: str
    subject: str
    mode: str

    def use(self, desk: Desk, now_ns: int) -> tuple[Any, int]:
        """See Request."""
        if not self.mode:
            lifted = KillSwitchReleased(
                request_id=self.request_id,
                request_digest=self.digest,
                scope=self.scope,
                subject=self.subject,
            )
            return desk.admin.release_kill_switch(lifted, now_ns)
        engaged = KillSwitchEngaged(
            request_id=self.request_id,
            request_digest=self.digest,
            scope=self.scope,
            subject=self.subject,
            mode=self.mode,
            reason="drill",
        )
        return desk.admin.engage_kill_switch(engaged, now_ns)


@dataclass(frozen=True, kw_only=True)
class SetLimits(Request):
    """Limits of `subject`, or of all accounts when it is empty."""

    subject: str
    collar_ppm: int | None
    notional_micro_max: int | None

    def use(self, desk: Desk, now_ns: int) -> tuple[LimitNumbers, int]:
        """See Request."""
        limits = LimitNumbers(
            collar_ppm=self.collar_ppm, notional_micro_max=self.notional_micro_max
        )
        return desk.admin.set_limits(self.subject, limits, self.request_id, self.digest, now_ns)


@dataclass(frozen=True, kw_only=True)
class Settle(Request):
    """The venue's settlement prices: (underlying, expiry, price in 1e-9 USD)."""

    prices: tuple[tuple[str, int, int], ...]

    def use(self, desk: Desk, now_ns: int) -> tuple[SettlementAnswer, int]:
        """See Request."""
        prices = [
            ExpiryPrice(underlying=coin, expiry_ns=expiry_ns, price_nano=price_nano)
            for coin, expiry_ns, price_nano in self.prices
        ]
        answer = desk.settling.settle(prices, now_ns)
        return answer, answer.seq
