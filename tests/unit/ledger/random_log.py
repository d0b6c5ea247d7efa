"""A log of random events that fit each other: every kind there is, in any mix, from a seed."""

from collections.abc import Callable, Mapping, Sequence
from random import Random

from margingate_engine.core.instruments import Instrument
from margingate_engine.monitoring.states import MarginState
from margingate_server.ledger import events as e
from margingate_server.ledger import monitoring_events as m
from margingate_server.ledger import numbers as n
from margingate_server.ledger import regime_events as r
from margingate_server.ledger import wallet_events as w
from margingate_server.ledger.collateral import AssetNumbers
from margingate_server.ledger.events import encode_event, kind_of
from margingate_server.ledger.fold import apply
from margingate_server.ledger.state import AccountState, ShardState
from margingate_server.ledger.store import EventDraft
from tests.unit.engine.small_market import INSTRUMENTS

START_NS = 1_700_000_000 * 10**9
DIGEST = "21c6d0e568b32f69b4b09b0a2f9a61b11f428bc48ca33b3882243efa7ab4991e"
TIERS = ("default", "charged")
FEES = tuple(
    n.FeeNumbers(tier, kind, 0, 500 * number, 125_000 if kind == "option" else None)
    for number, tier in enumerate(TIERS)
    for kind in ("future", "option", "perpetual", "spot")
)
EVERY_KIND: Mapping[str, int] = {
    "accepted": 30,
    "rejected": 10,
    "released": 8,
    "expired": 3,
    "filled": 25,
    "amended": 8,
    "amend_rejected": 2,
    "amend_answered": 8,
    "deposited": 4,
    "stated": 2,
    "suspended": 2,
    "regime": 4,
    "experienced": 1,
    "killed": 2,
    "limited": 2,
    "listed": 1,
    "priced": 1,
    "settled": 2,
    "loaded": 1,
    "margin_moved": 3,
    "margin_state": 3,
}
"""How often each kind is drawn, in relation to the others."""


class RandomLog:
    """Draws events that the fold can apply, and applies them to `state`."""

    def __init__(
        self,
        seed: int,
        *,
        accounts: int = 3,
        weights: Mapping[str, int] = EVERY_KIND,
        instruments: Sequence[Instrument] = INSTRUMENTS,
        market_digest: Callable[[int], str] = lambda version: f"{version:032x}",
    ) -> None:
        self.random = Random(seed)
        self.state = ShardState()
        self.drafts: list[EventDraft] = []
        self._kinds, self._weights = list(weights), list(weights.values())
        self._names = [each.name for each in instruments]
        self._expiring = [each.name for each in instruments if each.expiry_ns is not None]
        self._market_digest = market_digest
        self._numbers = 0
        self._time_ns = START_NS
        self._record(self._loaded())
        self._record(e.InstrumentsListed(instruments=tuple(instruments)))
        for number in range(accounts):
            tier = self.random.choice(TIERS)
            self._record(e.AccountOpened(account=f"desk-{number:04d}", fee_tier=tier))
        self._accounts = list(self.state.accounts.values())

    def draw(self, count: int) -> list[EventDraft]:
        """The next `count` events, after those before; the first ones make the accounts."""
        while len(self.drafts) < count:
            [kind] = self.random.choices(self._kinds, self._weights)
            event = getattr(self, f"_{kind}")()
            if event is not None:
                self._record(event)
        drafts, self.drafts = self.drafts[:count], self.drafts[count:]
        return drafts

    def _record(self, event: e.AnyEvent) -> None:
        state, market_version = self.state, self._market_version()
        self._time_ns += self.random.randrange(10**6)
        apply(state, event, state.last_seq + 1, self._time_ns)
        account = state.accounts.get(event.account)
        self.drafts.append(
            EventDraft(
                account=event.account,
                version=state.admin_version if account is None else account.version,
                request_id=event.request_id,
                kind=kind_of(event),
                body=encode_event(event),
                model="span",
                parameters_digest=DIGEST,
                market_version=market_version,
                recorded_ns=self._time_ns,
            )
        )

    def _market_version(self) -> int:
        """Prices change every 50 events."""
        return 1 + self.state.last_seq // 50

    def _id(self) -> str:
        self._numbers += 1
        return f"{self.random.getrandbits(96):024x}-{self._numbers}"

    def _request(self, account: AccountState | None) -> dict[str, str]:
        return {
            "account": "" if account is None else account.account,
            "request_id": self._id(),
            "request_digest": f"{self.random.getrandbits(96):024x}",
        }

    def _account(self) -> AccountState:
        return self.random.choice(self._accounts)

    def _order(self, order_id: str) -> n.OrderNumbers:
        random = self.random
        leg_count = random.choice((1, 1, 1, 1, 2, 4))
        is_combo = leg_count > 1 and random.random() < 0.5
        legs = tuple(
            n.LegNumbers(
                name,
                random.choice((1, -1)),
                random.randint(1, 50),
                random.randrange(1, 10**14),
                random.random() < 0.1,
                random.randint(1, 3) if is_combo else 0,
            )
            for name in random.sample(self._names, leg_count)
        )
        several = "atomic_combo" if is_combo else "independent_legs"
        return n.OrderNumbers(
            order_id=order_id,
            legs=legs,
            execution=several if leg_count > 1 else "single",
            is_reduce_only=random.random() < 0.1,
            hold_ns=random.choice((0, 0, 0, 60 * 10**9)),
        )

    def _decision(self, account: AccountState, order_id: str, reason: int) -> n.DecisionNumbers:
        random = self.random
        before = n.RiskNumbers(*(random.randrange(10**12) for _ in range(3)))
        after = n.RiskNumbers(*(random.randrange(10**12) for _ in range(3)))
        worst = (n.WorstNumbers("BTC", random.randrange(16), "price -3/3, vol up"),)
        return n.DecisionNumbers(
            reason=reason,
            detail="initial margin would exceed equity" if reason else "",
            before=before,
            after=after,
            is_exact=False,
            worst_before=worst,
            worst_after=worst,
            binding="scan_risk",
            market_version=self._market_version(),
            market_time_ns=self._time_ns - 1000,
            market_digest=self._market_digest(self._market_version()),
            account_version=account.version,
            model="span",
            parameters_digest=DIGEST,
            decision_ns=self._time_ns,
            order_id=order_id,
        )

    def _accepted(self) -> e.AnyEvent:
        account, order = self._account(), self._order(self._id())
        decision = self._decision(account, order.order_id, 0)
        return e.OrderAccepted(**self._request(account), order=order, decision=decision)

    def _rejected(self) -> e.AnyEvent:
        account, order = self._account(), self._order(self._id())
        decision = self._decision(account, order.order_id, 22)
        return e.OrderRejected(**self._request(account), order=order, decision=decision)

    def _open_order(self, account: AccountState) -> str | None:
        return self.random.choice(list(account.orders)) if account.orders else None

    def _released(self) -> e.AnyEvent | None:
        account = self._account()
        order_id = self._open_order(account)
        if order_id is None:
            return None
        ids = tuple(sorted(account.orders)) if self.random.random() < 0.05 else (order_id,)
        return e.OrdersReleased(**self._request(account), order_ids=ids)

    def _expired(self) -> e.AnyEvent | None:
        account, order_id = next(iter(self.state.expiring), ("", ""))
        return e.OrdersExpired(account=account, order_ids=(order_id,)) if account else None

    def _filled(self) -> e.AnyEvent:
        random, account = self.random, self._account()
        order_id = self._open_order(account) or self._id()
        legs = account.portfolio.legs.get(order_id)
        instruments = self.state.table.instruments
        if legs:
            leg = random.choice(legs)
            instrument, side = instruments[leg.row], int(leg.side)
            lots = random.choice((leg.lots, random.randint(1, leg.lots)))
        else:
            instrument = random.choice(instruments)
            side, lots = random.choice((1, -1)), random.randint(1, 50)
        return e.FillReported(
            **self._request(account),
            order_id=order_id,
            instrument=instrument.name,
            side=side,
            lots=lots,
            price_nano=random.randrange(1, 10**14),
            # Amounts are not bounded by 64 bits.
            flow=random.randrange(-(10**12), 10**12) * random.choice((1, 1, 1, 10**9)),
            fee=random.randrange(10**6),
            coins=side * lots * 10**11 if instrument.kind.value == "spot" else 0,
            flag="" if legs else "unknown_order",
        )

    def _amended(self) -> e.AnyEvent | None:
        account = self._account()
        order_id = self._open_order(account)
        if order_id is None or order_id in account.portfolio.amendments:
            return None
        memo = account.orders[order_id]
        legs = tuple(
            n.LegNumbers(name, side, self.random.randint(0, 50), self.random.randrange(1, 10**14))
            for name, side in memo.sides
        )
        return e.AmendAccepted(
            **self._request(account),
            order=n.OrderNumbers(order_id=order_id, legs=legs, execution=memo.execution),
            totals=tuple(leg.lots for leg in legs),
            decision=self._decision(account, order_id, 0),
        )

    def _amend_rejected(self) -> e.AnyEvent | None:
        amended = self._amended()
        if not isinstance(amended, e.AmendAccepted):
            return None
        account = self.state.accounts[amended.account]
        return e.AmendRejected(
            **self._request(account),
            order=amended.order,
            totals=amended.totals,
            decision=self._decision(account, amended.order.order_id, 22),
        )

    def _amend_answered(self) -> e.AnyEvent | None:
        account = self._account()
        for order_id in account.portfolio.amendments:
            answer = self.random.choice((e.AmendConfirmed, e.AmendWithdrawn))
            return answer(**self._request(account), order_id=order_id)
        return None

    def _deposited(self) -> e.AnyEvent:
        account, asset = self._account(), self.random.choice(("USD", "BTC", "SOL"))
        balance = account.portfolio.cash.get(asset, 0)
        units = self.random.choice((10**12, -(10**9), 10**20, -balance))
        return e.CollateralAdjusted(
            **self._request(account),
            asset=asset,
            units=units,
            balance=balance + units,
            market_digest="" if units >= 0 else self._market_digest(self._market_version()),
        )

    def _stated(self) -> e.AnyEvent:
        names = self.random.sample(self._names, 3)
        positions = tuple(n.PositionNumbers(name, 5, -(10**20)) for name in names)
        breaks = (n.BreakNumbers(names[0], 0, 5),)
        request = self._request(self._account())
        return e.PositionsSet(**request, positions=positions, breaks=breaks)

    def _margin_moved(self) -> e.AnyEvent | None:
        account = self._account()
        rows = sorted(account.portfolio.positions)
        if not rows:
            return None
        row = self.random.choice(rows)
        units = self.random.choice((10**9, 10**20))
        return w.MarginMoved(
            **self._request(account),
            instrument=self.state.table.instruments[row].name,
            units=units,
            wallet=account.portfolio.wallets.get(row, 0) + units,
            market_digest=self._market_digest(self._market_version()),
        )

    def _regime(self) -> e.AnyEvent:
        account = self._account()
        digest = self._market_digest(self._market_version())
        if account.unqualified_since_ns:
            if self.random.random() < 0.5:
                return r.QualificationRegained(
                    account=account.account, equity=10**11, market_digest=digest
                )
            return r.RegimeFellBack(
                account=account.account,
                model="cross",
                shortfall=self.random.randrange(10**12),
                liquidation_not_before_ns=self._time_ns + 1,
                market_digest=digest,
            )
        if self.random.random() < 0.5:
            return r.QualificationLost(
                account=account.account, equity=-(10**20), market_digest=digest
            )
        model = self.random.choice(("", "cross"))
        return r.RegimeSet(**self._request(account), model=model, market_digest=digest)

    def _experienced(self) -> e.AnyEvent:
        tier = self.random.randrange(10)
        return r.ExperienceSet(**self._request(self._account()), experience_tier=tier)

    def _margin_state(self) -> e.AnyEvent:
        account = self._account()
        words = [each.word for each in MarginState if each is not account.margin_state]
        word = self.random.choice(words)
        if word == MarginState.UNKNOWN.word:
            return m.MarginStateChanged(
                account=account.account, previous=account.margin_state.word, state=word
            )
        return m.MarginStateChanged(
            account=account.account,
            previous=account.margin_state.word,
            state=word,
            figures=n.RiskNumbers(self.random.randrange(-(10**12), 10**12), 2, 1),
            market_digest=self._market_digest(self._market_version()),
        )

    def _suspended(self) -> e.AnyEvent:
        account = self._account()
        if account.is_suspended:
            return e.AccountResumed(**self._request(account))
        return e.AccountSuspended(**self._request(account), reason="trial")

    def _killed(self) -> e.AnyEvent:
        scope, subject = self.random.choice((("all", ""), ("underlying", "BTC")))
        if (scope, subject) in self.state.kill_switches:
            return e.KillSwitchReleased(**self._request(None), scope=scope, subject=subject)
        return e.KillSwitchEngaged(
            **self._request(None), scope=scope, subject=subject, mode="reduce_only", reason="why"
        )

    def _limited(self) -> e.AnyEvent:
        # Of an account the event is the account's own.
        account = self._account() if self.random.random() < 0.7 else None
        limits = n.LimitNumbers(
            quantity_nano_max=self.random.choice((None, 10**9, 10**25)), collar_ppm=50_000
        )
        subject = "" if account is None else account.account
        return e.LimitsSet(**self._request(account), subject=subject, limits=limits)

    def _listed(self) -> e.AnyEvent:
        template = self.state.table.instruments[self.random.randrange(len(self._names))]
        terms = {name: getattr(template, name) for name in Instrument.__slots__}
        if self.random.random() < 0.5:
            terms["name"] = f"NEW-{len(self.state.table)}"
            self._names.append(terms["name"])
        else:
            terms["is_halted"] = not template.is_halted
        return e.InstrumentsListed(instruments=(Instrument(**terms),))

    def _priced(self) -> e.AnyEvent:
        name = self.random.choice(self._expiring)
        price = n.SettlementNumbers(name, self.random.randrange(10**14))
        return e.SettlementPriced(**self._request(None), prices=(price,))

    def _settled(self) -> e.AnyEvent | None:
        account = self._account()
        rows = sorted(account.portfolio.positions)
        if not rows:
            return None
        row = self.random.choice(rows)
        name = self.state.table.instruments[row].name
        settled = n.SettledNumbers(name, account.portfolio.positions[row].lots, -(10**19))
        return e.PositionsSettled(
            account=account.account, positions=(settled,), instruments=(name,)
        )

    def _loaded(self) -> e.AnyEvent:
        return e.ParametersLoaded(
            model="span",
            digest=f"{self.random.getrandbits(256):064x}",
            parameters=(("BTC", "price_scan_range", f"0.{self.random.randint(10, 30)}"),),
            fees=FEES,
            collateral=(AssetNumbers("USDC", 2, 1, 10**19, (10**9, 5)),),
            policy=n.PolicyNumbers(
                borrow_limits=(("BTC", 10**20),),
                qualifications=(n.QualificationNumbers(model="", kinds=("option",)),),
            ),
            others=(n.ModelNumbers("cross", "c", (("BTC", "rate", "0.1"),)),),
        )
