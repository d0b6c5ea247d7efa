"""A desk in this process that a replay is played to: the service's own decisions, no transport."""

from collections.abc import Iterator
from decimal import Decimal

from margingate_engine.core.errors import MissingData
from margingate_server.crash_study.books import Book
from margingate_server.crash_study.posting import posted_units
from margingate_server.feeds.replay.accounts import StartAccount, StartPosition
from margingate_server.feeds.replay.series import Snapshot
from margingate_server.ledger.chain import EMPTY
from margingate_server.ledger.events import InstrumentsListed
from margingate_server.ledger.store import EventRecord, Head
from margingate_server.recovery import DeskBuilder
from margingate_server.replay_alongside import DIGEST, open_account, settle_expired
from margingate_server.service.desk import Desk
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.terms import Terms


class _EmptyLog:
    """A log without events, which stays so: a study keeps no ledger."""

    head: Head = EMPTY

    def read(self, after_seq: int = 0) -> Iterator[EventRecord]:
        """Nothing."""
        del after_seq
        return iter(())

    def get(self, seq: int) -> EventRecord | None:
        """Nothing."""
        del seq
        return None


class Session:
    """A market that goes from snapshot to snapshot, and the accounts of some books in it."""

    def __init__(self, terms: Terms, age_limits: AgeLimits, start_ns: int) -> None:
        """Nothing is listed yet. start_ns: of the clock, which is the market's own here."""
        builder = DeskBuilder(terms, age_limits)
        self.desk: Desk = builder.open_desk(_EmptyLog())
        builder.bring_into_force(self.desk, start_ns)

    def publish(self, snapshot: Snapshot) -> None:
        """Take a snapshot at its own time, and settle what has expired by then."""
        self.take(snapshot)
        settle_expired(self.desk, snapshot.update.market_time_ns)
        self.desk.shard.take_pending()

    def take(self, snapshot: Snapshot) -> None:
        """List what a snapshot quotes and have its prices, at its own time."""
        shard, now_ns = self.desk.shard, snapshot.update.market_time_ns
        changed = shard.market.new_instruments(snapshot.instruments)
        if changed:
            view = shard.market.planned_listing(changed)
            shard.record(InstrumentsListed(instruments=changed), now_ns)
            shard.market.view = view
        shard.market.view = shard.market.planned_update(snapshot.update, now_ns)

    def open(self, book: Book, now_ns: int) -> StartAccount:
        """Open an account with a book, and post what makes it as covered as it is to be."""
        account = book.account
        positions = tuple(
            StartPosition(instrument=name, quantity=quantity, price=None)
            for name, quantity in book.quantities.items()
        )
        start = StartAccount(account=account, collateral=book.collateral, positions=positions)
        open_account(self.desk, start, now_ns)
        view = self.desk.shard.view_of(self.desk.shard.account(account))
        if view.risk is None:
            raise MissingData(view.missing_subject or account)
        asset, amount = posted_units(view.risk, book.posted, book.cover)
        if amount:
            post = (account, asset, amount, f"{account}-post", DIGEST, now_ns)
            self.desk.accounts.adjust_collateral(*post)
        self.desk.shard.take_pending()
        collateral = dict(book.collateral)
        collateral[asset] = collateral.get(asset, Decimal(0)) + amount
        return StartAccount(account=account, collateral=collateral, positions=positions)
