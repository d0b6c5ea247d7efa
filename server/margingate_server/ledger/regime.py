"""The regimes, and which of them a model belongs to."""

from enum import Enum


class Regime(Enum):
    """How an account is margined."""

    PORTFOLIO = "portfolio"
    STRATEGY = "strategy"
    ISOLATED = "isolated"
    CROSS = "cross"


REGIME_BY_MODEL = {
    "span": Regime.PORTFOLIO,
    "span_cc": Regime.PORTFOLIO,
    "tims": Regime.PORTFOLIO,
    "var": Regime.PORTFOLIO,
    "strategy": Regime.STRATEGY,
    "isolated": Regime.ISOLATED,
    "cross": Regime.CROSS,
}

OPENING = "opening"
"""Name in a policy of what accounts open under, until a model is chosen for them."""
