"""Synthetic daily prices and vols."""

from datetime import date, timedelta

import numpy as np

FIRST = date(2020, 1, 1)


def closes(seed: int, days: int, deviation: float = 0.03, first: date = FIRST) -> dict[date, float]:
    """A random walk without clusters."""
    changes = np.random.default_rng(seed).standard_normal(days) * deviation
    levels = 100.0 * np.exp(np.cumsum(changes))
    return {first + timedelta(days=day): float(level) for day, level in enumerate(levels)}


def vols(seed: int, days: int) -> dict[date, float]:
    """Per cent, near 60."""
    changes = np.random.default_rng(seed).standard_normal(days) * 2.0
    return {FIRST + timedelta(days=day): 60.0 + float(c) for day, c in enumerate(changes)}
