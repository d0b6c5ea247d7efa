"""The back office: opens accounts, moves collateral, states positions, suspends, kills, limits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from margingate_engine.core.amounts import USD, units_per_whole
from tests.reference.account import Account
from tests.simulation.exchange import Exchange
from tests.simulation.ids import Ids
from tests.simulation.instruments import BY_NAME
from tests.simulation.office_requests import (
    Adjust,
    Kill,
    OpenAccount,
    SetLimits,
    SetPositions,
    Settle,
    Suspend,
)
from tests.simulation.requests import Request


@dataclass(slots=True)
class Office:
    """booked: what an account should hold. to_undo: lifts what was engaged, sooner or later."""

    accounts: tuple[str, ...]
    random: Random
    exchange: Exchange
    ids: Ids
    booked: Callable[[str], Account | None]
    to_undo: list[Request] = field(default_factory=list)

    def opening(self) -> list[Request]:
        """What a world starts with: accounts, rich and poor, and a collar."""
        requests: list[Request] = []
        for number, account in enumerate(self.accounts):
            tier = "charged" if number % 2 else "free"
            requests.append(
                OpenAccount(account=account, request_id=self.ids.fresh("b"), fee_tier=tier)
            )
            wealth = self.random.choice((0.03, 0.15, 0.6))
            for asset, most in ((USD, 1_500_000), ("BTC", 8), ("ETH", 100)):
                if asset == USD or self.random.random() < 0.6:
                    requests.append(self._adjust(account, asset, wealth * most))
        requests.append(self._limits("", 300_000))
        return requests

    def next_request(self) -> Request:
        """What the office does now."""
        if self.to_undo and self.random.random() < 0.5:
            return self.to_undo.pop(0)
        account = self.random.choice(self.accounts)
        choices: tuple[tuple[Callable[[str], Request], int], ...] = (
            (self._cash, 8),
            (self._statement, 3),
            (self._stop, 2),
            (self._new_limits, 2),
            (self._settlement, 3),
        )
        makers = [maker for maker, _ in choices]
        weights = [weight for _, weight in choices]
        return self.random.choices(makers, weights)[0](account)

    def _adjust(self, account: str, asset: str, whole: float) -> Adjust:
        units = round(whole * units_per_whole(asset))
        return Adjust(account=account, request_id=self.ids.fresh("b"), asset=asset, units=units)

    def _cash(self, account: str) -> Adjust:
        asset, most = self.random.choice(((USD, 300_000), (USD, 300_000), ("BTC", 2), ("ETH", 30)))
        return self._adjust(account, asset, self.random.uniform(-1, 1) * most)

    def _statement(self, account: str) -> SetPositions:
        """The venue's statement: mostly what is booked, now and then something else."""
        booked = self.booked(account)
        held = {} if booked is None else {name: p.lots for name, p in booked.positions.items()}
        for name in list(held):
            roll = self.random.random()
            if roll < 0.15:
                held[name] += self.random.choice((-3, -1, 1, 2))
            elif roll < 0.2:
                del held[name]
        if self.random.random() < 0.3:
            futures = [name for name in self.exchange.traded() if BY_NAME[name].is_future]
            held[self.random.choice(futures)] = self.random.choice((-500, -5, 4, 20, 1_000))
        stated = tuple((name, lots, self._entry(name)) for name, lots in held.items())
        return SetPositions(account=account, request_id=self.ids.fresh("b"), stated=stated)

    def _entry(self, name: str) -> int | None:
        is_given = BY_NAME[name].is_future and self.random.random() < 0.5
        return self.exchange.limit_nano(name) if is_given else None

    def _stop(self, account: str) -> Request:
        """A suspension or a kill switch, which is lifted again later."""
        first, second = self.ids.fresh("b"), self.ids.fresh("b")
        if self.random.random() < 0.4:
            self.to_undo.append(Suspend(account=account, request_id=second, is_lifted=True))
            return Suspend(account=account, request_id=first, is_lifted=False)
        scope, subject = self.random.choice(
            (("all", ""), ("account", account), ("underlying", "BTC"), ("underlying", "ETH"))
        )
        mode = self.random.choice(("block_all", "reduce_only", "reduce_only"))
        undo = Kill(account="", request_id=second, scope=scope, subject=subject, mode="")
        self.to_undo.append(undo)
        return Kill(account="", request_id=first, scope=scope, subject=subject, mode=mode)

    def _settlement(self, account: str) -> Request:
        """Prices of some of what has expired; cash when nothing has."""
        expired = self.exchange.expired()
        if not expired:
            return self._cash(account)
        some = self.random.sample(expired, self.random.randint(1, len(expired)))
        prices = tuple((coin, ns, self.exchange.settlement_nano(coin, ns)) for coin, ns in some)
        return Settle(account="", request_id="", prices=prices)

    def _new_limits(self, account: str) -> SetLimits:
        subject = self.random.choice(("", account))
        return self._limits(subject, self.random.choice((None, 100_000, 300_000)))

    def _limits(self, subject: str, collar_ppm: int | None) -> SetLimits:
        return SetLimits(
            account="",
            request_id=self.ids.fresh("b"),
            subject=subject,
            collar_ppm=collar_ppm,
            notional_micro_max=self.random.choice((None, None, 400_000 * 10**6)),
        )
