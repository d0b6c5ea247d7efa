"""The thread that keeps a connection to the venue, and makes another when it ends."""

import asyncio
from collections.abc import Callable
from threading import Thread

from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from margingate_server.clock import Clock
from margingate_server.feeds.deribit.backoff import Backoff
from margingate_server.feeds.deribit.connection import Connection, Ended
from margingate_server.feeds.deribit.intake import Intake
from margingate_server.feeds.deribit.session import Session
from margingate_server.feeds.deribit.settings import DeribitSettings
from margingate_server.feeds.observer import FeedObserver

JOIN_SECONDS_MAX = 10.0


class Reader:
    """Connects, reads and reconnects in a thread with an event loop of its own, until stopped."""

    def __init__(
        self,
        settings: DeribitSettings,
        intake: Intake,
        clock: Clock,
        observer: FeedObserver,
        jitter: Callable[[], float],
    ) -> None:
        """jitter: in [0, 1), so that many clients do not come back all at once."""
        self._settings = settings
        self._intake = intake
        self._clock = clock
        self._observer = observer
        self._backoff = Backoff(settings, jitter)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread = Thread(target=self._run, name="deribit", daemon=True)

    def start(self) -> None:
        """Connect from here on."""
        self._loop = asyncio.new_event_loop()
        self._thread.start()

    def stop(self) -> None:
        """Close the connection and end the thread."""
        if self._loop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(JOIN_SECONDS_MAX)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._made_loop) as runner:
            runner.run(self._read_until_stopped())

    def _made_loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None, "the thread is started by start"
        return self._loop

    async def _read_until_stopped(self) -> None:
        reading = asyncio.create_task(self._read())
        stopping = asyncio.create_task(self._stopping.wait())
        await _first_of(reading, stopping)

    async def _read(self) -> None:
        while True:
            ended, lasted_seconds = await self._connect_once()
            retry_seconds = self._backoff.wait_seconds(ended.reason, lasted_seconds)
            self._observer.connection_changed(is_connected=False)
            self._observer.disconnected(ended.reason, ended.detail, retry_seconds)
            await asyncio.sleep(retry_seconds)

    async def _connect_once(self) -> tuple[Ended, float]:
        """(why a connection ended, for how many seconds it had everything subscribed)."""
        session = Session(self._settings, self._intake, self._clock, self._observer)
        try:
            async with connect(
                self._settings.url,
                compression=None,  # inflating costs more than the bytes it saves on this way
                open_timeout=self._settings.open_seconds,
                close_timeout=1.0,
                max_size=self._settings.message_bytes_max,
            ) as socket:
                connection = Connection(
                    socket, self._settings, self._clock, self._observer, session.take
                )
                await _first_of(
                    *(
                        asyncio.create_task(each)
                        for each in (connection.read(), connection.watch(), session.run(connection))
                    )
                )
            ended = Ended("closed")
        except Ended as ending:
            ended = ending
        except (OSError, TimeoutError, WebSocketException) as error:
            ended = Ended("unreachable", repr(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, the next connection may do
            self._observer.failed(error, "connection")
            ended = Ended("unforeseen", repr(error))
        since = session.subscribed_seconds
        return ended, 0.0 if since is None else self._clock.seconds() - since


async def _first_of(*tasks: "asyncio.Task[object]") -> None:
    """Return or raise as the first task that ends; the others are cancelled and waited for."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
