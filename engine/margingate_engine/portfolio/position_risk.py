"""Margin of a position that has a wallet, and how near it is to liquidation. [ISO-04, MON-15]"""

from typing import NamedTuple

from margingate_engine.core.amounts import PPM
from margingate_engine.core.risk import Risk

STRAIN_PPM_MAX = 10**12
"""Beyond a million times what lies between both margins, no more is told of a strain."""


class PositionRisk(NamedTuple):
    """Margin of one position: row, wallet in 1e-6 USD, and its own equity against it. [ISO-04]"""

    row: int
    wallet: int
    risk: Risk

    @property
    def is_liquidatable(self) -> bool:
        """True when what it has to itself does not exceed a maintenance margin that it has."""
        return self.risk.maintenance > 0 and self.risk.equity <= self.risk.maintenance

    @property
    def strain_ppm(self) -> int:
        """How much of what lies between initial and maintenance margin is lost, 1e-6. [MON-15]

        Rounded down, in [0, STRAIN_PPM_MAX]; at least 1e6 just where it is due for liquidation.
        """
        equity, initial, maintenance = self.risk.equity, self.risk.initial, self.risk.maintenance
        if not maintenance or equity >= initial > maintenance:
            return 0
        if initial <= maintenance:
            return PPM if self.is_liquidatable else 0
        return min((initial - equity) * PPM // (initial - maintenance), STRAIN_PPM_MAX)
