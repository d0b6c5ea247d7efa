"""What AccountService says of portfolios under models that they need not be margined by."""

import grpc

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.errors import InvalidInput
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.rpc.compare_codec import (
    parse_statement,
    regime_messages,
    simulation_message,
)
from margingate_server.rpc.fields import identifier
from margingate_server.rpc.lane import Lane
from margingate_server.service.comparing import (
    Moment,
    Subject,
    compare,
    simulate,
    subject_of_account,
    subject_of_statement,
    take,
    take_portfolio,
)
from margingate_server.service.desk import Desk


class CompareServicer:
    """Takes portfolio and market under the lane's lock and works out the rest without it."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def SimulatePortfolio(  # noqa: N802 - gRPC names
        self, request: pb.SimulatePortfolioRequest, _context: grpc.ServicerContext
    ) -> pb.SimulatePortfolioResponse:
        """The margin of a portfolio that no account holds."""
        if request.model:
            identifier(request.model, "model")
        positions, collateral = parse_statement(request.portfolio)
        moment = self._lane.look(_taken)
        model = moment.model(request.model)
        subject = subject_of_statement(moment, positions, collateral)
        message = simulation_message(moment, model, simulate(model, subject))
        message.stale = subject.is_stale
        return message

    def CompareRegimes(  # noqa: N802
        self, request: pb.CompareRegimesRequest, _context: grpc.ServicerContext
    ) -> pb.CompareRegimesResponse:
        """A portfolio under every model."""
        match request.WhichOneof("subject"):
            case "account":
                return self._account(identifier(request.account, "account"))
            case "portfolio":
                positions, collateral = parse_statement(request.portfolio)
                moment = self._lane.look(_taken)
                subject = subject_of_statement(moment, positions, collateral)
                return _comparison(moment, subject, 0)
            case _:
                raise InvalidInput("subject", "must be an account or a portfolio")

    def _account(self, account: str) -> pb.CompareRegimesResponse:
        def use(desk: Desk, now_ns: int) -> tuple[Moment, Portfolio, int]:
            return _taken(desk, now_ns), *take_portfolio(desk.shard, account)

        moment, portfolio, version = self._lane.look(use)
        return _comparison(moment, subject_of_account(moment, portfolio), version)


def _taken(desk: Desk, now_ns: int) -> Moment:
    return take(desk.shard, desk.age_limits, now_ns)


def _comparison(moment: Moment, subject: Subject, version: int) -> pb.CompareRegimesResponse:
    regimes = regime_messages(moment, compare(moment, subject), version)
    return pb.CompareRegimesResponse(regimes=regimes, stale=subject.is_stale)
