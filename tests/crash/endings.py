"""How a process of the server comes to its end."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from time import sleep

from tests.crash.server import STOP_SECONDS_MAX, Server

LOAD_SECONDS_MAX = 0.9
EXPIRING_SECONDS = (8.0, 10.5)
"""Holds end by themselves so long after a start: their duration and the server's safety lag."""

STILL_SHARE = 0.4
STILL_SECONDS_MAX = 0.5
STOPPING_SECONDS_MAX = 0.25
RECOVERING_SECONDS_MAX = 0.12
STARTING_SECONDS_MAX = 0.9
POLL_SECONDS = 0.001


@dataclass(frozen=True, slots=True)
class Quiet:
    """Set to let the feed, and the clients, come to rest."""

    feed: Event = field(default_factory=Event)
    clients: Event = field(default_factory=Event)


@dataclass(frozen=True, slots=True)
class Ending:
    """A kind of ending and how often it comes. end: works on a server under load."""

    name: str
    weight: int
    end: Callable[[Server, random.Random, Quiet], None]


def load(source: random.Random, quiet: Quiet, still_share: float = STILL_SHARE) -> None:
    """Let the clients go on for a while, now and then with a market that stands still at the end.

    Under prices that stand still the server only adds and takes off: every margin it shows then is
    compared with one that is worked out anew after the restart.
    """
    sleep(source.uniform(0, LOAD_SECONDS_MAX))
    if source.random() < still_share:
        quiet.feed.set()
        sleep(source.uniform(0, STILL_SECONDS_MAX))


def kill_under_load(server: Server, source: random.Random, quiet: Quiet) -> None:
    """SIGKILL at any instant."""
    load(source, quiet)
    server.kill()


def kill_while_holds_end(server: Server, source: random.Random, _quiet: Quiet) -> None:
    """SIGKILL after holds that a duration was given for have begun to end."""
    sleep(source.uniform(*EXPIRING_SECONDS))
    server.kill()


def kill_while_stopping(server: Server, source: random.Random, quiet: Quiet) -> None:
    """SIGTERM under load, and SIGKILL before it has done what it then does."""
    load(source, quiet)
    server.ask_to_stop()
    sleep(source.uniform(0, STOPPING_SECONDS_MAX))
    server.kill()


def stop_cleanly(server: Server, source: random.Random, quiet: Quiet) -> None:
    """SIGTERM under load; it must end well by itself."""
    load(source, quiet)
    server.ask_to_stop()
    code = server.process.wait(STOP_SECONDS_MAX)
    assert code == 0, f"the server ended with {code} when asked to stop:\n" + "".join(server.log)


def fall_quiet(_server: Server, source: random.Random, quiet: Quiet) -> None:
    """Let the clients come to rest first; whoever called this kills the server."""
    load(source, quiet, still_share=1.0)
    quiet.clients.set()


UNDER_LOAD = (
    Ending("killed under load", 60, kill_under_load),
    Ending("killed while stopping", 12, kill_while_stopping),
    Ending("stopped cleanly", 6, stop_cleanly),
)


AT_REST = Ending("killed at rest", 0, fall_quiet)
AT_REST_EVERY = 6
EXPIRING = Ending("killed while holds end", 0, kill_while_holds_end)
EXPIRING_EVERY, EXPIRING_AT = 20, 9


def draw_ending(source: random.Random, number: int) -> Ending:
    """How the process number so many of a ledger, from 0, ends."""
    if number % EXPIRING_EVERY == EXPIRING_AT:
        return EXPIRING
    if number % AT_REST_EVERY == 1:
        return AT_REST
    return source.choices(UNDER_LOAD, [each.weight for each in UNDER_LOAD])[0]


def kill_while_starting(server: Server, source: random.Random) -> str:
    """SIGKILL before it serves: half of the time while it recovers; the name of what was hit."""
    if source.random() < 0.3:
        sleep(source.uniform(0, STARTING_SECONDS_MAX))
    else:
        while not server.is_recovering() and not server.has_ended():
            sleep(POLL_SECONDS)
        sleep(source.uniform(0, RECOVERING_SECONDS_MAX))
    was_recovering = server.is_recovering()
    assert not server.has_ended(), "the server ended by itself:\n" + "".join(server.log)
    server.kill()
    return "killed while recovering" if was_recovering else "killed while starting"
