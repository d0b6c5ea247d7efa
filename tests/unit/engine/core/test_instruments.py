from dataclasses import replace
from typing import Any

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import (
    TICK_STEPS_MAX,
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
    TickStep,
)
from tests.unit.engine.small_market import SPOT, future, option

NANO = 10**9
CALL = option("COIN-CALL", 80_000, OptionRight.CALL, inverse=True)
PERPETUAL = future("PERPETUAL", expiry_ns=None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "instrument"),
        ({"name": "x" * 65}, "instrument"),
        ({"contract_nano": 0}, "contract_size"),
        ({"contract_nano": 10**18}, "contract_size"),
        ({"lot_nano": -1}, "lot_size"),
        ({"contract_nano": 1, "lot_nano": NANO // 10}, "lot_size"),
        ({"tick_nano": 0}, "tick_size"),
        ({"tick_steps": (TickStep(above_nano=0, tick_nano=1),)}, "tick_steps"),
        ({"tick_steps": (TickStep(above_nano=1, tick_nano=0),)}, "tick_steps"),
        ({"tick_steps": (TickStep(above_nano=1, tick_nano=1),) * 2}, "tick_steps"),
        (
            {
                "tick_steps": tuple(
                    TickStep(above_nano=n + 1, tick_nano=1) for n in range(TICK_STEPS_MAX + 1)
                )
            },
            "tick_steps",
        ),
        ({"expiry_ns": None}, "expiry_time"),
        ({"strike_nano": None}, "strike"),
        ({"strike_nano": 0}, "strike"),
        ({"strike_nano": 10**18}, "strike"),
        ({"right": None}, "right"),
    ],
)
def test_an_option_that_no_venue_lists_is_refused_by_field(
    changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as wrong:
        replace(CALL, **changes)
    assert wrong.value.field == field


@pytest.mark.parametrize(
    ("instrument", "changes", "field"),
    [
        (PERPETUAL, {"expiry_ns": 1}, "expiry_time"),
        (PERPETUAL, {"strike_nano": NANO}, "strike"),
        (PERPETUAL, {"right": OptionRight.CALL}, "right"),
        (PERPETUAL, {"kind": InstrumentKind.FUTURE}, "expiry_time"),
        (SPOT, {"settlement": Settlement.INVERSE}, "settlement"),
    ],
)
def test_terms_of_another_kind_are_refused(
    instrument: Instrument, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as wrong:
        replace(instrument, **changes)
    assert wrong.value.field == field


def test_a_lot_stands_for_lot_times_contract() -> None:
    assert replace(CALL, contract_nano=5 * NANO).size_nano == NANO // 2
    assert future("INVERSE", expiry_ns=None, inverse=True).size_nano == 10 * NANO


def test_inverse_contracts_settle_in_the_coin_and_spot_in_usd() -> None:
    assert CALL.settlement_asset == "BTC"
    assert PERPETUAL.settlement_asset == SPOT.settlement_asset == "USD"
    assert not CALL.is_inverse_future
    assert future("INVERSE", expiry_ns=None, inverse=True).is_inverse_future


def test_the_tick_is_that_of_the_last_step_below_the_price() -> None:
    assert CALL.tick_nano_at(NANO // 200) == NANO // 10_000
    assert CALL.tick_nano_at(NANO // 200 + 1) == NANO // 2_000


def test_ticks_and_halts_do_not_make_another_contract_and_everything_else_does() -> None:
    assert CALL.same_contract(replace(CALL, tick_nano=7, tick_steps=(), is_halted=True))
    for changes in (
        {"name": "OTHER"},
        {"underlying": "ETH"},
        {"settlement": Settlement.LINEAR},
        {"contract_nano": 2 * NANO},
        {"lot_nano": NANO},
        {"expiry_ns": 1},
        {"strike_nano": NANO},
        {"right": OptionRight.PUT},
    ):
        assert not CALL.same_contract(replace(CALL, **changes)), changes
