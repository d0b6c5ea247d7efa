"""Limits and kill switches in force for an account."""

from margingate_engine.check.question import Limits, Policy
from margingate_server.ledger.numbers import LimitNumbers, PolicyNumbers
from margingate_server.ledger.state import ShardState


def joined_limits(own: LimitNumbers, default: LimitNumbers) -> LimitNumbers:
    """The account's own limits, and the default where it has none."""

    def pick(name: str) -> int | None:
        value: int | None = getattr(own, name)
        fallback: int | None = getattr(default, name)
        return fallback if value is None else value

    return LimitNumbers(**{name: pick(name) for name in LimitNumbers.__struct_fields__})


def effective_limits(own: LimitNumbers, default: LimitNumbers) -> Limits:
    """The limits that the engine applies."""
    joined = joined_limits(own, default)
    return Limits(
        quantity_nano_max=joined.quantity_nano_max,
        quantity_usd_nano_max=joined.quantity_usd_nano_max,
        notional_micro_max=joined.notional_micro_max,
        collar_ppm=joined.collar_ppm,
    )


def policy_of(numbers: PolicyNumbers) -> Policy:
    """The policy that the engine applies."""
    return Policy(
        allowance_ppm=numbers.allowance_ppm,
        borrow_limit_by_asset=numbers.borrow_limits,
        may_hedges_grow=numbers.may_hedges_grow,
        may_trade_in_liquidation=numbers.liquidation_orders != "none",
    )


def kill_mode(state: ShardState, account: str, underlyings: set[str]) -> str | None:
    """Strictest mode of the kill switches over an order: block_all, reduce_only or None."""
    if not state.kill_switches:
        return None
    keys = {("all", ""), ("account", account), *(("underlying", name) for name in underlyings)}
    modes = {state.kill_switches[key].mode for key in keys if key in state.kill_switches}
    return "block_all" if "block_all" in modes else "reduce_only" if modes else None
