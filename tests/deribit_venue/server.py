"""A venue on loopback that speaks the same JSON-RPC, and goes wrong when told to."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tests.deribit_venue.market import Market

WAIT_SECONDS_MAX = 10
PATIENCE_SECONDS = 3.0
"""How long a test request may go unanswered: the machine may be busy."""

HALF_A_FRAME = b"\x81\x7e\x40\x00" + b'{"jsonrpc":"2.0","method":"subscr'
"""The start of a text frame of 16384 bytes that never come."""


def wall_ms() -> int:
    return time.time_ns() // 10**6


@dataclass(eq=False)
class Client:
    """A connection and what it subscribed. unanswered: test requests it owes an answer to."""

    socket: ServerConnection
    channels: dict[str, None] = field(default_factory=dict)
    unanswered: int = 0


class Venue:
    """Serves a market to every client; each tick sends what each of its channels says.

    now_ms: the venue's clock. `requests` counts what was asked, by method; `asked` has it all.
    """

    def __init__(
        self,
        market: Market,
        *,
        tick_seconds: float = 0.03,
        heartbeat_seconds: float = 0.2,
        now_ms: Callable[[], int] = wall_ms,
    ) -> None:
        self.market = market
        self.now_ms = now_ms
        self.is_speaking = True
        self.sends_heartbeats = True
        self.accepts = True
        self.drops_channels: set[str] = set()
        self.answer_delay_seconds = 0.0
        self.requests: defaultdict[str, int] = defaultdict(int)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.connection_count = 0
        self.unanswered_heartbeats = 0
        self._errors: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        self._tick_seconds = tick_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._clients: set[Client] = set()
        self._port = 0
        self._is_up = Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._is_up.wait(WAIT_SECONDS_MAX)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None
        assert self._stopping is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(WAIT_SECONDS_MAX)
        assert not self._thread.is_alive()

    def channels(self) -> set[str]:
        """Everything that any client is subscribed to."""
        return {channel for client in tuple(self._clients) for channel in tuple(client.channels)}

    def fail_next(self, method: str, code: int, message: str = "", *, times: int = 1) -> None:
        """Answer the next requests of a method with an error."""
        self._errors[method] += [(code, message)] * times

    def send(self, raw: str | bytes) -> None:
        """Send this to every client as it is; bytes as a binary message."""
        self._do(self._send_all(raw))

    def say(self, channel: str, data: Any) -> None:
        """Send a channel's data to every client, subscribed or not."""
        self.send(notice(channel, data))

    def say_several(self, *said: tuple[str, Any]) -> None:
        """Send several channels' data, one right after the other."""
        self._do(self._send_all(*(notice(channel, data) for channel, data in said)))

    def lose(self, channel: str) -> None:
        """Forget that anybody subscribed a channel, without a word."""
        for client in tuple(self._clients):
            client.channels.pop(channel, None)

    def hang_up(self, how: str) -> None:
        """End every connection: clean, abrupt, or mid_message."""
        self._do(self._hang_up(how))

    def _do(self, action: Any) -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(action, self._loop).result(WAIT_SECONDS_MAX)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with serve(self._meet, "127.0.0.1", 0, compression=None) as server:
            self._port = _port_of(server)
            self._is_up.set()
            ticking = asyncio.create_task(self._tick_on())
            beating = asyncio.create_task(self._beat_on())
            await self._stopping.wait()
            for task in (ticking, beating):
                task.cancel()

    async def _meet(self, socket: ServerConnection) -> None:
        self.connection_count += 1
        if not self.accepts:
            await socket.close(1013)
            return
        client = Client(socket)
        self._clients.add(client)
        try:
            async for raw in socket:
                await self._answer(client, json.loads(raw))
        except ConnectionClosed:
            pass
        finally:
            self._clients.discard(client)

    async def _answer(self, client: Client, request: dict[str, Any]) -> None:
        method, params = request["method"], request["params"]
        self.requests[method] += 1
        self.asked.append((method, params))
        if self.answer_delay_seconds:
            await asyncio.sleep(self.answer_delay_seconds)
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"], "testnet": True}
        if self._errors[method]:
            code, message = self._errors[method].pop(0)
            answer["error"] = {"code": code, "message": message}
            await client.socket.send(json.dumps(answer))
            if code == 10028:
                await client.socket.close(1000)
            return
        await client.socket.send(json.dumps(answer | {"result": self._result(client, request)}))
        if method == "public/subscribe":
            await self._tell(client, list(params["channels"]))

    def _result(self, client: Client, request: dict[str, Any]) -> Any:
        params = request["params"]
        match request["method"]:
            case "public/set_heartbeat":
                return "ok"
            case "public/test":
                client.unanswered = 0
                return {"version": "1.2.26"}
            case "public/get_instruments":
                return self.market.entries(params["currency"])
            case "public/subscribe":
                known = [name for name in params["channels"] if self._has(name)]
                client.channels.update(dict.fromkeys(known))
                return known
            case "public/unsubscribe":
                for name in params["channels"]:
                    client.channels.pop(name, None)
                return params["channels"]
        return None

    def _has(self, channel: str) -> bool:
        if channel in self.drops_channels:
            return False
        return self.market.data(channel, self.now_ms()) is not None

    async def _tell(self, client: Client, channels: list[str]) -> None:
        """Send what channels say now."""
        for channel in channels:
            if not self.is_speaking:
                return
            data = self.market.data(channel, self.now_ms())
            if channel in client.channels and data:
                await client.socket.send(notice(channel, data))

    async def _tick_on(self) -> None:
        while True:
            await asyncio.sleep(self._tick_seconds)
            tick = getattr(self.market, "tick", None)
            if tick is not None:
                tick()
            for client in tuple(self._clients):
                try:
                    await self._tell(client, list(client.channels))
                except ConnectionClosed:
                    self._clients.discard(client)

    async def _beat_on(self) -> None:
        """Ask every client whether it lives; hang up on who does not say so."""
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            for client in tuple(self._clients) if self.sends_heartbeats else ():
                if client.unanswered * self._heartbeat_seconds > PATIENCE_SECONDS:
                    self.unanswered_heartbeats += 1
                    await client.socket.close(1000)
                    continue
                client.unanswered += 1
                request = {"method": "heartbeat", "params": {"type": "test_request"}}
                try:
                    await client.socket.send(json.dumps({"jsonrpc": "2.0"} | request))
                except ConnectionClosed:
                    self._clients.discard(client)

    async def _send_all(self, *messages: str | bytes) -> None:
        for client in tuple(self._clients):
            for raw in messages:
                await client.socket.send(raw)

    async def _hang_up(self, how: str) -> None:
        for client in tuple(self._clients):
            if how == "clean":
                await client.socket.close(1000)
                continue
            if how == "mid_message":
                client.socket.transport.write(HALF_A_FRAME)
                await asyncio.sleep(0.01)
            client.socket.transport.abort()


def notice(channel: str, data: Any) -> str:
    """A subscription message, as text."""
    params = {"channel": channel, "data": data}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params})


def _port_of(server: Server) -> int:
    (socket,) = server.sockets
    return int(socket.getsockname()[1])
