"""What every test starts from."""

import logging
from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def the_log_as_it_was() -> Iterator[None]:
    """Undo what a test configured: its stream is closed when the next one logs."""
    configuration, handlers = structlog.get_config(), list(logging.getLogger().handlers)
    yield
    structlog.configure(**configuration)
    logging.getLogger().handlers[:] = handlers
