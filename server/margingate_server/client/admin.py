"""Calls of risk officers."""

from enum import StrEnum

import grpc

from margingate.v1 import admin_service_pb2 as wire
from margingate.v1.admin_service_pb2_grpc import AdminServiceStub
from margingate_server.client.amounts import Amount, optional_text
from margingate_server.client.caller import Caller
from margingate_server.client.ids import new_id


class KillScope(StrEnum):
    """What a kill switch covers."""

    ALL = "all"
    ACCOUNT = "account"
    UNDERLYING = "underlying"


class KillMode(StrEnum):
    """What a kill switch still lets pass: nothing, or what reduces risk."""

    BLOCK_ALL = "block-all"
    REDUCE_ONLY = "reduce-only"


_SCOPES = {
    KillScope.ALL: wire.KILL_SCOPE_ALL,
    KillScope.ACCOUNT: wire.KILL_SCOPE_ACCOUNT,
    KillScope.UNDERLYING: wire.KILL_SCOPE_UNDERLYING,
}
_MODES = {
    KillMode.BLOCK_ALL: wire.KILL_MODE_BLOCK_ALL,
    KillMode.REDUCE_ONLY: wire.KILL_MODE_REDUCE_ONLY,
}


class Admin:
    """The admin service; see MarginGate for what its methods return and raise."""

    def __init__(self, channel: grpc.Channel, caller: Caller) -> None:
        self._service = AdminServiceStub(channel)
        self._call = caller

    def suspend_account(
        self, account: str, *, reason: str = "", request_id: str = ""
    ) -> wire.SuspendAccountResponse:
        """Whether the account was not suspended before; it is now, and its orders are refused."""
        request = wire.SuspendAccountRequest(
            request_id=request_id or new_id(), account=account, reason=reason
        )
        return self._call(self._service.SuspendAccount, request)

    def resume_account(self, account: str, *, request_id: str = "") -> wire.ResumeAccountResponse:
        """Whether the account was suspended before; it no longer is."""
        request = wire.ResumeAccountRequest(request_id=request_id or new_id(), account=account)
        return self._call(self._service.ResumeAccount, request)

    def engage_kill_switch(
        self,
        scope: KillScope,
        subject: str = "",
        *,
        mode: KillMode = KillMode.BLOCK_ALL,
        reason: str = "",
        request_id: str = "",
    ) -> wire.EngageKillSwitchResponse:
        """The kill switch in force. subject: the account or underlying; empty for KillScope.ALL."""
        request = wire.EngageKillSwitchRequest(
            request_id=request_id or new_id(),
            scope=_SCOPES[scope],
            subject=subject,
            mode=_MODES[mode],
            reason=reason,
        )
        return self._call(self._service.EngageKillSwitch, request)

    def release_kill_switch(
        self, scope: KillScope, subject: str = "", *, request_id: str = ""
    ) -> wire.ReleaseKillSwitchResponse:
        """Whether a kill switch of this scope was in force; it no longer is."""
        request = wire.ReleaseKillSwitchRequest(
            request_id=request_id or new_id(), scope=_SCOPES[scope], subject=subject
        )
        return self._call(self._service.ReleaseKillSwitch, request)

    def set_limits(
        self,
        account: str = "",
        *,
        max_order_quantity: Amount | None = None,
        max_order_quantity_usd: Amount | None = None,
        max_order_notional: Amount | None = None,
        price_collar: Amount | None = None,
        request_id: str = "",
    ) -> wire.SetLimitsResponse:
        """Limits in force once these replaced all of the account's (empty: of the default's)."""
        limits = wire.Limits(
            max_order_quantity=optional_text(max_order_quantity),
            max_order_quantity_usd=optional_text(max_order_quantity_usd),
            max_order_notional=optional_text(max_order_notional),
            price_collar=optional_text(price_collar),
        )
        request = wire.SetLimitsRequest(
            request_id=request_id or new_id(), account=account, limits=limits
        )
        return self._call(self._service.SetLimits, request)

    def set_experience(
        self, account: str, experience_tier: int, *, request_id: str = ""
    ) -> wire.SetExperienceResponse:
        """The account's tier of experience, 0 to 9, which regimes may ask for."""
        request = wire.SetExperienceRequest(
            request_id=request_id or new_id(), account=account, experience_tier=experience_tier
        )
        return self._call(self._service.SetExperience, request)

    def reload_parameters(self) -> wire.ReloadParametersResponse:
        """The models once parameters, fees and policy were read again from the server's files."""
        return self._call(self._service.ReloadParameters, wire.ReloadParametersRequest())

    def get_limits(self, account: str = "") -> wire.GetLimitsResponse:
        """Limits and kill switches of the account, or the default and all kill switches."""
        return self._call(self._service.GetLimits, wire.GetLimitsRequest(account=account))
