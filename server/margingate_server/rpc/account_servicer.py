"""AccountService: for back office and risk."""

import grpc

from margingate.v1 import account_service_pb2 as pb
from margingate.v1 import types_pb2 as types
from margingate_engine.check.decide import worst_of
from margingate_engine.check.explain import explanation, scenario_tables
from margingate_engine.core.errors import InvalidInput, MissingData
from margingate_engine.core.risk import Risk
from margingate_server.ledger.events import PositionsSet
from margingate_server.rpc.account_codec import (
    account_summary,
    balance_messages,
    parse_position,
    position_messages,
    position_risk_messages,
    regime_message,
)
from margingate_server.rpc.alert_codec import STATES
from margingate_server.rpc.collateral_codec import collateral_messages
from margingate_server.rpc.decimals import asset_text, nano_text, parse_decimal, usd_text
from margingate_server.rpc.decision_codec import (
    basis_message,
    component_message,
    exactness,
    risk_message,
    scenario_messages,
    worst_messages,
)
from margingate_server.rpc.fields import (
    count_between,
    free_text,
    identifier,
    instrument_name,
    page_size,
    underlying_name,
)
from margingate_server.rpc.lane import Lane
from margingate_server.rpc.order_codec import body_digest
from margingate_server.service.desk import Desk
from margingate_server.service.margin_states import instant_of
from margingate_server.service.qualifying import qualifying_equity
from margingate_server.service.regimes import RegimeAnswer, RegimeCommand

POSITIONS_MAX = 1_000
FEE_TIER_DEFAULT = "default"


class AccountServicer:
    """Parses, calls one use case, prints."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def CreateAccount(  # noqa: N802 - gRPC names
        self, request: pb.CreateAccountRequest, _context: grpc.ServicerContext
    ) -> pb.CreateAccountResponse:
        """Open an account."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        tier = identifier(request.fee_tier or FEE_TIER_DEFAULT, "fee_tier")
        digest = body_digest(request)

        def use(desk: Desk, now_ns: int) -> tuple[pb.CreateAccountResponse, int]:
            opened, seq = desk.accounts.create(account, tier, request_id, digest, now_ns)
            summary = account_summary(opened, desk.shard.market.model_of(opened.model))
            return pb.CreateAccountResponse(account=summary), seq

        return self._lane.decide(use)

    def GetAccount(  # noqa: N802
        self, request: pb.GetAccountRequest, _context: grpc.ServicerContext
    ) -> pb.GetAccountResponse:
        """One account."""
        account_id = identifier(request.account, "account")

        def use(desk: Desk, now_ns: int) -> pb.GetAccountResponse:
            account, view = desk.accounts.account_risk(account_id)
            monitoring = desk.shard.state.policy.monitoring
            instant = instant_of(account, view, monitoring, desk.age_limits, now_ns)
            equity = qualifying_equity(account.portfolio, view.view.table, view.view.snapshot)
            missing = 0 if view.risk is None else -view.risk.positions_risk.headroom
            return pb.GetAccountResponse(
                account=account_summary(account, view.view.arrays.model),
                balances=balance_messages(account),
                positions=position_messages(account, view.view.arrays),
                risk=risk_message(view.risk.risk) if view.risk is not None else None,
                qualifying_equity="" if equity is None else usd_text(equity),
                margin_call=usd_text(missing) if missing > 0 else "",
                state=STATES[instant.state],
                collateral=collateral_messages(view.risk),
            )

        return self._lane.read(use)

    def ListAccounts(  # noqa: N802
        self, request: pb.ListAccountsRequest, _context: grpc.ServicerContext
    ) -> pb.ListAccountsResponse:
        """Accounts by pages."""
        size = page_size(request.page_size)

        def use(desk: Desk, _now_ns: int) -> pb.ListAccountsResponse:
            accounts, models = desk.shard.state.accounts, desk.shard.market
            later = sorted(each for each in accounts if each > request.page_token)
            listed = [accounts[each] for each in later[:size]]
            return pb.ListAccountsResponse(
                accounts=[account_summary(each, models.model_of(each.model)) for each in listed],
                next_page_token=later[size - 1] if len(later) > size else "",
            )

        return self._lane.read(use)

    def AdjustCollateral(  # noqa: N802
        self, request: pb.AdjustCollateralRequest, _context: grpc.ServicerContext
    ) -> pb.AdjustCollateralResponse:
        """Book a deposit or withdrawal."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        asset = underlying_name(request.currency, "currency")
        amount = parse_decimal(request.amount, "amount")
        if not amount:
            raise InvalidInput("amount", "must not be zero")
        digest = body_digest(request)

        def use(desk: Desk, now_ns: int) -> tuple[tuple[int, Risk | None], int]:
            balance, seq = desk.accounts.adjust_collateral(
                account, asset, amount, request_id, digest, now_ns
            )
            return (balance, desk.accounts.current_risk(account)), seq

        balance, risk = self._lane.decide(use)
        return pb.AdjustCollateralResponse(
            balance=types.Balance(currency=asset, amount=asset_text(asset, balance)),
            risk=risk_message(risk),
        )

    def SetPositions(  # noqa: N802
        self, request: pb.SetPositionsRequest, _context: grpc.ServicerContext
    ) -> pb.SetPositionsResponse:
        """Replace the positions by a statement's."""
        account = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        count_between(len(request.positions), 0, POSITIONS_MAX, "positions")
        stated = [
            parse_position(each, f"positions[{number}]")
            for number, each in enumerate(request.positions)
        ]
        digest = body_digest(request)

        def use(desk: Desk, now_ns: int) -> tuple[pb.SetPositionsResponse, int]:
            event, seq = desk.accounts.set_positions(account, stated, request_id, digest, now_ns)
            return pb.SetPositionsResponse(
                breaks=_breaks(desk, event),
                risk=risk_message(desk.accounts.current_risk(account)),
            ), seq

        return self._lane.decide(use)

    def SetMarginRegime(  # noqa: N802
        self, request: pb.SetMarginRegimeRequest, _context: grpc.ServicerContext
    ) -> pb.SetMarginRegimeResponse:
        """Margin an account by another model, or say what that would come to."""
        command = RegimeCommand(
            account=identifier(request.account, "account"),
            model=identifier(request.model, "model"),
            request_id=identifier(request.request_id, "request_id"),
            digest=body_digest(request),
            is_forced=request.force,
            reason=free_text(request.reason, "reason"),
        )
        if request.force and request.validate_only:
            raise InvalidInput("force", "asks for a change, validate_only for none")
        if request.force and not request.reason:
            raise InvalidInput("reason", "is required with force")

        def message(desk: Desk, answer: RegimeAnswer, now_ns: int) -> pb.SetMarginRegimeResponse:
            account = desk.shard.account(command.account)
            model = desk.shard.market.model_of(account.model)
            return regime_message(answer, account, model, now_ns)

        def preview(desk: Desk, now_ns: int) -> pb.SetMarginRegimeResponse:
            answer = desk.regimes.preview(command.account, command.model, now_ns)
            return message(desk, answer, now_ns)

        def change(desk: Desk, now_ns: int) -> tuple[pb.SetMarginRegimeResponse, int]:
            answer, seq = desk.regimes.set_regime(command, now_ns)
            return message(desk, answer, now_ns), seq

        return self._lane.read(preview) if request.validate_only else self._lane.decide(change)

    def MoveMargin(  # noqa: N802
        self, request: pb.MoveMarginRequest, _context: grpc.ServicerContext
    ) -> pb.MoveMarginResponse:
        """Move margin between the free wallet and a position's."""
        account_id = identifier(request.account, "account")
        request_id = identifier(request.request_id, "request_id")
        instrument = instrument_name(request.instrument, "instrument")
        amount = parse_decimal(request.amount, "amount")
        if not amount:
            raise InvalidInput("amount", "must not be zero")
        digest = body_digest(request)

        def use(desk: Desk, now_ns: int) -> tuple[pb.MoveMarginResponse, int]:
            wallet, seq = desk.wallets.move(
                account_id, instrument, amount, request_id, digest, now_ns
            )
            risk = desk.accounts.account_risk(account_id)[1].risk
            positions = position_risk_messages(risk) if risk is not None else []
            return pb.MoveMarginResponse(
                wallet=usd_text(wallet),
                position=next((each for each in positions if each.instrument == instrument), None),
                risk=risk_message(None if risk is None else risk.risk),
            ), seq

        return self._lane.decide(use)

    def GetMargin(  # noqa: N802
        self, request: pb.GetMarginRequest, _context: grpc.ServicerContext
    ) -> pb.GetMarginResponse:
        """How the margin of an account comes about."""
        account_id = identifier(request.account, "account")

        def use(desk: Desk, now_ns: int) -> pb.GetMarginResponse:
            account, view = desk.accounts.account_risk(account_id)
            if view.risk is None:
                raise MissingData(view.missing_subject or account_id)
            worst = view.risk.requirements()
            return pb.GetMarginResponse(
                risk=risk_message(view.risk.risk),
                positions_only=risk_message(view.risk.positions_risk),
                exactness=exactness(is_exact=all(each.is_exact for each in worst)),
                explanation=component_message(explanation(view.risk)),
                scenarios=scenario_messages(scenario_tables(view.risk)),
                worst=worst_messages(worst_of(worst)),
                basis=basis_message(view.view, account.version, now_ns),
                positions=position_risk_messages(view.risk),
                collateral=collateral_messages(view.risk),
                stale=view.oldest.stale_subject(now_ns, desk.age_limits) is not None,
            )

        return self._lane.read(use)


def _breaks(desk: Desk, event: PositionsSet) -> list[pb.PositionBreak]:
    table = desk.shard.state.table
    lot_nano = {
        each.instrument: table.instruments[table.row_by_name[each.instrument]].lot_nano
        for each in event.breaks
    }
    return [
        pb.PositionBreak(
            instrument=each.instrument,
            booked_quantity=nano_text(each.booked_lots * lot_nano[each.instrument]),
            stated_quantity=nano_text(each.stated_lots * lot_nano[each.instrument]),
        )
        for each in event.breaks
    ]
