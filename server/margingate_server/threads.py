"""How the server's own threads end."""

from threading import Thread

END_SECONDS_MAX = 10.0
"""How long a thread may take to end: what it waits for, a venue or a disk, may never answer."""


def has_ended(thread: Thread) -> bool:
    """Whether a thread that was told to end did so in time; one that was never started has."""
    if thread.is_alive():
        thread.join(END_SECONDS_MAX)
    return not thread.is_alive()
