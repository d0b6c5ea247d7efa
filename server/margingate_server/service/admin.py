"""What risk officers do: suspend, kill, limit."""

from typing import TypeVar

from msgspec.structs import replace

from margingate_engine.core.errors import InvalidInput
from margingate_server.ledger.events import (
    AccountResumed,
    AccountSuspended,
    KillSwitchEngaged,
    KillSwitchReleased,
    LimitsSet,
)
from margingate_server.ledger.numbers import LimitNumbers
from margingate_server.ledger.state import KillSwitchState
from margingate_server.service.limits import joined_limits
from margingate_server.service.shard import Shard

EventT = TypeVar(
    "EventT", AccountSuspended, AccountResumed, KillSwitchEngaged, KillSwitchReleased, LimitsSet
)


class Admin:
    """Controls of a shard. A retry of a request changes nothing and is answered like the first."""

    def __init__(self, shard: Shard) -> None:
        self._shard = shard

    def suspend(
        self, account_id: str, reason: str, request_id: str, digest: str, now_ns: int
    ) -> tuple[bool, int]:
        """(whether it was not suspended before, event number)."""
        account = self._shard.account(account_id)
        event = AccountSuspended(
            account=account_id,
            request_id=request_id,
            request_digest=digest,
            reason=reason,
            changed=not account.is_suspended,
        )
        recorded, seq = self._once(event, now_ns)
        return recorded.changed, seq

    def resume(
        self, account_id: str, request_id: str, digest: str, now_ns: int
    ) -> tuple[bool, int]:
        """(whether it was suspended before, event number)."""
        account = self._shard.account(account_id)
        event = AccountResumed(
            account=account_id,
            request_id=request_id,
            request_digest=digest,
            changed=account.is_suspended,
        )
        recorded, seq = self._once(event, now_ns)
        return recorded.changed, seq

    def engage_kill_switch(
        self, event: KillSwitchEngaged, now_ns: int
    ) -> tuple[KillSwitchState, int]:
        """(what is in force, event number). UnknownName or InvalidInput for an unknown subject."""
        self._check_subject(event.scope, event.subject)
        _, seq = self._once(event, now_ns)
        engaged = self._shard.state.kill_switches.get((event.scope, event.subject))
        if engaged is None:  # a retry after the switch was released again
            engaged = KillSwitchState(
                scope=event.scope,
                subject=event.subject,
                mode=event.mode,
                reason=event.reason,
                engaged_ns=now_ns,
            )
        return engaged, seq

    def release_kill_switch(self, event: KillSwitchReleased, now_ns: int) -> tuple[bool, int]:
        """(whether it was in force before, event number)."""
        self._check_subject(event.scope, event.subject)
        was_engaged = (event.scope, event.subject) in self._shard.state.kill_switches
        recorded, seq = self._once(replace(event, changed=was_engaged), now_ns)
        return recorded.changed, seq

    def set_limits(
        self, account_id: str, limits: LimitNumbers, request_id: str, digest: str, now_ns: int
    ) -> tuple[LimitNumbers, int]:
        """(limits in force for the account or by default, event number)."""
        if account_id:
            self._shard.account(account_id)
        event = LimitsSet(
            request_id=request_id, request_digest=digest, subject=account_id, limits=limits
        )
        _, seq = self._once(event, now_ns)
        return self.limits(account_id)[1], seq

    def limits(self, account_id: str) -> tuple[LimitNumbers, LimitNumbers]:
        """(own, in force) limits of an account; of the default when it is empty."""
        default = self._shard.state.default_limits
        if not account_id:
            return default, default
        own = self._shard.account(account_id).limits
        return own, joined_limits(own, default)

    def kill_switches(self, account_id: str) -> tuple[KillSwitchState, ...]:
        """Those that cover an account, or all when it is empty."""
        return tuple(
            each
            for _, each in sorted(self._shard.state.kill_switches.items())
            if not account_id or each.scope != "account" or each.subject == account_id
        )

    def _check_subject(self, scope: str, subject: str) -> None:
        if scope == "all" and subject:
            raise InvalidInput("subject", "must be empty for KILL_SCOPE_ALL")
        if scope == "account":
            self._shard.account(subject)
        if scope == "underlying" and subject not in self._shard.market.view.table.underlyings:
            raise InvalidInput("subject", "is not a listed underlying")

    def _once(self, event: EventT, now_ns: int) -> tuple[EventT, int]:
        """(event, last event's number) as recorded now or for an earlier request of the same id.

        What is in force now is answered beside it, so it must be durable, too.
        """
        shard, request_id = self._shard, event.request_id
        first = shard.answered_as(type(event), event.account, request_id, event.request_digest)
        if first is None:
            return event, shard.record(event, now_ns)
        return first, shard.state.last_seq
