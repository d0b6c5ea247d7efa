"""One seeded world: a server, its disk, its clock, its market, and everybody who calls it."""

from dataclasses import dataclass
from random import Random

from margingate_engine.core.errors import InvalidInput
from margingate_server.ledger.store import StoreFailure
from margingate_server.rpc.lane import LedgerDown
from margingate_server.service.refusals import RequestConflict, ServiceRefusal
from tests.simulation.disk import Crashed, Disks, Fate
from tests.simulation.drawing import Drawing
from tests.simulation.exchange import Exchange
from tests.simulation.feed import Feed
from tests.simulation.ids import Ids
from tests.simulation.judge import Judge
from tests.simulation.office import Office
from tests.simulation.requests import Request
from tests.simulation.router import Router
from tests.simulation.script import Script
from tests.simulation.server import Server, Waiting
from tests.simulation.simulated_clock import SECOND_NS, SimulatedClock
from tests.simulation.violation import Violation
from tests.simulation.words import Words

ACCOUNTS = ("ann", "bob", "cy")
ROUTERS = {"east": ("ann", "bob"), "west": ("bob", "cy"), "desk": ("cy",)}
WAITING_MAX = 6
OFFICE = "office"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who waits for an answer; a router, or the back office."""

    name: str
    waiting: Waiting


class World:
    """A world at a step. server: the process of now. script: what happened."""

    server: Server

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.clock = SimulatedClock()
        self.script = Script(self.clock)
        self.disks = Disks()
        self.exchange = Exchange(self.random, self.clock)
        self.judge = Judge(self.random, self.disks, self.exchange, self.clock)
        log = self.disks.log
        log.kept, log.beside = self.judge.kept, self._meanwhile
        ids = Ids()
        self.office = Office(ACCOUNTS, self.random, self.exchange, ids, self.judge.booked)
        draw = Drawing(self.random, self.exchange, self.clock, ids, self.judge.booked)
        self.routers = {name: Router(name, accounts, draw) for name, accounts in ROUTERS.items()}
        self.feed = Feed(self.random, self.exchange, self.clock, self.script, self.judge)
        self.waiting: list[Caller] = []
        self._is_beside = False

    def open(self) -> None:
        """A process, accounts, instruments and prices, before anything can go wrong."""
        self.server = self._started()
        self.feed.list_all(self.server)
        self.feed.publish_all(self.server)
        for request in self.office.opening():
            self._ask(OFFICE, request)
            self._finish(len(self.waiting) - 1, is_lost=False)

    def run(self, steps: int) -> None:
        """So many steps, then rest: everything is asked again until it is answered."""
        self.open()
        for _ in range(steps):
            self.script.step += 1
            self._one_step()
        self._come_to_rest()

    def _one_step(self) -> None:
        self.clock.pass_time(self.random.randint(1, 200) * 1_000_000)
        actions = (
            (self._route, 60),
            (self._commit, 22),
            (lambda: self.feed.publish(self.server), 8),
            (self._tell_time, 2),
            (self._expire, 6),
            (self._administer, 5),
            (self._break_disk, 1.3),
            (self._snapshot, 0.5),
            (self._crash, 0.5),
            (lambda: self.feed.list_one(self.server), 0.5),
        )
        if self.server.lane.is_down and self.random.random() < 0.3:
            self._act(self._recover)
        elif len(self.waiting) > WAITING_MAX:
            self._act(self._commit)
        else:
            names, weights = zip(*actions, strict=True)
            self._act(self.random.choices(names, weights)[0])

    def _act(self, action: object) -> None:
        try:
            action()  # type: ignore[operator]
        except Crashed:
            self._restart()

    # -- callers

    def _route(self) -> None:
        name = self.random.choice(list(self.routers))
        router = self.routers[name]
        request = router.next_request()
        if request.key[2]:
            router.sent(request)
        if self.random.random() < 0.02:
            self.script.say("{} sends {}: lost on the way", name, Words(request))
            return
        self._ask(name, request)

    def _administer(self) -> None:
        self._ask(OFFICE, self.office.next_request())

    def _ask(self, name: str, request: Request) -> None:
        """Decide; the answer waits for its commit."""
        self.judge.sending(request, self.server.desk)
        try:
            waiting = self.server.decide(request)
        except (ServiceRefusal, InvalidInput) as refusal:
            self._refused(name, request, refusal)
        except LedgerDown:
            self.script.say("{} sends {}: the ledger is down", name, Words(request))
            self.script.count("down")
        else:
            self.script.say("{} sends {}: {}", name, Words(request), Words(waiting.answer))
            self.script.count(type(request).__name__)
            if self.server.lane.is_down:  # of the desk that is shown meanwhile: answered at once
                self.script.count("read while down")
                self.judge.replied(request, waiting.answer)
            else:
                self.waiting.append(Caller(name, waiting))

    def _refused(self, name: str, request: Request, refusal: Exception) -> None:
        self.script.say("{} sends {}: {!r}", name, Words(request), refusal)
        self.script.count(type(refusal).__name__)
        if isinstance(refusal, RequestConflict):
            self.judge.conflicted(request)
        if name in self.routers:
            self.routers[name].refused(request)

    def _commit(self) -> None:
        if self.waiting:
            number = self.random.randrange(len(self.waiting))
            self._finish(number, is_lost=self.random.random() < 0.1)

    def _finish(self, number: int, *, is_lost: bool) -> None:
        """One caller waits for its commit, leads it if it must, and is answered."""
        caller = self.waiting.pop(number)
        request, answer = caller.waiting.request, caller.waiting.answer
        try:
            self.server.finish(caller.waiting)
        except LedgerDown:
            self.script.say(
                "{} is not answered {}: the ledger is down", caller.name, request.request_id
            )
            self.script.count("void")
            return
        self.judge.replied(request, answer)
        self.script.say(
            "{} is answered {}{}", caller.name, request.request_id, " (lost)" if is_lost else ""
        )
        if not is_lost and caller.name in self.routers:
            self.routers[caller.name].answered(request, answer)

    def _meanwhile(self) -> None:
        """While somebody commits or prices are worked out, others are decided.

        But for what is worked out under the lane's lock, as when a recovery takes prices over.
        """
        if self._is_beside or self.server.is_deciding:
            return
        self._is_beside = True
        try:
            while self.random.random() < 0.3:
                self._route()
        finally:
            self._is_beside = False

    # -- the clock

    def _tell_time(self) -> None:
        self.clock.disturb(self.random)
        self.script.say("the clock is off by {} s", self.clock.ahead_ns / SECOND_NS)
        self.script.count("clock")

    def _expire(self) -> None:
        try:
            self.server.expire_holds(self.clock.seconds())
        except LedgerDown:
            return
        self.script.count("expiry")

    # -- faults

    def _break_disk(self) -> None:
        """The next append does not simply succeed."""
        fate = self.random.choice([each for each in Fate if each is not Fate.KEPT])
        if self.random.random() < 0.7:
            self.disks.log.fate, what = fate, "append"
        else:
            self.disks.market_fate, what = fate, "put of a market"
        self.script.say("the next {} will be: {}", what, fate.value)
        self.script.count(fate.value)

    def _snapshot(self) -> None:
        """Somebody makes a snapshot of the durable events; the next fold starts from it."""
        self.disks.take_snapshot()
        self.script.say("a snapshot is made at event {}", self.disks.log.head.seq)
        self.script.count("snapshot")

    def _crash(self) -> None:
        self.script.say("the process is killed")
        self.script.count("killed")
        raise Crashed

    def _restart(self) -> None:
        """A new process folds the log; it may die of it, and be started again."""
        self.waiting.clear()
        self.exchange.forgotten()
        self.judge.restarted()
        self.disks.replugged()
        while self.random.random() < 0.2:
            self.disks.log.reads_left = self.random.randint(0, len(self.disks.log.records))
            self.script.count("killed at start")
            try:
                self.server = self._started()
            except Crashed:
                continue
            self.disks.log.reads_left = None
            break
        self.disks.log.reads_left = None
        self.server = self._started()
        self.script.say("a new process is at event {}", self.disks.log.head.seq)
        self.feed.list_all(self.server)
        if self.random.random() < 0.9:
            self.feed.publish_all(self.server)

    def _started(self) -> Server:
        self._is_beside = True  # nobody is served yet
        try:
            server = Server(self.disks, self.clock, self._meanwhile, self.judge.watched)
            self.judge.refolded(server.desk)
            server.record_parameters()
        finally:
            self._is_beside = False
        return server

    def _recover(self) -> None:
        """The upkeep thread tries; the disk may still be broken, the process may die of it."""
        if self.random.random() < 0.6:
            self.server.show_durable()
            self._forget_lost_prices()
        if self.random.random() < 0.4:
            return
        self.disks.log.is_broken = self.random.random() < 0.3
        if self.random.random() < 0.1:
            self.disks.log.reads_left = self.random.randint(0, len(self.disks.log.records))
        try:
            self.server.recover()
        except StoreFailure as failure:
            self.script.say("recovery fails: {}", failure)
            self.script.count("recovery failed")
            return
        finally:
            self.disks.log.reads_left = None
        self.script.say("the lane has recovered at event {}", self.disks.log.head.seq)
        self.script.count("recovered")
        self._forget_lost_prices()
        self.judge.refolded(self.server.desk)

    def _forget_lost_prices(self) -> None:
        """A desk with other instruments than the one before starts without prices."""
        if not self.server.has_prices():
            self.exchange.forgotten()

    # -- the end

    def _come_to_rest(self) -> None:
        """No more faults; every request is asked until it is answered, and all is compared."""
        self.disks.log.fate = self.disks.market_fate = Fate.KEPT
        self.disks.log.beside = lambda: None
        self.script.step += 1
        while self.server.lane.is_down:
            self._act(self._recover)
        while self.waiting:
            self._act(lambda: self._finish(0, is_lost=False))
        for name, router in self.routers.items():
            for request in list(router.unanswered.values()):
                self._ask(name, request)
                while self.waiting:
                    self._finish(0, is_lost=False)
            if router.unanswered:
                raise Violation("I3", f"never answered: {router.unanswered}")
        self._act(self._settle)

    def _settle(self) -> None:
        """Every reply ever received is in the log, and the log is the state."""
        self.judge.quiet(self.server.desk)
        for router in self.routers.values():
            for request, answer in router.journal:
                self.judge.replied(request, answer)
