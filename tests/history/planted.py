"""Bugs that a server can be given, to show that the checker finds them in what clients see."""

from collections.abc import Callable
from random import Random
from threading import Thread
from typing import Any

import grpc

from margingate.v1 import account_service_pb2 as accounts
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_server.ledger import fold
from margingate_server.rpc.account_servicer import AccountServicer
from margingate_server.rpc.lane import Lane, LedgerDown, Ticket

EVERY = 10


def stale_reads(random: Random) -> None:
    """Now and then an account is answered as it was when it was last read."""
    original = AccountServicer.GetAccount
    last: dict[str, accounts.GetAccountResponse] = {}

    def get_account(
        self: AccountServicer,
        request: accounts.GetAccountRequest,
        context: grpc.ServicerContext,
    ) -> accounts.GetAccountResponse:
        if request.account not in last or random.randrange(EVERY):
            last[request.account] = original(self, request, context)
        return last[request.account]

    _replace(AccountServicer, "GetAccount", get_account)


def lost_updates(random: Random) -> None:
    """Now and then a deposit is acknowledged and written, and moves no cash."""
    original = fold.add_cash

    def add_cash(portfolio: Any, asset: str, units: int) -> None:
        if random.randrange(EVERY):
            original(portfolio, asset, units)

    _replace(fold, "add_cash", add_cash)


def double_spends(random: Random) -> None:
    """Now and then an accepted order holds no margin, which the next one gets as well."""
    original = AccountRisk.hold

    def hold(self: AccountRisk, held: Any) -> None:
        if random.randrange(EVERY):
            original(self, held)

    _replace(AccountRisk, "hold", hold)


def early_replies(_random: Random) -> None:
    """Answers leave before what they rest on is durable."""
    original = Lane._commit_through

    def commit(lane: Lane, ticket: Ticket) -> None:
        try:
            original(lane, ticket)
        except LedgerDown:
            return

    def commit_later(self: Lane, ticket: Ticket) -> None:
        Thread(target=commit, args=(self, ticket), daemon=True).start()

    _replace(Lane, "_commit_through", commit_later)


def _replace(owner: object, name: str, new: Callable[..., Any]) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, new)


BUGS: dict[str, Callable[[Random], None]] = {
    "stale_reads": stale_reads,
    "lost_updates": lost_updates,
    "double_spends": double_spends,
    "early_replies": early_replies,
}
