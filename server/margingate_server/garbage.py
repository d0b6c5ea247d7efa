"""When Python looks for cycles that nothing refers to."""

import gc


def settle_garbage_collector() -> None:
    """Keep what was built at the start out of collections, which stop every thread.

    A full collection over a thousand accounts took more than 0.1 s; reference counts free what
    requests leave behind, and cycles are rare.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
