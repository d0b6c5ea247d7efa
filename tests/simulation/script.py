"""What happened in a world: the last lines in words, and how often what."""

from collections import Counter, deque

from tests.simulation.simulated_clock import SimulatedClock

LINES_MAX = 30


class Script:
    """Words are put together only when somebody reads them. step: of the world, set by it."""

    def __init__(self, clock: SimulatedClock) -> None:
        self._clock = clock
        self._said: deque[tuple[int, float, str, tuple[object, ...]]] = deque(maxlen=LINES_MAX)
        self.counts: Counter[str] = Counter()
        self.step = 0

    def say(self, words: str, *things: object) -> None:
        """A line, with a `{}` for each thing."""
        self._said.append((self.step, self._clock.seconds(), words, things))

    def count(self, what: str) -> None:
        """It happened once more."""
        self.counts[what] += 1

    def lines(self) -> list[str]:
        """The last lines: step, seconds since the start, what."""
        return [
            f"{step:>5} {seconds:>9.3f}s  {words.format(*things)}"
            for step, seconds, words, things in self._said
        ]
