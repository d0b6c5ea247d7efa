"""A second opinion on a decision, from the slow reference that shares no code with the engine."""

from dataclasses import fields
from fractions import Fraction

from margingate_engine.core.amounts import NANO
from margingate_engine.core.orders import Execution
from margingate_engine.core.reasons import RejectReason
from margingate_engine.models.span import SpanModel
from margingate_engine.portfolio.fees import FeeTier
from margingate_engine.portfolio.risk_arrays import RiskArrays
from margingate_server.ledger.numbers import DecisionNumbers, RiskNumbers
from margingate_server.ledger.state import AccountState, OrderMemo, ShardState
from margingate_server.service.limits import joined_limits
from tests.property.bridge import reference_of, reference_order
from tests.property.chain import World
from tests.reference import contracts
from tests.reference.account import Account
from tests.reference.book import Book
from tests.reference.decision import Answer, Decider, Switches
from tests.reference.margin import Risk
from tests.reference.orders import Leg, OpenOrder, Order
from tests.simulation.contracts import CONTRACTS, SPOTS
from tests.simulation.instruments import BY_NAME
from tests.simulation.requests import Amend, Check, quantity_of
from tests.simulation.server import SPAN, Turn
from tests.simulation.simulated_clock import SECOND_NS
from tests.simulation.violation import hold

UNKNOWN = {RejectReason.MARKET_DATA_STALE, RejectReason.MARKET_DATA_MISSING}
"""Reasons that the reference, which knows no time, cannot judge."""


def account_before(state: ShardState, account_id: str, arrays: RiskArrays) -> Account:
    """The holdings of an account as the reference keeps them."""
    account = state.accounts[account_id]
    assert isinstance(SPAN, SpanModel)
    world = World(name="simulated", model=SPAN, arrays=arrays, fees=account.portfolio.fees)
    before = reference_of(world, account.portfolio)
    before.known_order_ids = {*account.orders, *account.closed_orders}
    for order_id, memo in account.orders.items():
        before.orders[order_id] = _open_order(world, account, order_id, memo)
    return before


def _open_order(world: World, account: AccountState, order_id: str, memo: OrderMemo) -> OpenOrder:
    legs = account.portfolio.legs[order_id]
    amended = account.portfolio.amendments.get(order_id)
    order = reference_order(world, order_id, legs, amended, leg_count=len(memo.totals))
    open_lots = {leg.number: leg.lots for leg in legs}
    order.filled = [total - open_lots.get(n, 0) for n, total in enumerate(memo.totals)]
    order.combo = memo.execution == Execution.ATOMIC_COMBO.value
    order.reduce_only = memo.is_reduce_only
    return order


def is_known_to_the_reference(state: ShardState, asked: Check | Amend) -> bool:
    """False for what it cannot judge: underlyings without a model, changes that are refused."""
    coins = {BY_NAME[leg.instrument].underlying for leg in asked.legs}
    account = state.accounts[asked.account]
    if isinstance(asked, Amend):
        is_open = asked.order_id in account.orders
        if not is_open or asked.order_id in account.portfolio.amendments:
            return False
    return coins <= _PARAMETERS.keys()


def judge_decision(
    turn: Turn, check: Check | Amend, decision: DecisionNumbers, state: ShardState, before: Account
) -> None:
    """Violation unless the reference decides the same. state: limits and switches in force."""
    if decision.reason in UNKNOWN:
        return
    fees = state.accounts[check.account].portfolio.fees
    decider = Decider(_book(turn.view.arrays, fees))
    decide = decider.decide_change if isinstance(check, Amend) else decider.decide
    answer = decide(before, _order(check), _limits(state, check), _switches(state, turn, check))
    told = ("{} was decided {}, the reference says {}", check, decision, answer)
    hold(RejectReason(decision.reason).name == (answer.reason or "NONE"), "I2", *told)
    hold(decision.is_risk_reducing == answer.risk_reducing, "I2", *told)
    if decision.after is not None:
        hold(_same(decision, answer), "I2", *told)


def _same(decision: DecisionNumbers, answer: Answer) -> bool:
    return _agree(decision.before, answer.before) and _agree(decision.after, answer.after)


def _agree(ours: RiskNumbers | None, theirs: Risk | None) -> bool:
    assert ours is not None
    return theirs is not None and (ours.equity, ours.initial, ours.maintenance) == (
        theirs.equity,
        theirs.initial,
        theirs.maintenance,
    )


def _order(check: Check | Amend) -> Order:
    return Order(
        order_id=check.order_id,
        legs=tuple(
            Leg(
                symbol=leg.instrument,
                side=leg.side,
                quantity=Fraction(quantity_of(leg.instrument, leg.lots)),
                price=None if leg.price_nano is None else Fraction(leg.price_nano, NANO),
            )
            for leg in check.legs
        ),
        combo=isinstance(check, Check) and check.is_combo and len(check.legs) > 1,
        reduce_only=isinstance(check, Check) and check.is_reduce_only,
    )


def _limits(state: ShardState, check: Check | Amend) -> contracts.Limits:
    limits = joined_limits(state.accounts[check.account].limits, state.default_limits)
    return contracts.Limits(
        max_order_notional=_fraction(limits.notional_micro_max, 10**6),
        price_collar=_fraction(limits.collar_ppm, 10**6),
    )


def _fraction(number: int | None, units: int) -> Fraction | None:
    return None if number is None else Fraction(number, units)


def _switches(state: ShardState, turn: Turn, check: Check | Amend) -> Switches:
    coins = {CONTRACTS[leg.instrument].underlying for leg in check.legs}
    scopes = {("all", ""), ("account", check.account), *(("underlying", coin) for coin in coins)}
    modes = {each.mode for key, each in state.kill_switches.items() if key in scopes}
    return Switches(
        expired=abs(turn.now_ns - check.sent_ns) > 3_600 * SECOND_NS,
        killed="block_all" in modes,
        reduce_only="reduce_only" in modes,
        suspended=state.accounts[check.account].is_suspended,
    )


def _book(arrays: RiskArrays, fees: FeeTier) -> Book:
    """The reference's view of a market; what it needs of a lot it works out when asked."""
    assert isinstance(SPAN, SpanModel)
    table, snapshot = arrays.table, arrays.snapshot
    listed = [each.name for each in table.instruments]
    priced = {name for row, name in enumerate(listed) if arrays.priced_i[row]} - SPOTS

    def prices(array: object) -> dict[str, Fraction]:
        return {
            name: Fraction(int(array[row]), NANO)  # type: ignore[index]
            for row, name in enumerate(listed)
            if name in priced
        }

    market = contracts.Market(
        time_ns=snapshot.market_time_ns,
        index={
            coin: Fraction(int(snapshot.index_nano_u[number]), NANO)
            for number, coin in enumerate(table.underlyings)
            if arrays.groups[number] is not None
        },
        mark=prices(snapshot.mark_nano_i),
        vol=prices(snapshot.vol_nano_i),
        forward=prices(snapshot.forward_nano_i),
    )
    return Book({name: CONTRACTS[name] for name in listed}, market, _PARAMETERS, _rates(fees))


def _rates(fees: FeeTier) -> dict[contracts.Kind, contracts.Rate]:
    return {
        contracts.Kind(kind.value): contracts.Rate(
            maker=Fraction(rate.maker_ppm, 10**6),
            taker=Fraction(rate.taker_ppm, 10**6),
            cap=_fraction(rate.cap_ppm, 10**6),
        )
        for kind, rate in fees.items()
    }


def _parameters() -> dict[str, contracts.Parameters]:
    assert isinstance(SPAN, SpanModel)
    made = {}
    for coin, each in SPAN.parameters.items():
        values = {own.name: getattr(each, own.name) for own in fields(each)}
        kind = values.pop("vol_shift_kind")
        ratios = {name: Fraction(value) for name, value in values.items()}
        made[coin] = contracts.Parameters(vol_shift_kind=kind.value, **ratios)
    return made


_PARAMETERS = _parameters()
