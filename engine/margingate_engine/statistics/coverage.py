"""Did losses exceed the margin as often, and as irregularly, as promised? [VAR-16, VAR-17]"""

from math import log
from typing import NamedTuple

import numpy as np
from scipy.special import chdtrc

from margingate_engine.core.arrays import BoolArray
from margingate_engine.core.errors import InvalidInput


class LikelihoodRatio(NamedTuple):
    """A statistic >= 0 and the chance of one at least as large where the promise is kept."""

    statistic: float
    p_value: float


class Transitions(NamedTuple):
    """Days without (0) and with (1) an exception, by the day before: n01 is 0 followed by 1."""

    n00: int
    n01: int
    n10: int
    n11: int


def kupiec(exceptions: int, days: int, tail: float) -> LikelihoodRatio:
    """Proportion of failures against the promised `tail` (0.01 at 99 %), chi-square(1). [VAR-16]

    InvalidInput unless 0 <= exceptions <= days, days >= 1 and 0 < tail < 1.
    """
    if not (0 <= exceptions <= days and days >= 1):
        raise InvalidInput("exceptions", "must lie in [0, days]")
    if not 0 < tail < 1:
        raise InvalidInput("tail", "must lie between 0 and 1")
    kept = days - exceptions
    promised = _log_likelihood(kept, exceptions, tail)
    return _tested(_log_likelihood(kept, exceptions, exceptions / days) - promised, 1)


def transitions(is_exception_t: BoolArray) -> Transitions:
    """Counts of the four successions of two days."""
    before_t, after_t = is_exception_t[:-1], is_exception_t[1:]
    return Transitions(
        n00=int(np.count_nonzero(~before_t & ~after_t)),
        n01=int(np.count_nonzero(~before_t & after_t)),
        n10=int(np.count_nonzero(before_t & ~after_t)),
        n11=int(np.count_nonzero(before_t & after_t)),
    )


def independence(is_exception_t: BoolArray) -> LikelihoodRatio:
    """Christoffersen: an exception is as likely after one as after none, chi-square(1). [VAR-17]

    InvalidInput with fewer than two days.
    """
    if len(is_exception_t) < 2:
        raise InvalidInput("days", "must be at least 2")
    n00, n01, n10, n11 = transitions(is_exception_t)
    apart = _fitted(n00, n01) + _fitted(n10, n11)
    return _tested(apart - _fitted(n00 + n10, n01 + n11), 1)


def conditional_coverage(is_exception_t: BoolArray, tail: float) -> LikelihoodRatio:
    """Both at once: the sum of the two statistics, chi-square(2). [VAR-17]"""
    frequency = kupiec(int(np.count_nonzero(is_exception_t)), len(is_exception_t), tail)
    statistic = frequency.statistic + independence(is_exception_t).statistic
    return LikelihoodRatio(statistic, float(chdtrc(2, statistic)))


def _tested(log_ratio: float, freedom: int) -> LikelihoodRatio:
    # Rounding may leave a ratio of one a hair below it.
    statistic = max(0.0, 2.0 * log_ratio)
    return LikelihoodRatio(statistic, float(chdtrc(freedom, statistic)))


def _fitted(kept: int, exceptions: int) -> float:
    """Log-likelihood at the frequency that was observed; 0 of no days."""
    days = kept + exceptions
    return _log_likelihood(kept, exceptions, exceptions / days) if days else 0.0


def _log_likelihood(kept: int, exceptions: int, tail: float) -> float:
    """Of so many days without and with an exception, 0 log 0 being 0."""
    without = kept * log(1.0 - tail) if kept else 0.0
    return without + (exceptions * log(tail) if exceptions else 0.0)
