"""What the process says to a script."""

OK = 0
CANNOT_SERVE = 1
"""`serve` could not start: the port is taken, a file cannot be read."""
STOPPED_HANGING = 1
"""`serve` was told to end while a feed or a disk did not answer; what was acknowledged is kept."""
USAGE = 2
REJECTED = 3
"""The order was rejected, or would be."""
REFUSED = 4
"""The server refused the call itself: unknown account, malformed quantity."""
UNANSWERED = 5
"""No answer: not reachable, too late, or the answer was lost on its way."""
CORRUPT = 6
"""The ledger is not what was written: where and how was said."""
INTERNAL = 70
INTERRUPTED = 130
