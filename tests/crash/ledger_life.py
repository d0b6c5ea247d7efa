"""One ledger from its first event on, through process after process."""

import random
import shutil
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from time import time_ns

import grpc

from margingate.v1 import account_service_pb2 as accounts
from tests.crash.actions import act
from tests.crash.audit import Audit
from tests.crash.cited_markets import lacking_markets
from tests.crash.client import Client, Round
from tests.crash.comparison import account_differences, order_differences, timeless
from tests.crash.endings import Ending, Quiet, draw_ending, kill_while_starting
from tests.crash.event_log import Mark, chain_breaks, end_of, hash_at, rows_after
from tests.crash.feed import Feed
from tests.crash.journal import Entry, Journal, JournalReader, Step
from tests.crash.market import Market
from tests.crash.methods import account_of, margin_of, orders_of
from tests.crash.product_checks import verify_and_replay
from tests.crash.server import Server
from tests.crash.tally import Tally
from tests.integration.main_job.wire import text

DATA = "data"
CLIENTS = 6
ACCOUNTS = 8
DEPOSITS = {"USD": 200_000, "BTC": 2, "ETH": 40}
WEALTH = (Fraction(1), Fraction("0.3"), Fraction("0.1"), Fraction("0.03"))
"""Accounts have a part of the deposits: about half of the orders are refused for margin."""

KILLED_AT_START_SHARE = 0.2
ROUND_SECONDS_MAX = 30.0


class LedgerLife:
    """A folder, its server, its clients, and what is known of it. `tally` is what it adds to."""

    def __init__(self, folder: Path, seed: str, tally: Tally) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._data = folder / DATA
        self._copy = folder / "copy"
        self._tally = tally
        self._source = random.Random(seed)
        self._market = Market(seed, time_ns())
        self._feed = Feed(self._market)
        self.instruments = self._market.instruments
        self.audit = Audit(self.instruments)
        self._names = [f"a{number}" for number in range(ACCOUNTS)]
        self._journals = {
            name: Journal(folder / f"{name}.jsonl", name)
            for name in ("office", "feed", *(f"c{number}" for number in range(CLIENTS)))
        }
        self._readers = [JournalReader(folder / f"{name}.jsonl") for name in self._journals]
        self._clients = [
            Client(name, journal, self._market, self._names, seed)
            for name, journal in self._journals.items()
        ]
        self._office, self._venue = self._clients.pop(0), self._clients.pop(0)
        self._margins: dict[str, accounts.GetMarginResponse] = {}
        self._cycles = 0
        self._server = Server.launched(self._data)
        self._threads = ThreadPoolExecutor(CLIENTS + 1)

    @property
    def head_seq(self) -> int:
        """Number of the last event that was checked."""
        return self.audit.mark.seq

    def open(self) -> None:
        """The first process: contracts, prices, accounts with money."""
        self._server.wait_until_serving()
        self._feed.open(self._server.target)
        deposits = {
            name: {asset: text(amount * share) for asset, amount in DEPOSITS.items()}
            for name, share in zip(self._names, cycle(WEALTH), strict=False)
        }
        self._office.open_accounts(self._server.target, deposits)

    def cycle(self) -> str:
        """Load, an end, a recovery, and every comparison; the name of the end."""
        ending = draw_ending(self._source, self._cycles)
        self._cycles += 1
        self._load_and_end(ending)
        self._tally.endings[ending.name] += 1
        self._find(self._taken())
        # The state that the crash left, before the product sees it again.
        shutil.rmtree(self._copy, ignore_errors=True)
        shutil.copytree(self._data, self._copy, ignore=_all_but_the_log)
        names = [ending.name, *self._die_at_start()]
        former, self._server = self._server, Server.launched(self._data)
        self.audit.books.launched_ns = former.launched_ns
        rows = rows_after(self._copy, self.head_seq)
        self._find(lacking_markets(rows, self._copy))
        self._find(self.audit.fold(rows))
        self._tally.recovery_seconds.append(self._server.wait_until_serving())
        self.audit.books.launched_ns = self._server.launched_ns
        self._tally.from_snapshot += any(self._data.glob("snapshot-*.mgs"))
        self._find(self._compared())
        # What the former process started may have gone on, a snapshot for example.
        former.end()
        self._tally.cycles += 1
        return ", ".join(names)

    def close(self) -> None:
        """Every promise once more, the whole chain once more, and the end."""
        self._office.ask_everything_again(self._server.target)
        for client in self._clients:
            client.ask_everything_again(self._server.target)
        self._find(self._taken())
        self._server.ask_to_stop()
        code = self._server.process.wait(ROUND_SECONDS_MAX)
        if code:
            self._tally.findings.append(f"the server ended with {code} when asked to stop")
        rows = rows_after(self._data, 0)
        self._find(chain_breaks(rows, Mark()))
        self._find(self.audit.fold(rows[self.head_seq :]))
        self._find(iter(verify_and_replay(self._data)))
        self._tally.replays += 1
        self._tally.add(self.audit)

    def end(self) -> None:
        """Give everything back; the files stay."""
        self._server.end()
        self._threads.shutdown()
        for journal in self._journals.values():
            journal.close()

    def _find(self, findings: Iterator[str]) -> None:
        self._tally.findings.extend(findings)

    def _load_and_end(self, ending: Ending) -> None:
        server, quiet = self._server, Quiet()
        rounds: list[Future[Round]] = [
            self._threads.submit(client.run_round, server.target, quiet.clients, act)
            for client in self._clients
        ]
        rounds.append(
            self._threads.submit(self._venue.run_round, server.target, quiet.feed, self._feed.act)
        )
        try:
            ending.end(server, self._source, quiet)
        finally:
            quiet.feed.set()
            quiet.clients.set()
        ended = [each.result(ROUND_SECONDS_MAX) for each in rounds]
        if not server.struck_ns:
            self._look_at_margins()
            server.kill()
        self._find(self._early(ended))
        self._find(iter(server.complaints()))

    def _early(self, ended: list[Round]) -> Iterator[str]:
        for each in ended:
            if each.said and each.ended_ns < self._server.struck_ns:
                yield f"a client was left alone before the server was struck: {each.said}"

    def _look_at_margins(self) -> None:
        with grpc.insecure_channel(self._server.target) as channel:
            for name in self._names:
                self._margins[name] = margin_of(channel, name)

    def _die_at_start(self) -> list[str]:
        names = []
        while self._source.random() < KILLED_AT_START_SHARE:
            server = Server.launched(self._data)
            try:
                names.append(kill_while_starting(server, self._source))
            finally:
                server.end()
            self._tally.endings[names[-1]] += 1
        return names

    def _taken(self) -> Iterator[str]:
        for reader in self._readers:
            entries = list(reader.new_entries())
            self._tally.requests += sum(each.step is Step.INVOKE for each in entries)
            self._remember_margins(entries)
            yield from self.audit.take(entries)

    def _remember_margins(self, entries: list[Entry]) -> None:
        """The newest margin that was shown of each account."""
        for entry in entries:
            if entry.method != "GetMargin" or entry.step is not Step.OK:
                continue
            answer, request = entry.answered(), entry.asked()
            assert isinstance(answer, accounts.GetMarginResponse)
            assert isinstance(request, accounts.GetMarginRequest)
            known = self._margins.get(request.account)
            if known is None or _place(known) < _place(answer):
                self._margins[request.account] = answer

    def _compared(self) -> Iterator[str]:
        """The log, the accounts, the orders and the margins of the new process."""
        mark, version = self.audit.mark, self._feed.version
        if hash_at(self._data, mark.seq) != mark.hash:
            yield f"recovery changed the log at event {mark.seq}"
        with grpc.insecure_channel(self._server.target) as channel:
            self._feed.publish_again(channel)
            while True:
                yield from self.audit.fold(rows_after(self._data, self.head_seq))
                findings = list(self._differences(channel, version))
                # Holds expire by themselves: then what was compared was not of one instant.
                if end_of(self._data) == self.audit.mark:
                    break
        yield from findings

    def _expired(self, time_ns: int) -> set[str]:
        """Names of what has expired by then."""
        return {
            name
            for name, each in self.instruments.items()
            if each.expiry_ns is not None and each.expiry_ns <= time_ns
        }

    def _differences(self, channel: grpc.Channel, version: int) -> Iterator[str]:
        for name in self._names:
            book = self.audit.books.by_account[name]
            answer = account_of(channel, name)
            if answer.account.version != book.version:
                yield f"{name} is at {answer.account.version}, by the books {book.version}"
            yield from account_differences(answer, book, self.instruments)
            orders = orders_of(channel, name)
            yield from order_differences(name, orders, book, self.instruments)
            self._tally.accounts_compared += 1
            known = self._margins.pop(name, None)
            if known is None or _place(known) != (book.version, version):
                continue
            # After a start what has expired has the last stored price, and that is certain.
            expired = self._expired(known.basis.market_time.ToNanoseconds())
            if expired & {each.instrument for each in answer.positions}:
                continue
            self._tally.margins_compared += 1
            found, is_same = margin_of(channel, name), not expired
            if timeless(found, is_same_market=is_same) != timeless(known, is_same_market=is_same):
                yield f"margin of {name} was {known.risk}, after the restart {found.risk}"


def _all_but_the_log(_folder: str, names: list[str]) -> list[str]:
    """Names that are neither the log's nor the markets': others may come and go meanwhile."""
    return [name for name in names if not name.startswith(("ledger.", "market."))]


def _place(answer: accounts.GetMarginResponse) -> tuple[int, int]:
    return answer.basis.account_version, answer.basis.market_version
