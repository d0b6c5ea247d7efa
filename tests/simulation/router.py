"""A router: sends orders, is told by the venue what becomes of them, loses answers, asks again."""

from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from margingate_engine.core.instruments import InstrumentKind
from margingate_engine.core.reasons import RejectReason
from margingate_server.service.decisions import CheckAnswer
from tests.simulation.drawing import Drawing, OrderName
from tests.simulation.requests import (
    Amend,
    Batch,
    Check,
    Fill,
    GetDecision,
    Key,
    LegAsked,
    ListOrders,
    Release,
    ReleaseAll,
    Request,
    VenueSays,
)


@dataclass(slots=True)
class Working:
    """An order at the venue. asked: its legs with their totals. open_lots: of each of them.

    change: what it was asked to become and the server accepted, until the venue answers.
    """

    asked: tuple[LegAsked, ...]
    open_lots: list[int]
    change: Amend | None = None

    def filled(self, number: int, lots: int) -> None:
        """A leg traded."""
        self.open_lots[number] -= min(lots, self.open_lots[number])

    def changed(self) -> None:
        """The venue took the change."""
        assert self.change is not None
        filled = [leg.lots - left for leg, left in zip(self.asked, self.open_lots, strict=True)]
        self.asked, self.change = self.change.legs, None
        self.open_lots = [
            max(0, leg.lots - done) for leg, done in zip(self.asked, filled, strict=True)
        ]


@dataclass(slots=True)
class Router:
    """unanswered: sent, no reply yet. journal: every reply.

    working: what is at the venue. closed: what is not any more. placed, venue_told: orders and
    changes that went there.
    """

    name: str
    accounts: tuple[str, ...]
    draw: Drawing
    unanswered: dict[Key, Request] = field(default_factory=dict)
    journal: list[tuple[Request, Any]] = field(default_factory=list)
    working: dict[OrderName, Working] = field(default_factory=dict)
    closed: list[OrderName] = field(default_factory=list)
    placed: set[OrderName] = field(default_factory=set)
    venue_told: set[str] = field(default_factory=set)

    @property
    def random(self) -> Random:
        """Where its choices come from."""
        return self.draw.random

    def next_request(self) -> Request:
        """What the router sends now."""
        choices = (
            (self._check, 30),
            (self._batch, 4),
            (self._fill, 20),
            (self._release, 12),
            (self._release_all, 1),
            (self._again, 14),
            (self._repeat, 5),
            (self._conflict, 2),
            (self._look_up, 4),
            (self._list, 3),
            (self._odd_fill, 3),
            (self._odd_release, 2),
            (self._closing_check, 8),
            (self._amend, 12),
            (self._venue_says, 14),
            (self._odd_venue, 1),
        )
        names, weights = zip(*choices, strict=True)
        request: Request | None = None
        while request is None:
            request = self.random.choices(names, weights)[0]()
        return request

    def sent(self, request: Request) -> None:
        """Whatever was sent is unanswered until it is answered."""
        self.unanswered[request.key] = request

    def answered(self, request: Request, answer: Any) -> None:
        """A reply came; what is accepted goes to the venue."""
        self.unanswered.pop(request.key, None)
        self.journal.append((request, answer))
        if isinstance(request, Batch):
            for each, its in zip(request.checks, answer, strict=True):
                self._decided(each, its)
        elif isinstance(request, Check):
            self._decided(request, answer)
        elif isinstance(request, Amend):
            self._change_decided(request, answer)

    def refused(self, request: Request) -> None:
        """The server will not do it, whatever happens."""
        self.unanswered.pop(request.key, None)

    def _decided(self, check: Check, answer: CheckAnswer) -> None:
        name = (check.account, check.order_id)
        is_accepted = answer.decision.reason == RejectReason.NONE
        if is_accepted and name not in self.placed:
            self.placed.add(name)
            lots = [leg.lots for leg in answer.order.legs]  # of a reduce-only order fewer
            legs = tuple(
                replace(leg, lots=left) for leg, left in zip(check.legs, lots, strict=True)
            )
            self.working[name] = Working(asked=legs, open_lots=lots)

    def _change_decided(self, amend: Amend, answer: CheckAnswer) -> None:
        order = self.working.get((amend.account, amend.order_id))
        is_new = order is not None and amend.request_id not in self.venue_told
        if order is not None and is_new and answer.decision.reason == RejectReason.NONE:
            self.venue_told.add(amend.request_id)
            order.change = amend

    def _account(self) -> str:
        return self.random.choice(self.accounts)

    def _check(self) -> Check:
        """A new order; now and then under an id that was used."""
        check = self.draw.check(self._account())
        if self.closed and self.random.random() < 0.02:
            return replace(check, order_id=self.random.choice(self.closed)[1])
        return check

    def _closing_check(self) -> Check | None:
        return self.draw.closing_check(self._account())

    def _amend(self) -> Amend | None:
        """An order of which something is open is to become larger, smaller, dearer or cheaper."""
        names = [name for name, order in self.working.items() if order.change is None]
        if not names:
            return None
        name = self.random.choice(names)
        legs = tuple(
            replace(
                leg,
                lots=max(1, round(leg.lots * self.random.choice((0.3, 1, 1, 1.5, 3)))),
                price_nano=self.draw.price(leg) if self.random.random() < 0.7 else leg.price_nano,
            )
            for leg in self.working[name].asked
        )
        return Amend(
            account=name[0],
            request_id=self.draw.ids.fresh("a"),
            order_id=name[1],
            legs=legs,
            sent_ns=self.draw.clock.true_ns(),
        )

    def _venue_says(self) -> VenueSays | None:
        """The venue's answer to a change, passed on."""
        names = [name for name, order in self.working.items() if order.change is not None]
        if not names:
            return None
        name = self.random.choice(names)
        order, is_confirmed = self.working[name], self.random.random() < 0.6
        if is_confirmed:
            order.changed()
            if not any(order.open_lots):
                self._forget(name)
        else:
            order.change = None
        return self._verdict(name, is_confirmed=is_confirmed)

    def _odd_venue(self) -> VenueSays:
        """An answer to a change that nobody asked for."""
        names = [*self.working, *self.closed, (self._account(), self.draw.ids.fresh("u"))]
        return self._verdict(self.random.choice(names), is_confirmed=self.random.random() < 0.5)

    def _verdict(self, name: OrderName, *, is_confirmed: bool) -> VenueSays:
        return VenueSays(
            account=name[0],
            request_id=self.draw.ids.fresh("v"),
            order_id=name[1],
            is_confirmed=is_confirmed,
        )

    def _batch(self) -> Batch:
        account = self._account()
        checks = tuple(self.draw.check(account) for _ in range(self.random.randint(2, 4)))
        return Batch(account=account, request_id=self.draw.ids.fresh("batch"), checks=checks)

    def _fill(self) -> Fill | None:
        """Part or all of a working leg, at its limit or better, as the venue reports it once."""
        if not self.working:
            return None
        name = self.random.choice(list(self.working))
        order = self.working[name]
        number = self.random.choice([n for n, lots in enumerate(order.open_lots) if lots])
        leg, open_lots = order.asked[number], order.open_lots[number]
        lots = open_lots if self.random.random() < 0.4 else self.random.randint(1, open_lots)
        if self.random.random() < 0.04:
            lots += self.random.randint(1, 5)
        order.filled(number, lots)
        if not any(order.open_lots):
            self._forget(name)
        limit_nano = leg.price_nano or self.draw.price(leg)
        return self.draw.fill(name, replace(leg, lots=lots), limit_nano)

    def _forget(self, name: OrderName) -> None:
        del self.working[name]
        self.closed.append(name)

    def _release(self) -> Release | None:
        """The venue says that an order is gone."""
        if not self.working:
            return None
        name = self.random.choice(list(self.working))
        self._forget(name)
        return Release(account=name[0], request_id=self.draw.ids.fresh("r"), order_id=name[1])

    def _release_all(self) -> ReleaseAll:
        account = self._account()
        for name in [each for each in self.working if each[0] == account]:
            self._forget(name)
        return ReleaseAll(account=account, request_id=self.draw.ids.fresh("r"))

    def _again(self) -> Request | None:
        """What was not answered, once more; an order with the clock of now."""
        if not self.unanswered:
            return None
        request = self.random.choice(list(self.unanswered.values()))
        if isinstance(request, Check | Amend):
            return replace(request, sent_ns=self.draw.clock.true_ns())
        return request

    def _repeat(self) -> Request | None:
        """What was answered, once more, as a router does that lost its memory."""
        return self.random.choice(self.journal)[0] if self.journal else None

    def _conflict(self) -> Request | None:
        """An id that was answered, with another body."""
        known = [each for each, _ in self.journal if isinstance(each, Check | Fill | Release)]
        if not known:
            return None
        request = self.random.choice(known)
        if isinstance(request, Release):
            return replace(request, order_id=self.draw.ids.fresh("o"))
        if isinstance(request, Fill):
            return replace(request, lots=request.lots + 1)
        return replace(request, order_id=self.draw.ids.fresh("o"))

    def _look_up(self) -> GetDecision | None:
        checks = [each for each in self.unanswered.values() if isinstance(each, Check)]
        checks += [each for each, _ in self.journal[-10:] if isinstance(each, Check)]
        if not checks:
            return None
        check = self.random.choice(checks)
        return GetDecision(account=check.account, request_id=check.request_id)

    def _list(self) -> ListOrders:
        return ListOrders(account=self._account(), request_id="")

    def _odd_fill(self) -> Fill:
        """A fill after the release, or of an order that nobody knows."""
        account = self._account()
        name = (account, self.draw.ids.fresh("u"))
        if self.closed and self.random.random() < 0.7:
            name = self.random.choice(self.closed)
        instrument = self.random.choice(
            [
                each.name
                for each in self.draw.exchange.listed
                if each.kind is not InstrumentKind.SPOT
            ]
        )
        leg = self.draw.leg(instrument)
        few = replace(leg, lots=max(1, leg.lots // 10))
        return self.draw.fill(name, few, self.draw.price(leg))

    def _odd_release(self) -> Release | None:
        """A release of what is closed, under a new id, or of what nobody knows."""
        name = (self._account(), self.draw.ids.fresh("u"))
        if self.closed and self.random.random() < 0.7:
            name = self.random.choice(self.closed)
        return Release(account=name[0], request_id=self.draw.ids.fresh("r"), order_id=name[1])
