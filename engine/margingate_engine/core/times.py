"""Lengths of time. A year has 365 days wherever years are counted."""

from margingate_engine.core.amounts import NANO

DAY_NS = 86_400 * NANO
YEAR_DAYS = 365
YEAR_NS = YEAR_DAYS * DAY_NS
