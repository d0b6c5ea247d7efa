"""`margingate watch`."""

from collections import deque
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.live import Live

from margingate_server.cli import options
from margingate_server.cli.options import TARGET, TIMEOUT_SECONDS
from margingate_server.cli.session import connected, screen
from margingate_server.cli.tables.watching import watch_line, watch_panel
from margingate_server.client import MargingateCallError, WatchAccountResponse
from margingate_server.clock import Clock, SystemClock

RATIOS_MAX = 1_000
FRAMES_PER_SECOND = 4
QUIET_SECONDS = 6.0
"""The server says something every 5 s, or at the interval asked for."""

app = typer.Typer(add_completion=False)


@app.command()
def watch(
    account: options.Account,
    *,
    interval: Annotated[
        float,
        typer.Option(min=0.1, max=60.0, metavar="SECONDS", help="Between two messages at least."),
    ] = 1.0,
    is_lines: Annotated[
        bool, typer.Option("--lines", help="A line for each message, as in a pipe.")
    ] = False,
    count: Annotated[
        int, typer.Option(min=0, metavar="N", help="End after so many messages; 0: never.")
    ] = 0,
    target: options.Target = TARGET,
    timeout: options.Timeout = TIMEOUT_SECONDS,
    is_json: options.AsJson = False,
) -> None:
    """Show an account's margin whenever it moves, until Ctrl-C.

    margingate watch desk-1 --interval 0.5
    """
    with connected(target, timeout, is_json) as session:
        view = View(interval)
        messages = session.gate.watching.account(
            account, interval_seconds=interval, resuming=view.interrupted
        )
        if is_json or is_lines or not screen().is_terminal:
            for number, each in enumerate(messages, start=1):
                session.show_line(each, watch_line)
                if number == count:
                    return
            return
        with Live(
            get_renderable=view.panel,
            console=screen(),
            refresh_per_second=FRAMES_PER_SECOND,
        ):
            for number, each in enumerate(messages, start=1):
                view.take(each)
                if number == count:
                    return


class View:
    """What is on the screen: the newest message, and how long it has been there."""

    def __init__(self, interval_seconds: float, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._quiet_seconds = interval_seconds + QUIET_SECONDS
        self._ratios: deque[float] = deque(maxlen=RATIOS_MAX)
        self._newest = WatchAccountResponse()
        self._taken_at = self._clock.seconds()
        self._note = ""

    def take(self, message: WatchAccountResponse) -> None:
        """Show this one from here on."""
        self._newest, self._taken_at, self._note = message, self._clock.seconds(), ""
        if message.HasField("margin_ratio") and not message.heartbeat:
            self._ratios.append(message.margin_ratio)

    def interrupted(self, error: MargingateCallError) -> None:
        """The stream ended and is opened anew."""
        self._note = f"interrupted, trying again: {error}"

    def panel(self) -> RenderableType:
        """The screen now; it is drawn by a thread of its own."""
        waited = self._clock.seconds() - self._taken_at
        note = self._note
        if not note and waited > self._quiet_seconds:
            note = f"the server has said nothing for {waited:.0f} s"
        return watch_panel(self._newest, list(self._ratios), waited, note)
