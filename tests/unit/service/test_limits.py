"""Limits and kill switches in force."""

from margingate_server.ledger.numbers import LimitNumbers
from margingate_server.ledger.state import KillSwitchState, ShardState
from margingate_server.service.limits import effective_limits, joined_limits, kill_mode


def state(*switches: tuple[str, str, str]) -> ShardState:
    return ShardState(
        kill_switches={
            (scope, subject): KillSwitchState(
                scope=scope, subject=subject, mode=mode, reason="", engaged_ns=0
            )
            for scope, subject, mode in switches
        }
    )


def test_each_limit_falls_back_to_the_default_by_itself() -> None:
    own = LimitNumbers(quantity_nano_max=1, notional_micro_max=0)
    default = LimitNumbers(quantity_nano_max=5, notional_micro_max=6, collar_ppm=7)
    joined = joined_limits(own, default)
    assert joined == LimitNumbers(quantity_nano_max=1, notional_micro_max=0, collar_ppm=7)
    assert joined.quantity_usd_nano_max is None


def test_the_engine_gets_every_limit() -> None:
    limits = effective_limits(
        LimitNumbers(quantity_nano_max=1, quantity_usd_nano_max=2),
        LimitNumbers(notional_micro_max=3, collar_ppm=4),
    )
    assert (limits.quantity_nano_max, limits.quantity_usd_nano_max) == (1, 2)
    assert (limits.notional_micro_max, limits.collar_ppm) == (3, 4)


def test_no_switch_over_an_order_lets_it_pass() -> None:
    assert kill_mode(state(), "a", {"BTC"}) is None
    others = state(("account", "b", "block_all"), ("underlying", "ETH", "block_all"))
    assert kill_mode(others, "a", {"BTC"}) is None


def test_any_switch_over_an_order_counts() -> None:
    for switch in (("all", ""), ("account", "a"), ("underlying", "ETH")):
        assert kill_mode(state((*switch, "reduce_only")), "a", {"BTC", "ETH"}) == "reduce_only"


def test_to_block_all_is_stricter_than_to_reduce_only() -> None:
    both = state(("all", "", "reduce_only"), ("underlying", "BTC", "block_all"))
    assert kill_mode(both, "a", {"BTC"}) == "block_all"
    assert kill_mode(both, "a", {"ETH"}) == "reduce_only"
