"""The forward that belongs to an option's mark, which marks between tickers come without."""

from collections.abc import Mapping
from typing import Final

from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import Instrument, Settlement

FORWARD_LAG_NS_MAX: Final = 5 * NANO
"""How much older than an option's mark its forward may be; tickers bring it every two seconds."""

_WITNESSES: Final = 3
"""So many options that ticked last say what the forward of their expiry is."""

_Expiry = tuple[str, int | None, Settlement]


class Forwards:
    """Forwards by tickers, in USD. Options of one expiry and settlement have one forward."""

    def __init__(self) -> None:
        self._own: dict[str, tuple[int, float]] = {}
        self._newest: dict[_Expiry, dict[str, tuple[int, float]]] = {}

    def put(self, option: Instrument, time_ns: int, forward: float) -> None:
        """What an option's ticker says; what is older than its last is left out."""
        name = option.name
        if self._own.get(name, (0, 0.0))[0] <= time_ns:
            self._own[name] = (time_ns, forward)
            newest = self._newest.setdefault(_expiry_of(option), {})
            newest.pop(name, None)
            newest[name] = (time_ns, forward)
            if len(newest) > _WITNESSES:
                del newest[next(iter(newest))]

    def at(self, option: Instrument, time_ns: int) -> float | None:
        """The forward of a mark of that time; None where all that is known is too old.

        Of a ticker's mark the ticker's own. Else the middle one of the newest of the expiry: the
        option's own may be of two seconds ago, and one wrong ticker must not carry the others off.
        """
        own_ns, own = self._own.get(option.name, (0, 0.0))
        if own_ns == time_ns:
            return own
        young = [
            forward
            for forward_ns, forward in self._newest.get(_expiry_of(option), {}).values()
            if time_ns - forward_ns <= FORWARD_LAG_NS_MAX
        ]
        if len(young) < _WITNESSES:
            return young[-1] if young else None
        return sorted(young)[_WITNESSES // 2]

    def keep(self, instruments: Mapping[str, Instrument]) -> None:
        """Forget what is not listed any more."""
        for name in self._own.keys() - instruments.keys():
            del self._own[name]
        for newest in self._newest.values():
            for name in newest.keys() - instruments.keys():
                del newest[name]
        self._newest = {expiry: newest for expiry, newest in self._newest.items() if newest}


def _expiry_of(option: Instrument) -> _Expiry:
    return option.underlying, option.expiry_ns, option.settlement
