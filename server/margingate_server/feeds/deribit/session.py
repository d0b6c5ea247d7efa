"""What is done over one connection: list, subscribe, and keep both up to date."""

import asyncio
from collections.abc import Mapping

import msgspec

from margingate_engine.core.amounts import NANO
from margingate_server.clock import Clock
from margingate_server.feeds.deribit.channels import channels_of
from margingate_server.feeds.deribit.connection import Connection, Ended
from margingate_server.feeds.deribit.intake import Intake
from margingate_server.feeds.deribit.listing import Entry, ListingReader
from margingate_server.feeds.deribit.payloads import CHANNELS
from margingate_server.feeds.deribit.settings import DeribitSettings
from margingate_server.feeds.observer import FeedObserver


class Session:
    """Keeps the prices of a listing coming for as long as a connection lasts."""

    def __init__(
        self, settings: DeribitSettings, intake: Intake, clock: Clock, observer: FeedObserver
    ) -> None:
        self._settings = settings
        self._intake = intake
        self._clock = clock
        self._observer = observer
        self._has_news = asyncio.Event()
        self._subscribed: set[str] = set()
        self._entries: Mapping[bytes, Entry] = {}
        self._is_first_chunk = True
        self.subscribed_seconds: float | None = None
        """When everything was subscribed for the first time, by Clock.seconds; None before."""

    def take(self, channel: str, data: msgspec.Raw) -> None:
        """Take one channel's message; msgspec.DecodeError when it is unreadable."""
        if self._intake.take(channel, data, self._clock.now_ns()):
            self._has_news.set()

    async def run(self, connection: Connection) -> None:
        """List and subscribe, again whenever something changed, until the connection Ended."""
        self._intake.reconnected()
        await connection.ask("public/set_heartbeat", interval=self._settings.heartbeat_seconds)
        while True:
            self._has_news.clear()
            await self._list(connection)
            await self._subscribe(connection)
            if self.subscribed_seconds is None:
                self.subscribed_seconds = self._clock.seconds()
                self._observer.connection_changed(is_connected=True)
            await asyncio.sleep(self._settings.relist_gap_seconds)
            await self._wait_for_news()

    async def _wait_for_news(self) -> None:
        """Return when a message spoke of a change, and after a while in any case."""
        try:
            await asyncio.wait_for(self._has_news.wait(), self._settings.relist_seconds)
        except TimeoutError:
            return

    async def _list(self, connection: Connection) -> None:
        """Read what the venue lists; Ended("unlisted") when an answer is no listing."""
        settings = self._settings
        reader = ListingReader(settings.underlyings, settings.dollar_coins, self._entries)
        for currency in settings.currencies:
            answer = await connection.ask(
                "public/get_instruments", currency=currency, expired=False
            )
            try:
                reader.take(answer)
            except msgspec.DecodeError as error:
                raise Ended("unlisted", f"{currency}: {error}") from None
        self._entries = reader.entries
        listing = reader.listing()
        self._intake.relist(listing)
        self._observer.listed(len(listing.instruments), listing.left_out)

    async def _subscribe(self, connection: Connection) -> None:
        """Subscribe what is listed and new, unsubscribe what is gone.

        A channel that the venue leaves out of its answer is tried again with the next listing, as
        is one that fell silent: subscriptions have been lost without a word.
        """
        wanted = channels_of(self._intake.listing)
        gone = sorted(self._subscribed - set(wanted))
        for chunk in self._chunks(gone):
            await self._change(connection, "public/unsubscribe", chunk)
            self._subscribed.difference_update(chunk)
        since_ns = self._clock.now_ns() - int(self._settings.quiet_seconds * NANO)
        self._subscribed -= self._intake.quiet_channels(self._subscribed, since_ns)
        missing = [channel for channel in wanted if channel not in self._subscribed]
        for chunk in self._chunks(missing):
            accepted = await self._change(connection, "public/subscribe", chunk)
            self._subscribed |= accepted & set(chunk)
            for channel in sorted(set(chunk) - accepted):
                self._observer.dropped("refused_channel", channel)

    async def _change(self, connection: Connection, method: str, chunk: list[str]) -> set[str]:
        """The channels that the venue names in its answer, asked for at the pace it allows."""
        if not self._is_first_chunk:
            await asyncio.sleep(self._settings.subscribe_gap_seconds)
        self._is_first_chunk = False
        answer = await connection.ask(method, channels=chunk)
        try:
            return set(CHANNELS.decode(answer))
        except msgspec.DecodeError as error:
            raise Ended("refused", f"{method}: {error}") from None

    def _chunks(self, channels: list[str]) -> list[list[str]]:
        size = self._settings.chunk_size
        return [channels[start : start + size] for start in range(0, len(channels), size)]
