"""The supervisors' zones for exceptions in 250 days at 99 %. [VAR-18]

Source: Basel Committee, supervisory framework for backtesting, 1996.
"""

from enum import Enum

from scipy.special import bdtr


class Zone(Enum):
    """What a supervisor concludes."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


DAYS = 250
"""Of the published table."""


def zone_of(exceptions: int, days: int, tail: float) -> Zone:
    """The zone of so many exceptions, for any days and tail, by the chance of at most so many.

    Yellow from 95 %, red from 99.99 %: which are the published borders at 250 days and 99 %.
    """
    cumulative = float(bdtr(exceptions, days, tail))
    if cumulative < 0.95:
        return Zone.GREEN
    return Zone.YELLOW if cumulative < 0.9999 else Zone.RED
