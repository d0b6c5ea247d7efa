"""Published margin states worked out again, from the books and the market that they cite."""

from msgspec.structs import replace

from margingate_engine.core.errors import MissingData
from margingate_engine.monitoring.publishing import wanted
from margingate_server.ledger.monitoring_events import MarginStateChanged
from margingate_server.service.freshness import AgeLimits
from margingate_server.service.margin_states import instant_of
from margingate_server.service.monitoring import margin_state_changed
from margingate_server.service.shard import Shard


def state_again(
    shard: Shard, event: MarginStateChanged, age_limits: AgeLimits, then_ns: int
) -> MarginStateChanged:
    """The event as state, policy and market before it have it; MissingData without a price.

    How long a better state was waited for is not taken again: no clock is stored.
    """
    account = shard.account(event.account)
    shard.forget_view(event.account)
    numbers = shard.state.policy.monitoring
    instant = instant_of(account, shard.view_of(account), numbers, age_limits, then_ns)
    if instant.risk is None:
        raise MissingData(event.account)
    target, _ = wanted(account.margin_state, account.known_margin_state, instant.standing)
    again = margin_state_changed(shard, account, target, instant)
    return replace(again, request_id=event.request_id, request_digest=event.request_digest)
