"""AdminService: for risk officers."""

from collections.abc import Callable

import grpc

from margingate.v1 import admin_service_pb2 as pb
from margingate_engine.core.amounts import MICRO, NANO, PPM, units_exact
from margingate_engine.core.errors import InvalidInput
from margingate_server.ledger.events import KillSwitchEngaged, KillSwitchReleased
from margingate_server.ledger.numbers import LimitNumbers
from margingate_server.ledger.state import KillSwitchState
from margingate_server.rpc.decimals import nano_text, parse_positive, ratio_text, usd_text
from margingate_server.rpc.fields import (
    enum_value,
    free_text,
    identifier,
    timestamp,
    underlying_name,
)
from margingate_server.rpc.lane import Lane
from margingate_server.rpc.order_codec import body_digest
from margingate_server.service.desk import Desk
from margingate_server.service.terms import Terms

SCOPES = {
    pb.KILL_SCOPE_ALL: "all",
    pb.KILL_SCOPE_ACCOUNT: "account",
    pb.KILL_SCOPE_UNDERLYING: "underlying",
}
MODES = {pb.KILL_MODE_BLOCK_ALL: "block_all", pb.KILL_MODE_REDUCE_ONLY: "reduce_only"}
_SCOPE_NUMBERS = {value: key for key, value in SCOPES.items()}
_MODE_NUMBERS = {value: key for key, value in MODES.items()}


class AdminServicer:
    """Parses, calls one use case, prints."""

    def __init__(self, lane: Lane, reload: Callable[[], tuple[Terms, bool]]) -> None:
        """reload: puts the files of now into force; what is, and whether it differs from before."""
        self._lane = lane
        self._reload = reload

    def SuspendAccount(  # noqa: N802 - gRPC names
        self, request: pb.SuspendAccountRequest, _context: grpc.ServicerContext
    ) -> pb.SuspendAccountResponse:
        """Refuse every order of an account."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        reason, digest = free_text(request.reason, "reason"), body_digest(request)
        changed = self._lane.decide(
            lambda desk, now_ns: desk.admin.suspend(account, reason, request_id, digest, now_ns)
        )
        return pb.SuspendAccountResponse(changed=changed)

    def ResumeAccount(  # noqa: N802
        self, request: pb.ResumeAccountRequest, _context: grpc.ServicerContext
    ) -> pb.ResumeAccountResponse:
        """Decide an account's orders again."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        digest = body_digest(request)
        changed = self._lane.decide(
            lambda desk, now_ns: desk.admin.resume(account, request_id, digest, now_ns)
        )
        return pb.ResumeAccountResponse(changed=changed)

    def EngageKillSwitch(  # noqa: N802
        self, request: pb.EngageKillSwitchRequest, _context: grpc.ServicerContext
    ) -> pb.EngageKillSwitchResponse:
        """Refuse the orders of a scope."""
        scope = enum_value(request.scope, SCOPES, "scope")
        event = KillSwitchEngaged(
            request_id=identifier(request.request_id, "request_id"),
            request_digest=body_digest(request),
            scope=scope,
            subject=_subject(scope, request.subject),
            mode=enum_value(request.mode, MODES, "mode"),
            reason=free_text(request.reason, "reason"),
        )
        engaged = self._lane.decide(
            lambda desk, now_ns: desk.admin.engage_kill_switch(event, now_ns)
        )
        return pb.EngageKillSwitchResponse(kill_switch=_kill_switch(engaged))

    def ReleaseKillSwitch(  # noqa: N802
        self, request: pb.ReleaseKillSwitchRequest, _context: grpc.ServicerContext
    ) -> pb.ReleaseKillSwitchResponse:
        """Lift a kill switch."""
        scope = enum_value(request.scope, SCOPES, "scope")
        event = KillSwitchReleased(
            request_id=identifier(request.request_id, "request_id"),
            request_digest=body_digest(request),
            scope=scope,
            subject=_subject(scope, request.subject),
        )
        changed = self._lane.decide(
            lambda desk, now_ns: desk.admin.release_kill_switch(event, now_ns)
        )
        return pb.ReleaseKillSwitchResponse(changed=changed)

    def SetLimits(  # noqa: N802
        self, request: pb.SetLimitsRequest, _context: grpc.ServicerContext
    ) -> pb.SetLimitsResponse:
        """Replace the limits of an account or the default."""
        account = identifier(request.account, "account") if request.account else ""
        request_id = identifier(request.request_id, "request_id")
        limits, digest = parse_limits(request.limits), body_digest(request)
        effective = self._lane.decide(
            lambda desk, now_ns: desk.admin.set_limits(account, limits, request_id, digest, now_ns)
        )
        return pb.SetLimitsResponse(effective=limits_message(effective))

    def GetLimits(  # noqa: N802
        self, request: pb.GetLimitsRequest, _context: grpc.ServicerContext
    ) -> pb.GetLimitsResponse:
        """Limits and kill switches in force."""
        account = identifier(request.account, "account") if request.account else ""

        def use(desk: Desk, _now_ns: int) -> pb.GetLimitsResponse:
            own, effective = desk.admin.limits(account)
            return pb.GetLimitsResponse(
                own=limits_message(own),
                effective=limits_message(effective),
                kill_switches=[_kill_switch(each) for each in desk.admin.kill_switches(account)],
            )

        return self._lane.read(use)

    def SetExperience(  # noqa: N802
        self, request: pb.SetExperienceRequest, _context: grpc.ServicerContext
    ) -> pb.SetExperienceResponse:
        """Say how experienced an account's owner is."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        tier, digest = request.experience_tier, body_digest(request)
        now = self._lane.decide(
            lambda desk, now_ns: desk.regimes.set_experience(
                account, tier, request_id, digest, now_ns
            )
        )
        return pb.SetExperienceResponse(experience_tier=now)

    def ReloadParameters(  # noqa: N802
        self, _request: pb.ReloadParametersRequest, _context: grpc.ServicerContext
    ) -> pb.ReloadParametersResponse:
        """Put the files of now into force."""
        terms, changed = self._reload()
        return pb.ReloadParametersResponse(
            changed=changed,
            models=[
                pb.LoadedModel(model=name, parameters_digest=model.parameters_digest)
                for name, model in sorted(terms.models.items())
            ],
        )


def parse_limits(message: pb.Limits) -> LimitNumbers:
    """Limits as set; an empty field sets none."""
    collar_ppm = _units(message.price_collar, PPM, "limits.price_collar")
    if collar_ppm is not None and collar_ppm > PPM:
        raise InvalidInput("limits.price_collar", "must be at most 1")
    return LimitNumbers(
        quantity_nano_max=_units(message.max_order_quantity, NANO, "limits.max_order_quantity"),
        quantity_usd_nano_max=_units(
            message.max_order_quantity_usd, NANO, "limits.max_order_quantity_usd"
        ),
        notional_micro_max=_units(message.max_order_notional, MICRO, "limits.max_order_notional"),
        collar_ppm=collar_ppm,
    )


def limits_message(limits: LimitNumbers) -> pb.Limits:
    """Limits on the wire; what is not set is empty."""
    message = pb.Limits()
    if limits.quantity_nano_max is not None:
        message.max_order_quantity = nano_text(limits.quantity_nano_max)
    if limits.quantity_usd_nano_max is not None:
        message.max_order_quantity_usd = nano_text(limits.quantity_usd_nano_max)
    if limits.notional_micro_max is not None:
        message.max_order_notional = usd_text(limits.notional_micro_max)
    if limits.collar_ppm is not None:
        message.price_collar = ratio_text(limits.collar_ppm)
    return message


def _units(text: str, per_whole: int, field: str) -> int | None:
    return units_exact(parse_positive(text, field), per_whole, field) if text else None


def _subject(scope: str, subject: str) -> str:
    if scope == "account":
        return identifier(subject, "subject")
    return underlying_name(subject, "subject") if scope == "underlying" else subject


def _kill_switch(state: KillSwitchState) -> pb.KillSwitch:
    return pb.KillSwitch(
        scope=_SCOPE_NUMBERS[state.scope],
        subject=state.subject,
        mode=_MODE_NUMBERS[state.mode],
        engage_time=timestamp(state.engaged_ns),
        reason=state.reason,
    )
