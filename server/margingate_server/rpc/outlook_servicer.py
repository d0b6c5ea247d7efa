"""GetOutlook: what lies ahead of an account."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import grpc

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.amounts import NANO, PPM
from margingate_engine.monitoring.liquidation import LiquidationMove
from margingate_engine.monitoring.projection import Projection
from margingate_engine.monitoring.reduction import ReductionStep
from margingate_server.rpc.decimals import nano_text
from margingate_server.rpc.decision_codec import basis_message, risk_message
from margingate_server.rpc.fields import identifier, timestamp
from margingate_server.rpc.lane import Lane
from margingate_server.service import outlook
from margingate_server.service.desk import Desk
from margingate_server.service.market import MarketView
from margingate_server.service.outlook import OutlookInputs, UnderlyingMoves
from margingate_server.service.refusals import Busy

WAIT_SECONDS_MAX = 2.0


class OutlookServicer:
    """Works out one account at a time, so that outlooks take one thread's share and no more."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._working = Lock()

    def GetOutlook(  # noqa: N802 - gRPC names
        self, request: pb.GetOutlookRequest, context: grpc.ServicerContext
    ) -> pb.GetOutlookResponse:
        """What lies ahead of an account's positions."""
        account = identifier(request.account, "account")

        def take(desk: Desk, now_ns: int) -> tuple[OutlookInputs, int]:
            return outlook.take(desk.shard, account), now_ns

        with self._turn():
            if not context.is_active():
                raise Busy("outlook")  # who asked has gone: nobody is to wait for this
            inputs, now_ns = self._lane.read(take)
            return _message(inputs, now_ns)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._working.acquire(timeout=WAIT_SECONDS_MAX):
            raise Busy("outlook")
        try:
            yield
        finally:
            self._working.release()


def _message(inputs: OutlookInputs, now_ns: int) -> pb.GetOutlookResponse:
    view, reduction = inputs.view, outlook.reduction(inputs)
    return pb.GetOutlookResponse(
        basis=basis_message(view, inputs.version, now_ns),
        positions_only=risk_message(reduction.before),
        liquidation_prices=[_price(view, each) for each in outlook.liquidation_moves(inputs)],
        next_expiry=_expiry(view, outlook.projection(inputs)),
        suggested_reduction=[_trade(view, each) for each in reduction.steps],
        after_reduction=risk_message(reduction.after) if reduction.steps else None,
        reduction_is_enough=reduction.is_enough,
        order_ids=outlook.orders_to_cancel(inputs),
    )


def _price(view: MarketView, moves: UnderlyingMoves) -> pb.LiquidationPrice:
    number = view.table.underlyings.index(moves.underlying)
    return pb.LiquidationPrice(
        underlying=moves.underlying,
        index_price=nano_text(int(view.snapshot.index_nano_u[number])),
        down_price=_price_text(moves.down),
        down_move=_move(moves.down),
        up_price=_price_text(moves.up),
        up_move=_move(moves.up),
    )


def _price_text(move: LiquidationMove | None) -> str:
    return "" if move is None else nano_text(move.index_nano)


def _move(move: LiquidationMove | None) -> float | None:
    return None if move is None else move.move_ppm / PPM


def _expiry(view: MarketView, projection: Projection | None) -> pb.ExpiryProjection | None:
    if projection is None:
        return None
    return pb.ExpiryProjection(
        expiry_time=timestamp(projection.expiry_ns),
        instruments=[view.table.instruments[row].name for row in projection.rows],
        positions_only=risk_message(projection.after),
    )


def _trade(view: MarketView, step: ReductionStep) -> pb.SuggestedTrade:
    instrument = view.table.instruments[step.row]
    return pb.SuggestedTrade(
        instrument=instrument.name,
        quantity=nano_text(step.lots * instrument.lot_nano),
        mark_price=step.mark_nano / NANO,
    )
