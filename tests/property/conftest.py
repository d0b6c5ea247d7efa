"""Hypothesis: the same examples every time, and more of them on request.

HYPOTHESIS_PROFILE=steady (`make properties`, which CI runs) tries five times as many, `thorough`
searches at random and for longer.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

from tests.property.effort import STEADY_EXAMPLES

_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
for _name, _count in (("quick", STEADY_EXAMPLES // 5), ("steady", STEADY_EXAMPLES)):
    settings.register_profile(
        _name,
        deadline=None,
        derandomize=True,
        max_examples=_count,
        suppress_health_check=_SLOW,
    )
settings.register_profile(
    "thorough", deadline=None, max_examples=3_000, suppress_health_check=_SLOW
)
_profile = os.environ.get("HYPOTHESIS_PROFILE", "quick")
settings.load_profile(_profile)
if _profile != "thorough" and hasattr(providers, "_get_local_constants"):
    # Examples are also drawn from the constants of whatever modules are loaded: with several
    # workers other ones at every run, so that a run would not be the one before it.
    _NO_CONSTANTS = providers._local_constants
    providers._get_local_constants = lambda: _NO_CONSTANTS
