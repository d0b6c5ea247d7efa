"""Decisions between the engine's outcome, the ledger's numbers, and what callers ask."""

from dataclasses import dataclass

from margingate_engine.check.decide import Outcome, Worst
from margingate_engine.check.question import RequestedOrder
from margingate_engine.core.risk import Exactness, Risk
from margingate_server.ledger.events import DecisionNumbers, RiskNumbers, WorstNumbers
from margingate_server.ledger.state import AccountState
from margingate_server.service.market import MarketView


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCommand:
    """A request to decide and hold. digest: of its body. sent_ns: by the router's clock."""

    account: str
    request_id: str
    digest: str
    order: RequestedOrder
    sent_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAnswer:
    """A decision. seq: event that must be durable before this may be answered."""

    decision: DecisionNumbers
    is_replayed: bool
    seq: int


def risk_numbers(risk: Risk | None) -> RiskNumbers | None:
    """The ledger's form of a Risk."""
    return None if risk is None else RiskNumbers(risk.equity, risk.initial, risk.maintenance)


def decision_numbers(
    outcome: Outcome, order_id: str, account: AccountState, view: MarketView, now_ns: int
) -> DecisionNumbers:
    """The outcome with the state it rests on: what is stored and answered."""
    return DecisionNumbers(
        reason=int(outcome.reason),
        detail=outcome.detail,
        before=risk_numbers(outcome.before),
        after=risk_numbers(outcome.after),
        is_exact=outcome.exactness is Exactness.EXACT,
        worst_before=_worst_numbers(outcome.worst_before),
        worst_after=_worst_numbers(outcome.worst_after),
        binding=outcome.binding.value,
        is_risk_reducing=outcome.is_risk_reducing,
        market_version=view.snapshot.version,
        market_time_ns=view.snapshot.market_time_ns,
        account_version=account.version,
        model=view.arrays.model,
        parameters_digest=view.arrays.parameters_digest,
        decision_ns=now_ns,
        order_id=order_id,
    )


def _worst_numbers(worst: tuple[Worst, ...]) -> tuple[WorstNumbers, ...]:
    return tuple(WorstNumbers(each.group, each.scenario, each.description) for each in worst)
