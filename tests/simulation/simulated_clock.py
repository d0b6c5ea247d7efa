"""Time as the world has it, and as the server's clock tells it."""

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

START_NS = 1_767_225_600 * 10**9
SECOND_NS = 10**9


class Instant(NamedTuple):
    """A moment: by true time, and what the server's clock showed."""

    true_ns: int
    shown_ns: int


@dataclass(slots=True)
class SimulatedClock:
    """A Clock. elapsed_ns: true time since the start. ahead_ns: how far the clock's face is off."""

    elapsed_ns: int = 0
    ahead_ns: int = 0

    def now_ns(self) -> int:
        """What the server's clock shows."""
        return START_NS + self.elapsed_ns + self.ahead_ns

    def true_ns(self) -> int:
        """What the market's own clock shows."""
        return START_NS + self.elapsed_ns

    def instant(self) -> Instant:
        """Now."""
        return Instant(self.true_ns(), self.now_ns())

    def seconds(self) -> float:
        """Seconds that never go back."""
        return self.elapsed_ns / SECOND_NS

    def pass_time(self, duration_ns: int) -> None:
        """Let time go by."""
        assert duration_ns >= 0
        self.elapsed_ns += duration_ns

    def step(self, by_ns: int) -> None:
        """Set the clock's face, as an administrator or a broken time service does."""
        self.ahead_ns += by_ns

    def disturb(self, random: Random) -> None:
        """Time passes with nothing happening, or the face is set, or set right."""
        roll = random.random()
        if roll < 0.5:
            self.pass_time(random.randint(1, 30) * SECOND_NS)
        elif roll < 0.65:
            self.step(-random.randint(1, 900) * 1_000_000)
        elif roll < 0.8:
            self.step(-random.randint(1, 40) * SECOND_NS)
        elif roll < 0.9:
            self.step(random.randint(1, 40) * SECOND_NS)
        else:
            self.ahead_ns = 0
