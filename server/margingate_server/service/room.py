"""Whether one more request can be remembered; one that cannot is refused, not forgotten."""

from margingate_engine.core.reasons import RejectReason
from margingate_server.service.refusals import NotNow
from margingate_server.service.shard import Shard


def refuse_without_room(shard: Shard, count: int = 1) -> None:
    """NotNow when `count` new request ids cannot be remembered for a day.

    Asked for orders and for what the back office books. Releases and risk controls are never
    refused: they take risk away, and there are about as many releases as accepted orders.
    """
    if not shard.state.requests.has_room(count):
        raise NotNow(RejectReason.RATE_LIMIT, "request ids")
