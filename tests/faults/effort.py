"""How long the tests of faults look: FAULTS=long, as `make faults` says, or short in every run."""

import os

IS_LONG = os.environ.get("FAULTS") == "long"


def times(short: int, long: int) -> int:
    """How often to do something: `short` in every test run, `long` in the long version."""
    return long if IS_LONG else short
