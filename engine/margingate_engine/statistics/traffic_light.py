"""The supervisors' zones for exceptions in 250 days at 99 %. [VAR-18]

Source: Basel Committee, supervisory framework for backtesting, 1996; its table, and that of the
market risk framework of 2019.
"""

from enum import Enum
from typing import NamedTuple

from scipy.special import bdtr

from margingate_engine.core.errors import InvalidInput


class Zone(Enum):
    """What a supervisor concludes."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"


class TrafficLight(NamedTuple):
    """Zone, chance of at most so many exceptions, and what is added to the two multipliers.

    add_on_1996 to a multiplier of 3, add_on_2019 to one of 1.5.
    """

    zone: Zone
    cumulative: float
    add_on_1996: float
    add_on_2019: float


DAYS = 250
_TAIL = 0.01
_YELLOW_FROM, _RED_FROM = 5, 10
_ADD_ONS_1996 = (0.40, 0.50, 0.65, 0.75, 0.85, 1.00)
_ADD_ONS_2019 = (0.20, 0.26, 0.33, 0.38, 0.42, 0.50)


def traffic_light(exceptions: int) -> TrafficLight:
    """What so many exceptions in DAYS days at 99 % mean. [VAR-18]"""
    if not 0 <= exceptions <= DAYS:
        raise InvalidInput("exceptions", f"must lie in [0, {DAYS}]")
    cumulative = float(bdtr(exceptions, DAYS, _TAIL))
    if exceptions < _YELLOW_FROM:
        return TrafficLight(Zone.GREEN, cumulative, 0.0, 0.0)
    step = min(exceptions, _RED_FROM) - _YELLOW_FROM
    zone = Zone.RED if exceptions >= _RED_FROM else Zone.YELLOW
    return TrafficLight(zone, cumulative, _ADD_ONS_1996[step], _ADD_ONS_2019[step])


def zone_of(exceptions: int, days: int, tail: float) -> Zone:
    """The same zones for any number of days and any tail, by the chance of at most so many.

    Yellow from 95 %, red from 99.99 %: which are the published borders at 250 days and 99 %.
    """
    cumulative = float(bdtr(exceptions, days, tail))
    if cumulative < 0.95:
        return Zone.GREEN
    return Zone.YELLOW if cumulative < 0.9999 else Zone.RED
