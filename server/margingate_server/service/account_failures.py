"""Accounts whose margin could not be worked out as nobody foresaw, until somebody is told."""

from typing import NamedTuple


class AccountFailure(NamedTuple):
    """An account and why it failed."""

    account: str
    error: Exception


class AccountFailures:
    """One account's failure costs that account only: who meets it goes on, and leaves it here."""

    def __init__(self) -> None:
        self._found: list[AccountFailure] = []

    def add(self, account: str, error: Exception) -> None:
        """An account failed."""
        self._found.append(AccountFailure(account, error))

    def taken(self) -> list[AccountFailure]:
        """Those since they were last taken, in order."""
        found, self._found = self._found, []
        return found
