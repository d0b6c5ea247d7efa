"""How hard a test looks, relative to the profile in force."""

from hypothesis import settings

STEADY_EXAMPLES = 100


def examples(count: int) -> settings:
    """`count` examples in the profile "steady", in proportion in others."""
    profile = settings.get_current_profile_name()
    largest = settings.get_profile(profile).max_examples
    return settings(max_examples=max(1, count * largest // STEADY_EXAMPLES))
