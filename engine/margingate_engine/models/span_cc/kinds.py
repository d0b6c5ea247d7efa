"""The choices that SPAN files leave to an exchange. docs/methodology/span-files.md"""

from enum import Enum


class PriceRiskMethod(Enum):
    """How the weighted futures price risk of a combined commodity is found. [SCC-05]"""

    NORMAL = "normal"
    CAP = "cap"
    SCANRANGE = "scanrange"


class MinimumMethod(Enum):
    """Which short options count for the minimum: calls and puts, or the larger. [SCC-09]"""

    GROSS = "gross"
    MAX = "max"


class ChargeMethod(Enum):
    """What a calendar spread's rate is: per spread, per month apart, of price risk. [SCC-07]"""

    FLAT = "flat"
    PER_MONTH = "per_month"
    WEIGHTED = "weighted"


class Side(Enum):
    """One of the two opposite sides of the market; which of them is long is tried both ways."""

    A = "A"
    B = "B"


class InterMethod(Enum):
    """How two combined commodities offset each other. [SCC-11, SCC-12]"""

    DELTA = "delta"
    SCANNING = "scanning"
