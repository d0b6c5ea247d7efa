"""One connection to the venue: questions and answers, heartbeats, and what comes unasked."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import msgspec
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

from margingate_server.clock import Clock
from margingate_server.feeds.deribit.payloads import MESSAGE, Message, Notice
from margingate_server.feeds.deribit.settings import DeribitSettings
from margingate_server.feeds.observer import FeedObserver

TOO_MANY_REQUESTS: Final = 10028
MESSAGE_TOO_BIG: Final = 1009
_DETAIL_LENGTH_MAX: Final = 200
_ENCODER: Final = msgspec.json.Encoder()


class Ended(Exception):  # noqa: N818 - what happened, not always an error
    """The connection is of no use any more. reason: a word of ours; detail: for the log."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail[:_DETAIL_LENGTH_MAX]


class Connection:
    """JSON-RPC over an open websocket. `read` must run for answers to arrive."""

    def __init__(
        self,
        socket: ClientConnection,
        settings: DeribitSettings,
        clock: Clock,
        observer: FeedObserver,
        notify: Callable[[str, msgspec.Raw], None],
    ) -> None:
        """notify: given each channel's data; msgspec.DecodeError says that it is unreadable."""
        self._socket = socket
        self._settings = settings
        self._clock = clock
        self._observer = observer
        self._notify = notify
        self._ids = count(1)
        self._answers: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._refusal: Ended | None = None
        self._heard_seconds = self._data_seconds = clock.seconds()

    async def ask(self, method: str, **params: Any) -> msgspec.Raw:
        """The result of a request; Ended when it is refused or not answered in time."""
        number = next(self._ids)
        answer: asyncio.Future[msgspec.Raw] = asyncio.get_running_loop().create_future()
        self._answers[number] = answer
        try:
            await self._send(number, method, params)
            return await asyncio.wait_for(answer, self._settings.answer_seconds)
        except TimeoutError:
            raise Ended("unanswered", method) from None
        finally:
            del self._answers[number]

    async def read(self) -> None:
        """Take messages until the connection ends, by Ended."""
        while True:
            try:
                raw = await self._socket.recv(decode=False)
            except ConnectionClosed as error:
                raise self._ending(error) from None
            self._heard_seconds = self._clock.seconds()
            message = self._decoded(raw)
            if message is not None:
                await self._handle(message)

    async def watch(self) -> None:
        """Wait until nothing was heard for too long, by Ended("silent")."""
        quiet, dry = self._settings.silence_seconds, self._settings.data_silence_seconds
        while True:
            now = self._clock.seconds()
            left = min(self._heard_seconds + quiet, self._data_seconds + dry) - now
            if left <= 0:
                raise Ended("silent")
            await asyncio.sleep(left)

    def _decoded(self, raw: bytes) -> Message | None:
        """The message; None, counted, for what is none."""
        try:
            return MESSAGE.decode(raw)
        except msgspec.ValidationError as error:
            self._observer.dropped("invalid", str(error))
        except (msgspec.DecodeError, RecursionError) as error:
            self._observer.dropped("malformed", str(error))
        return None

    async def _handle(self, message: Message) -> None:
        """What no message may do is end the reading: what nobody foresaw is told, and left out."""
        if message.method == "subscription" and message.params is not None:
            self._data_seconds = self._heard_seconds
            try:
                self._notify(message.params.channel, message.params.data)
            except msgspec.DecodeError as error:
                self._observer.dropped("invalid", f"{message.params.channel}: {error}")
            except Exception as error:  # noqa: BLE001 - one message must not stop all others
                self._observer.failed(error, message.params.channel)
        elif message.method == "heartbeat" and message.params is not None:
            await self._answer_heartbeat(message.params)
        elif message.id is not None:
            self._observer.received("answer")
            self._resolve(message.id, message)
        elif message.error is not None:
            raise Ended("refused", f"{message.error.code} {message.error.message}")
        else:
            self._observer.dropped("invalid", "neither an answer nor a notice")

    async def _answer_heartbeat(self, notice: Notice) -> None:
        """The venue closes a connection whose test request is not answered."""
        self._observer.received("heartbeat")
        if notice.type == "test_request":
            await self._send(next(self._ids), "public/test", {})

    def _resolve(self, number: int, message: Message) -> None:
        """Hand an answer to who waits for it; heartbeats' answers nobody waits for."""
        answer = self._answers.get(number)
        if answer is None or answer.done():
            return
        if message.error is None:
            answer.set_result(message.result)
            return
        reason = "rate_limited" if message.error.code == TOO_MANY_REQUESTS else "refused"
        self._refusal = Ended(reason, f"{message.error.code} {message.error.message}")
        answer.set_exception(self._refusal)

    async def _send(self, number: int, method: str, params: dict[str, Any]) -> None:
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        try:
            await self._socket.send(_ENCODER.encode(request), text=True)
        except ConnectionClosed as error:
            raise self._ending(error) from None

    def _ending(self, error: ConnectionClosed) -> Ended:
        """Why a websocket closed: after a refusal, in good order, by a message too big, or lost.

        The venue hangs up on who asks too much, and the refusal says for how long to stay away.
        """
        if self._refusal is not None:
            return self._refusal
        if isinstance(error, ConnectionClosedOK):
            return Ended("closed", str(error))
        is_too_big = error.sent is not None and error.sent.code == MESSAGE_TOO_BIG
        return Ended("too_large" if is_too_big else "lost", str(error))
