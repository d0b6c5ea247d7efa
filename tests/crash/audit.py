"""Journals against the log, going on from cycle to cycle: everything that was ever acknowledged."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from google.protobuf.message import Message

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from tests.crash.asked import is_what_was_asked
from tests.crash.books import Books
from tests.crash.comparison import account_differences
from tests.crash.event_log import Mark, Row, chain_breaks
from tests.crash.journal import Entry, Purpose, Step
from tests.crash.logged import key_of, promise_in
from tests.crash.promises import Key, keys_of, promises_of
from tests.integration.main_job.wire import time_ns
from tests.reference.contracts import Instrument


@dataclass(slots=True)
class Known:
    """What journals tell of an id. invoked: the entry of its first request.

    said: what was promised, empty while nothing was; returned_ns: when first. is_open: whether a
    request went out whose end nobody saw.
    """

    invoked: Entry
    said: bytes = b""
    returned_ns: int = 0
    is_open: bool = False


class Audit:
    """Everything known of one ledger. `take` journals first, then `fold` the log's new events."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self.books = Books(instruments)
        self.mark = Mark()
        self.acknowledged_count = 0
        self.lost_count = 0
        self.answered_twice_count = 0
        self._instruments = instruments
        self._known: dict[Key, Known] = {}
        self._row_by_key: dict[Key, Row] = {}
        self._due: dict[Key, None] = {}
        self._reads: dict[tuple[str, int], list[accounts.GetAccountResponse]] = defaultdict(list)
        self._taken: set[tuple[str, str]] = set()
        self._settled: dict[str, Fraction] = {}

    def take(self, entries: Iterable[Entry]) -> Iterator[str]:
        """Go through new journal lines; says where an answer contradicts an earlier one."""
        for entry in entries:
            request = entry.asked()
            keys = [] if entry.purpose is Purpose.CONFLICT else keys_of(entry.method, request)
            if entry.step is Step.INVOKE:
                for key in keys:
                    self._known.setdefault(key, Known(entry)).is_open = True
            elif entry.step is Step.INFO:
                if entry.said.startswith(("INTERNAL", "UNKNOWN")):
                    yield f"{_named(entry)} ended with {entry.said}"
            else:
                for key in keys:
                    self._known[key].is_open = False
                yield from self._answered(entry)

    def fold(self, rows: list[Row]) -> Iterator[str]:
        """Book new events of the log; says what is wrong with them, and what they lack."""
        yield from chain_breaks(rows, self.mark)
        for row in rows:
            yield from self._join(row)
            yield from self.books.apply(row)
            for answer in self._reads.pop((row.account, row.version), ()):
                yield from account_differences(
                    answer, self.books.by_account[row.account], self._instruments
                )
            self.mark = Mark(row.seq, row.hash)
        yield from self._settle()
        yield from self.books.unconserved()

    def promised(self) -> list[Key]:
        """Ids that an answer was promised for, oldest first."""
        return [key for key, known in self._known.items() if known.said]

    def _answered(self, entry: Entry) -> Iterator[str]:
        if entry.step is Step.FAIL:
            yield from self._refused(entry)
            return
        answer = entry.answered()
        if entry.purpose is Purpose.CONFLICT:
            self.answered_twice_count += 1
            yield f"{_named(entry)}: an id used with another body was answered {answer}"
            return
        for promise in promises_of(entry.method, entry.asked(), answer):
            self.acknowledged_count += 1
            known = self._known[promise.key]
            if not known.said:
                known.said, known.returned_ns = promise.said, entry.at_ns
                self._due[promise.key] = None
            elif known.said != promise.said:
                self.answered_twice_count += 1
                yield f"{_named(entry)}: {known.said!r} was answered before, now {promise.said!r}"
            elif promise.is_replayed is False:
                self.answered_twice_count += 1
                yield f"{_named(entry)}: answered again and not called replayed"
        yield from self._broken(entry)
        self._taken.update(_orders_taken_for_known(entry.asked(), answer))
        if isinstance(answer, accounts.GetAccountResponse):
            yield from self._read(answer)
        if isinstance(answer, market.PublishSettlementPricesResponse):
            yield from self._expired(entry, answer)
        if isinstance(answer, accounts.AdjustCollateralResponse) and _is_short(entry, answer):
            yield f"{_named(entry)}: the withdrawal left the account with {answer.risk}"

    def _refused(self, entry: Entry) -> Iterator[str]:
        if entry.purpose is Purpose.CONFLICT:
            if entry.said != "ALREADY_EXISTS":
                yield f"{_named(entry)}: an id used with another body ended with {entry.said}"
            return
        keys = keys_of(entry.method, entry.asked())
        if entry.method == "GetDecision":
            request = entry.asked()
            assert isinstance(request, margin.GetDecisionRequest)
            keys = [("request", request.account, request.request_id)]
        for key in keys:
            if self._known[key].said:
                self.lost_count += 1
                yield f"{_named(entry)}: {entry.said}, after {self._known[key].said!r}"

    def _broken(self, entry: Entry) -> Iterator[str]:
        """Retries of promised ids whose answers promise nothing any more."""
        request = entry.asked()
        said = {each.key for each in promises_of(entry.method, request, entry.answered())}
        for key in keys_of(entry.method, request):
            if self._known[key].said and key not in said:
                self.lost_count += 1
                yield f"{_named(entry)}: {self._known[key].said!r} is forgotten"

    def _read(self, answer: accounts.GetAccountResponse) -> Iterator[str]:
        name, version = answer.account.account, answer.account.version
        book = self.books.by_account.get(name)
        if book is not None and book.version == version:
            yield from account_differences(answer, book, self._instruments)
        elif book is None or version > book.version:
            self._reads[name, version].append(answer)

    def _expired(
        self, entry: Entry, answer: market.PublishSettlementPricesResponse
    ) -> Iterator[str]:
        """What settled stays settled; the log must have it."""
        request = entry.asked()
        assert isinstance(request, market.PublishSettlementPricesRequest)
        prices = {
            name: Fraction(price.price)
            for price in request.prices
            for name, each in self._instruments.items()
            if (each.underlying, each.expiry_ns) == (price.underlying, time_ns(price.expiry_time))
        }
        known = len(prices.keys() & self._settled.keys())
        if answer.instrument_count > len(prices) - known:
            yield f"{_named(entry)}: {known} had settled, {answer.instrument_count} settle now"
        self._settled.update(prices)

    def _join(self, row: Row) -> Iterator[str]:
        """Tie an event to its request."""
        key = key_of(row)
        if key is None:
            return
        if key in self._row_by_key:
            self.answered_twice_count += 1
            first = self._row_by_key[key].seq
            yield f"event {row.seq}: {key} is in the log twice, first as event {first}"
        self._row_by_key[key] = row
        known = self._known.get(key)
        if known is None:
            yield f"event {row.seq}: nobody asked for {key}"
        elif not is_what_was_asked(known.invoked.asked(), key, row, self._instruments):
            yield f"event {row.seq}: {row.body!r} is not what {_named(known.invoked)} asked for"
        elif not known.said and not known.is_open:
            yield f"event {row.seq}: {key} was refused and is in the log"

    def _settle(self) -> Iterator[str]:
        """Every new promise is in the log, as it was made, and in the order of time."""
        due, self._due = list(self._due), {}
        for key in due:
            known, row = self._known[key], self._row_by_key.get(key)
            if row is None:
                self.lost_count += 1
                yield f"lost: {key} was answered {known.said!r} and is not in the log"
            elif (logged := promise_in(row, self._instruments)) != known.said:
                self.answered_twice_count += 1
                yield f"event {row.seq}: {key} was answered {known.said!r}, logged {logged!r}"
        yield from self._out_of_order(due)
        for name, version in self._reads:
            yield f"{name} was shown at version {version}, which the log does not reach"
        self._reads.clear()
        for name, order_id in self._taken:
            book = self.books.by_account[name]
            if order_id not in book.orders and order_id not in book.closed:
                yield f"order {order_id} of {name} was taken for known and is not in the log"
        self._taken.clear()
        for name, price in self._settled.items():
            if self.books.settlement_prices.get(name) != price:
                yield f"{name} was settled at {price}, the log knows nothing of it"

    def _out_of_order(self, due: list[Key]) -> Iterator[str]:
        """What was answered before another was asked for stands before it in the log."""
        found = [(self._known[key], row.seq) for key in due if (row := self._row_by_key.get(key))]
        returned = sorted(found, key=lambda each: each[0].returned_ns)
        latest, position = 0, 0
        for known, seq in sorted(found, key=lambda each: each[0].invoked.at_ns):
            while position < len(returned) and (
                returned[position][0].returned_ns < known.invoked.at_ns
            ):
                latest = max(latest, returned[position][1])
                position += 1
            if latest > seq:
                yield f"event {seq} was asked for after event {latest} was answered"


def audited(
    journals: Iterable[Iterable[Entry]], rows: list[Row], instruments: Mapping[str, Instrument]
) -> list[str]:
    """What is wrong between the journals of all clients and a whole log."""
    audit = Audit(instruments)
    findings = [finding for journal in journals for finding in audit.take(journal)]
    return [*findings, *audit.fold(rows)]


def _named(entry: Entry) -> str:
    return f"{entry.client} call {entry.number} ({entry.method}, {entry.purpose})"


def _is_short(entry: Entry, answer: accounts.AdjustCollateralResponse) -> bool:
    """True for a withdrawal that left less than the margin; a retry tells the margin of later."""
    request = entry.asked()
    assert isinstance(request, accounts.AdjustCollateralRequest)
    is_withdrawal = request.amount.startswith("-") and entry.purpose is Purpose.FIRST
    return is_withdrawal and Fraction(answer.risk.headroom) < 0


def _orders_taken_for_known(request: Message, answer: Message) -> Iterator[tuple[str, str]]:
    """(account, order) of answers that rest on an order which must therefore be in the log."""
    if isinstance(request, margin.CheckOrderRequest):
        assert isinstance(answer, margin.CheckOrderResponse)
        if answer.decision.reject_reason == types.REJECT_REASON_DUPLICATE_ORDER_ID:
            yield request.account, request.order.order_id
    elif isinstance(
        request,
        margin.ReleaseOrderRequest | margin.ConfirmAmendRequest | margin.RejectAmendRequest,
    ):
        assert isinstance(
            answer,
            margin.ReleaseOrderResponse | margin.ConfirmAmendResponse | margin.RejectAmendResponse,
        )
        if answer.flag == types.LIFECYCLE_FLAG_LATE:
            yield request.account, request.order_id
