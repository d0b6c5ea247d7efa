"""Request ids, order ids and fill ids, never the same twice."""

from itertools import count


class Ids:
    """Counts per prefix."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def fresh(self, prefix: str) -> str:
        """An id nobody had before."""
        return f"{prefix}{next(self._numbers)}"
