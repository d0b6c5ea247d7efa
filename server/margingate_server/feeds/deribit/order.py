"""Whether a message comes in time and in order, by the venue's own timestamps."""

from collections.abc import Iterable
from typing import Final

from margingate_engine.core.amounts import NANO
from margingate_server.feeds.deribit.payloads import NS_PER_MILLISECOND, TIMESTAMP_MAX

AHEAD_NS_MAX: Final = 5 * NANO
"""A venue's clock further ahead of ours is wrong, or the message is damaged: taken, it would keep
everything after it out."""

LATE_NS_MAX: Final = 3 * NANO
"""What lay somewhere for longer is no price of now, whenever it arrives."""


class MessageOrder:
    """The newest timestamp of each stream. Streams without sequence numbers have nothing better."""

    def __init__(self) -> None:
        self._newest_ns: dict[tuple[str, str], int] = {}

    def problem(self, stream: tuple[str, str], timestamp_ms: int, now_ns: int) -> str:
        """Why a message is not taken: absurd, ahead, late, out_of_order or duplicate.

        Empty when it may be, and is the newest of its stream from here on.
        """
        if not 0 < timestamp_ms < TIMESTAMP_MAX:
            return "absurd"
        time_ns = timestamp_ms * NS_PER_MILLISECOND
        if time_ns > now_ns + AHEAD_NS_MAX:
            return "ahead"
        if time_ns < now_ns - LATE_NS_MAX:
            return "late"
        newest_ns = self._newest_ns.get(stream, 0)
        if time_ns <= newest_ns:
            return "duplicate" if time_ns == newest_ns else "out_of_order"
        self._newest_ns[stream] = time_ns
        return ""

    def quiet(self, channels: Iterable[str], since_ns: int) -> set[str]:
        """Those channels whose newest timestamp is before `since_ns`, by the venue's clock."""
        heard = {channel for (channel, _), newest in self._newest_ns.items() if newest >= since_ns}
        return set(channels) - heard

    def forget(self, kept_names: frozenset[str]) -> None:
        """Drop the streams of instruments that are not listed any more."""
        self._newest_ns = {
            (channel, name): newest_ns
            for (channel, name), newest_ns in self._newest_ns.items()
            if not name or name in kept_names
        }
