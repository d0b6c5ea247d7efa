"""RankAccounts: who is nearest to liquidation."""

import grpc

from margingate.v1 import account_service_pb2 as pb
from margingate_engine.core.errors import MissingData
from margingate_engine.monitoring.states import margin_ratio
from margingate_server.rpc.alert_codec import STATES
from margingate_server.rpc.decimals import usd_text
from margingate_server.rpc.decision_codec import risk_message
from margingate_server.rpc.fields import enum_value, page_size, timestamp
from margingate_server.rpc.lane import Lane
from margingate_server.service.margin_states import instant_of_risk
from margingate_server.service.ranking import Ranking, ranked

RANKINGS = {
    pb.ACCOUNT_RANKING_UNSPECIFIED: Ranking.MARGIN_RATIO,
    pb.ACCOUNT_RANKING_MARGIN_RATIO: Ranking.MARGIN_RATIO,
    pb.ACCOUNT_RANKING_HEADROOM: Ranking.HEADROOM,
}


class RankServicer:
    """Accounts in the order of their margin."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane

    def RankAccounts(  # noqa: N802 - gRPC names
        self, request: pb.RankAccountsRequest, _context: grpc.ServicerContext
    ) -> pb.RankAccountsResponse:
        """The accounts nearest to liquidation, as all were margined last."""
        by = enum_value(request.by, RANKINGS, "by")
        size = page_size(request.page_size)
        figures, state, now_ns = self._lane.look(
            lambda desk, now_ns: (desk.revaluing.latest, desk.shard.state, now_ns)
        )
        if figures is None:
            raise MissingData("margins of all accounts")
        accounts, monitoring = [], state.policy.monitoring
        for place in ranked(figures, by, size):
            account = state.accounts[figures.accounts[place]]
            risk, strain_ppm = figures.positions_risk_at(place), int(figures.strain_ppm_a[place])
            instant = instant_of_risk(account, risk, strain_ppm, monitoring, now_ns)
            accounts.append(
                pb.RankedAccount(
                    account=account.account,
                    positions_only=risk_message(risk),
                    headroom=usd_text(int(figures.headroom_a[place])),
                    margin_ratio=margin_ratio(risk, strain_ppm),
                    state=STATES[instant.state],
                )
            )
        count = len(figures.accounts)
        return pb.RankAccountsResponse(
            accounts=accounts,
            account_count=count,
            unknown_count=count - int(figures.is_known_a.sum()),
            market_version=figures.market_version,
            market_time=timestamp(figures.arrays.snapshot.market_time_ns),
        )
