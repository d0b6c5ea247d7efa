"""Accept or reject, and why. [DEC-01 to DEC-04]"""

from collections.abc import Sequence
from dataclasses import dataclass

from margingate_engine.check.fillable import beyond_balances
from margingate_engine.check.question import Question
from margingate_engine.check.reduce_only import clipped
from margingate_engine.check.risk_reducing import grows_the_order, is_risk_reducing
from margingate_engine.check.rules import first_refusal
from margingate_engine.check.sizing import sized_legs
from margingate_engine.core.charges import Charge
from margingate_engine.core.reasons import RejectReason
from margingate_engine.core.risk import Exactness, Risk
from margingate_engine.models.strain import due_positions
from margingate_engine.portfolio.account_risk import AccountRisk
from margingate_engine.portfolio.hold import GROSS_MAX, OrderHold, changing_hold, hold_of, more
from margingate_engine.portfolio.holdings import OpenLeg
from margingate_engine.portfolio.margin_model import Requirement


@dataclass(frozen=True, slots=True, kw_only=True)
class Worst:
    """What binds in one requirement; group: the underlying it is of, or a name of the model's.

    scenario: its number from 1, 0 when none loses, -1 where it is not a scenario that binds.
    """

    group: str
    scenario: int
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The answer. before, after: None when a rule refused before the margin was computed.

    legs: what is open of the order when it is accepted, in whole lots. hold: what the account holds
    for it beyond what it holds already. Both are empty or None as `before` is.
    """

    reason: RejectReason
    detail: str = ""
    before: Risk | None = None
    after: Risk | None = None
    exactness: Exactness = Exactness.EXACT
    worst_before: tuple[Worst, ...] = ()
    worst_after: tuple[Worst, ...] = ()
    binding: Charge = Charge.NONE
    is_risk_reducing: bool = False
    legs: tuple[OpenLeg, ...] = ()
    hold: OrderHold | None = None

    @property
    def is_accepted(self) -> bool:
        """True when the order may be sent."""
        return self.reason is RejectReason.NONE


def decide(question: Question) -> Outcome:
    """The outcome by the documented precedence; changes nothing."""
    refusal = first_refusal(question)
    if refusal is not None:
        return Outcome(reason=refusal[0], detail=refusal[1])
    account = question.account
    assert account is not None, "an account without prices passed the rule on missing data"
    sized = sized_legs(question.order, question.arrays, question.limits.collar_ppm)
    legs = clipped(question, sized)
    hold = _hold_to_add(question, legs)
    if account.gross + hold.gross >= GROSS_MAX:
        return Outcome(
            reason=RejectReason.MAX_ORDER_QUANTITY,
            detail="quantity beyond the range of the risk integers",
        )
    outcome = _decide_margin(question, account, legs, hold)
    asset = beyond_balances(question, legs) if outcome.is_accepted else None
    if asset is None:
        return outcome
    return Outcome(
        reason=RejectReason.MAX_ORDER_QUANTITY,
        detail=f"quantity times price beyond the range of balances in {asset}",
    )


def _hold_to_add(question: Question, legs: tuple[OpenLeg, ...]) -> OrderHold:
    """What the legs hold; of a change what covers both shapes, less what is held. [SPAN-17]"""
    arrays, fees = question.arrays, question.portfolio.fees
    asked = hold_of(arrays, fees, legs)
    if question.amends is None or asked.gross >= GROSS_MAX:
        return asked
    either = changing_hold(arrays, fees, question.amends.legs, legs)
    return more(either, hold_of(arrays, fees, question.amends.legs))


def _decide_margin(
    question: Question, account: AccountRisk, legs: tuple[OpenLeg, ...], hold: OrderHold
) -> Outcome:
    before = account.risk
    worst_before = account.requirements()
    worst_after = account.requirements(hold)
    initial = sum(each.total for each in worst_after)
    after = Risk(equity=before.equity, initial=initial, maintenance=before.maintenance)
    reason, detail, is_reducing = _verdict(question, account, legs, hold, after)
    is_exact = all(each.is_exact for each in worst_after)
    return Outcome(
        reason=reason,
        detail=detail,
        before=before,
        after=after,
        exactness=Exactness.EXACT if is_exact else Exactness.BOUND,
        worst_before=worst_of(worst_before),
        worst_after=worst_of(worst_after),
        binding=binding_of(worst_after),
        is_risk_reducing=is_reducing,
        legs=legs,
        hold=hold,
    )


def _verdict(
    question: Question,
    account: AccountRisk,
    legs: tuple[OpenLeg, ...],
    hold: OrderHold,
    after: Risk,
) -> tuple[RejectReason, str, bool]:
    """(reason, detail, accepted because risk-reducing)."""
    short_asset = cash_shortfall(question, account, hold)
    due = due_positions(account)
    is_covered = after.is_margined and not due
    needs_reducing = question.gates.is_for_reducing or not is_covered
    is_reducing = needs_reducing and is_risk_reducing(
        account,
        question.portfolio,
        legs,
        after.headroom - _headroom_without(question, account),
        question.policy,
    )
    if needs_reducing and not grows_the_order(question):
        is_reducing = is_reducing or after.headroom >= account.risk.headroom
    if question.gates.is_reduce_only and not is_reducing:
        return RejectReason.KILL_SWITCH, "a kill switch lets only reducing orders pass", False
    if _is_left_to_liquidators(question, account, due):
        return RejectReason.ACCOUNT_IN_LIQUIDATION, "only a liquidator may trade", False
    if question.gates.is_unqualified and not is_reducing:
        detail = "equity is too low for the regime: only reducing orders pass"
        return RejectReason.NOT_QUALIFIED, detail, False
    if short_asset is not None:
        detail = f"not enough cash in {short_asset}"
        return RejectReason.INSUFFICIENT_COLLATERAL_CURRENCY, detail, False
    if is_covered:
        return RejectReason.NONE, "", False
    if is_reducing:
        return RejectReason.NONE, "", True
    if due:
        name = question.table.instruments[due[0]].name
        detail = f"{name} is due for liquidation, and the order does not reduce risk"
        return RejectReason.STILL_UNDERMARGINED, detail, False
    if account.risk.is_margined:
        return RejectReason.INSUFFICIENT_INITIAL_MARGIN, "initial margin would exceed equity", False
    detail = "under-margined before, and the order does not reduce risk"
    return RejectReason.STILL_UNDERMARGINED, detail, False


def _is_left_to_liquidators(question: Question, account: AccountRisk, due: list[int]) -> bool:
    """True where the policy lets nothing more pass of an account that is in liquidation. [MON-11]

    due: rows of positions that are due by their own margin. All by the figures of this instant;
    what was published has no part in it.
    """
    if question.policy.may_trade_in_liquidation or question.gates.is_liquidation_suspended:
        return False
    is_in_liquidation = bool(due) or account.equity < account.risk.maintenance
    return is_in_liquidation and grows_the_order(question)


def _headroom_without(question: Question, account: AccountRisk) -> int:
    """Headroom before; of a change without the order, or its allowance could be had many times."""
    if question.amends is None:
        return account.risk.headroom
    held = hold_of(question.arrays, question.portfolio.fees, question.amends.legs)
    without = account.requirements(more(OrderHold(), held))
    return account.equity - sum(each.total for each in without)


def cash_shortfall(question: Question, account: AccountRisk, hold: OrderHold) -> str | None:
    """The first asset by name whose cash does not cover what is and what would be held. [DEC-03]"""
    for asset, outflow in sorted(hold.outflows.items()):  # the same one when it is asked again
        if outflow <= 0:
            continue
        cash = question.portfolio.cash.get(asset, 0)
        free = cash - account.outflows.get(asset, 0) - outflow
        if free < -question.policy.borrow_limit(asset):
            return asset
    return None


def worst_of(requirements: Sequence[Requirement]) -> tuple[Worst, ...]:
    """What binds in each requirement, in words."""
    return tuple(
        Worst(group=each.subject, scenario=each.scenario, description=each.words)
        for each in requirements
    )


def binding_of(requirements: Sequence[Requirement]) -> Charge:
    """The largest part that binds in any of the requirements, the first of equals."""
    charge, amount = max((each.binding for each in requirements), key=_amount, default=_NOTHING)
    return charge if amount > 0 else Charge.NONE


_NOTHING = (Charge.NONE, 0)


def _amount(binding: tuple[Charge, int]) -> int:
    return binding[1]
