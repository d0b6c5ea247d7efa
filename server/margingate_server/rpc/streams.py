"""Server streams: a thread each to send, bounded in number; who does not read is dropped.

A send waits until the client's window has room for the message. So each stream has a thread of its
own that takes the next message from its source and sends it: while it waits, nothing is queued,
and the source has newer things, or more of them, when it is asked again.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Thread
from time import sleep
from typing import Any, Protocol

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message

from margingate_server.clock import Clock
from margingate_server.rpc.observers import tell
from margingate_server.rpc.status import DETAILS_KEY, Failure, details_of, failure_of
from margingate_server.rpc.transport import check_account_header, end, parsed
from margingate_server.rpc.turns import Turns

STREAMS_MAX = 256
"""Open streams of a process: a thread each, some 50 KB of memory."""

BLOCKED_SECONDS_MAX = 5.0
"""A client whose window has no room for the next message for so long is dropped."""

LINGER_SECONDS_MAX = 5.0
"""A client that reads again within so long after the end of a stream learns why it ended."""

LOOK_SECONDS = 0.25
CLOSE_LOOK_SECONDS, CLOSE_LOOKS_MAX = 0.01, 50

Send = Callable[[bytes | None], None]

TOO_MANY = Failure(
    code=grpc.StatusCode.RESOURCE_EXHAUSTED,
    reason="TOO_MANY_STREAMS",
    message=f"the server has {STREAMS_MAX} open streams",
    metadata={"streams_max": str(STREAMS_MAX)},
    is_retryable=True,
)
SLOW = Failure(
    code=grpc.StatusCode.RESOURCE_EXHAUSTED,
    reason="SLOW_CLIENT",
    message=f"nothing was read for {BLOCKED_SECONDS_MAX:g} s",
    metadata={"blocked_seconds_max": f"{BLOCKED_SECONDS_MAX:g}"},
)
STOPPING = Failure(
    code=grpc.StatusCode.UNAVAILABLE,
    reason="STOPPING",
    message="the server stops",
    is_retryable=True,
)


class StreamObserver(Protocol):
    """Who is told about streams. path: as gRPC has it."""

    def opened(self, path: str) -> None:
        """A stream was opened."""
        ...

    def sent(self, path: str) -> None:
        """A client took a message."""
        ...

    def ended(self, path: str, reason: str) -> None:
        """An open stream ended: for which reason of a status, or "cancelled" by its client."""
        ...

    def refused(self, path: str, reason: str) -> None:
        """A stream was not opened."""
        ...

    def incident(self, error: Exception, path: str) -> str:
        """Id under which an error that nobody foresaw is logged."""
        ...


class Stream:
    """One stream, as its source sees it: something to wait on that others can ring."""

    def __init__(self) -> None:
        self._bell = Event()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        """True when nobody listens any more: the source should end."""
        return self._is_closed

    def wait(self, seconds: float) -> None:
        """Returns after a ring, also one before the call, after the end, or after `seconds`."""
        if not self._is_closed:
            self._bell.wait(seconds)
            self._bell.clear()

    def ring(self) -> None:
        """Have the source look for news."""
        self._bell.set()

    def close(self) -> None:
        """Nobody listens any more."""
        self._is_closed = True
        self._bell.set()


StreamBehavior = Callable[[Any, Stream], Iterator[Message]]
"""From a request to the messages of a stream; it waits with `Stream.wait` and nothing else."""


class _Call(Stream):
    """A stream and the call that carries it. A status is sent once, by whoever comes first."""

    def __init__(self, path: str, context: grpc.ServicerContext, send: Send) -> None:
        super().__init__()
        self.path = path
        self.send = send
        self.sending_since: float | None = None
        self.ended_at: float | None = None
        self.reason = "cancelled"
        self._context = context
        self._ending = Lock()

    def end(self, failure: Failure | None, now: float) -> None:
        """End with a status, OK without a failure; from any thread, also while one sends."""
        with self._ending:
            if self.is_closed:
                return
            self.close()
        self.ended_at = now
        self.reason = "ok" if failure is None else failure.reason.lower()
        if failure is not None:
            self._context.set_trailing_metadata(((DETAILS_KEY, details_of(failure)),))
            self._context.set_code(failure.code)
            self._context.set_details(failure.message)
        self.send(None)

    def cut(self) -> None:
        """End without a status, which a client that does not read would never get to see."""
        self._context.cancel()


class Streams:
    """The open streams of one server."""

    def __init__(self, clock: Clock, observer: StreamObserver) -> None:
        self._clock = clock
        self._observer = observer
        self._calls: set[_Call] = set()
        self._opening = Lock()
        self._stopping = Event()
        self.turns = Turns("streams", clock)
        self._watchdog = Thread(target=self._watch, name="stream-watchdog", daemon=True)

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._calls)

    def start(self) -> None:
        """Drop clients that do not read from here on."""
        self._watchdog.start()

    def handler(
        self,
        method: MethodDescriptor,
        message_type: type[Message],
        behavior: StreamBehavior,
        pool: ThreadPoolExecutor,
    ) -> "grpc.RpcMethodHandler[bytes, bytes]":
        """The handler of one server-streaming method, whose streams are begun in `pool`."""
        path = f"/{method.containing_service.full_name}/{method.name}"

        def answer(raw: bytes, context: grpc.ServicerContext, send: Send) -> None:
            try:
                request = parsed(message_type, raw)
                check_account_header(request, context)
            except Exception as error:  # noqa: BLE001 - every one of them has a status
                end(context, self._failure(error, path))
            call = _Call(path, context, send)
            refusal = self._refusal(call)
            if refusal is not None:
                tell(self._observer.refused, path, refusal.reason.lower())
                end(context, refusal)
            tell(self._observer.opened, path)
            if not context.add_callback(lambda: self._done(call)):
                self._done(call)
            Thread(
                target=self._run, args=(call, behavior, request), name="stream", daemon=True
            ).start()

        # The pool's thread is free again at once: without this, grpc would send from it.
        answer.experimental_non_blocking = True  # type: ignore[attr-defined]
        answer.experimental_thread_pool = pool  # type: ignore[attr-defined]
        return grpc.unary_stream_rpc_method_handler(answer)

    def drop_blocked(self) -> None:
        """Drop clients that do not read, and cut off those that do not even read why."""
        now = self._clock.seconds()
        for call in self._open():
            since = call.sending_since
            if call.ended_at is not None:
                if now - call.ended_at > LINGER_SECONDS_MAX:
                    call.cut()
            elif since is not None and now - since > BLOCKED_SECONDS_MAX:
                call.end(SLOW, now)

    def close(self) -> None:
        """End every stream with UNAVAILABLE; open no more."""
        with self._opening:
            self._stopping.set()
        for call in self._open():
            call.end(STOPPING, self._clock.seconds())
        self._until_none_is_open()
        for call in self._open():
            call.cut()
        self._until_none_is_open()
        if self._watchdog.is_alive():
            self._watchdog.join()

    def _refusal(self, call: _Call) -> Failure | None:
        with self._opening:
            if self._stopping.is_set():
                return STOPPING
            if len(self._calls) >= STREAMS_MAX:
                return TOO_MANY
            self._calls.add(call)
            return None

    def _run(self, call: _Call, behavior: StreamBehavior, request: Message) -> None:
        failure = None
        try:
            for message in behavior(request, call):
                if call.is_closed:
                    break
                call.sending_since = self._clock.seconds()
                call.send(message.SerializeToString())
                call.sending_since = None
                tell(self._observer.sent, call.path)
        except Exception as error:  # noqa: BLE001 - every one of them has a status
            failure = self._failure(error, call.path)
        finally:
            call.sending_since = None
        call.end(failure, self._clock.seconds())

    def _failure(self, error: Exception, path: str) -> Failure:
        return failure_of(error, lambda unforeseen: self._observer.incident(unforeseen, path))

    def _done(self, call: _Call) -> None:
        """The call is over, and its thread is free or will be with its next look at `is_closed`."""
        call.close()
        with self._opening:
            self._calls.discard(call)
        tell(self._observer.ended, call.path, call.reason)

    def _open(self) -> list[_Call]:
        with self._opening:
            return list(self._calls)

    def _until_none_is_open(self) -> None:
        for _ in range(CLOSE_LOOKS_MAX):
            if not self._calls:
                return
            sleep(CLOSE_LOOK_SECONDS)

    def _watch(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            self.turns.take(self.drop_blocked)
