"""Every acceptance worked out anew, and the risk that is kept in step with it. [I2, I7]"""

from margingate_engine.core.amounts import PPM
from margingate_engine.core.errors import MissingData
from margingate_engine.core.risk import Risk
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import order_hold
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.ledger.events import AmendAccepted, OrderAccepted
from margingate_server.ledger.numbers import DecisionNumbers, RiskNumbers
from margingate_server.service.desk import Desk
from tests.property.totals import totals_of
from tests.simulation.server import ALLOWANCE_PPM, Turn
from tests.simulation.violation import hold

Accepted = OrderAccepted | AmendAccepted


def judge_acceptance(turn: Turn, event: Accepted, after: Portfolio) -> AccountRisk:
    """The full risk of `after`, the holdings with the order, once the acceptance agrees with it."""
    arrays, decision = turn.view.arrays, event.decision
    hold(decision.market_version == arrays.snapshot.version, "I2", "another market: {}", event)
    try:
        risk = AccountRisk.of(after, arrays)
    except MissingData as missing:
        hold(False, "I8", "{} has no price: {}", missing.subject, event)
        raise
    hold(decision.after == _numbers(risk.risk), "I2", "after should be {}: {}", risk.risk, event)
    if not risk.risk.is_margined:
        hold(decision.is_risk_reducing, "I2", "headroom is {}: {}", risk.risk.headroom, event)
        _judge_reduction(risk.risk, decision, event, risk)
    if isinstance(event, AmendAccepted):
        return risk  # a change may leave more cash short than there is, if it takes no more
    order = order_hold(arrays, after, event.order.order_id)
    for asset in order.outflows:
        free = after.cash.get(asset, 0) - risk.outflows.get(asset, 0)
        hold(free >= 0, "I2", "cash in {} is short by {}: {}", asset, -free, event)
    return risk


def _judge_reduction(
    after: Risk, decision: DecisionNumbers, event: Accepted, risk: AccountRisk
) -> None:
    """Headroom may fall by the allowance alone. [DEC-02 b]"""
    assert decision.before is not None
    arrays, row_by_name = risk.arrays, risk.arrays.table.row_by_name
    legs = event.order.legs
    notional = sum(leg.lots * arrays.notional_i[row_by_name[leg.instrument]] for leg in legs)
    headroom_before = decision.before.equity - decision.before.initial
    least = headroom_before - ALLOWANCE_PPM * notional // PPM
    hold(after.headroom >= least, "I2", "headroom falls below {}: {}", least, event)


def judge_kept_risk(desk: Desk, account: str, full: AccountRisk | None) -> None:
    """Violation unless the totals kept in step are those of the holdings, exactly."""
    shard = desk.shard
    if account not in shard.state.accounts or not shard.has_view(account):
        return
    state = shard.state.accounts[account]
    kept = shard.view_of(state).risk
    if kept is None:
        return
    if full is None or full.arrays is not kept.arrays:
        try:
            full = AccountRisk.of(state.portfolio, kept.arrays)
        except MissingData:
            hold(False, "I7", "{} has a risk without prices", account)
            raise
    ours, theirs = totals_of(full), totals_of(kept)
    differing = [name for name in ours if ours[name] != theirs[name]]
    hold(
        not differing,
        "I7",
        "{}: {} (full, kept)",
        account,
        [(n, ours[n], theirs[n]) for n in differing],
    )


def _numbers(risk: Risk) -> RiskNumbers:
    return RiskNumbers(risk.equity, risk.initial, risk.maintenance)
