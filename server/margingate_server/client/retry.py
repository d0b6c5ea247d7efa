"""How often and how fast a call is repeated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Tries in all (1 means no retry) and the pauses between them, in seconds."""

    tries_max: int = 3
    pause_seconds_first: float = 0.05
    pause_seconds_max: float = 1.0

    def __post_init__(self) -> None:
        if self.tries_max < 1:
            raise ValueError(f"tries_max is {self.tries_max}; at least 1 try is needed")
        if not 0.0 <= self.pause_seconds_first <= self.pause_seconds_max:
            raise ValueError("pauses must be 0 <= pause_seconds_first <= pause_seconds_max")

    def pause_seconds(self, tries: int, jitter: float) -> float:
        """Pause after `tries` failures: doubles to a cap, less up to half by `jitter` in [0, 1)."""
        assert tries >= 1
        longest = min(self.pause_seconds_max, self.pause_seconds_first * 2.0 ** (tries - 1))
        return longest * (0.5 + 0.5 * jitter)
