"""One number of a calculation, and what it is made of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A named amount in 1e-6 USD with its parts.

    Parts need not add up: `name` says how they combine.
    """

    name: str
    subject: str = ""
    amount: int
    parts: tuple["Component", ...] = ()
