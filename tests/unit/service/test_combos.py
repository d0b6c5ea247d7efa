"""Combos: their legs fill in proportion, are held together, and keep their ratio. [SPAN-16]"""

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.orders import Execution
from margingate_engine.core.reasons import RejectReason
from margingate_server.service.decisions import CheckAnswer
from tests.unit.service.small_desk import SmallDesk
from tests.unit.service.sound_desk import SoundDesk, sound_desk

MARKS = {
    "NEAR": "101000",
    "FAR": "104000",
    "PERPETUAL": "100000",
    "CALL": "200",
    "COIN-CALL": "0.2",
}


def funded(usd: str = "100000", coins: str = "0") -> SoundDesk:
    desk = sound_desk()
    desk.open(usd=usd, coins=coins)
    return desk


def combo(
    desk: SmallDesk, order_id: str = "o", limits: dict[str, str] | None = None, **lots: int
) -> CheckAnswer:
    """The answer to a combo of signed lots by name, each leg at its mark."""
    prices = {**MARKS, **(limits or {})}
    legs = (
        desk.leg(name.replace("_", "-"), each, prices[name.replace("_", "-")])
        for name, each in lots.items()
    )
    return desk.check(*legs, order_id=order_id, execution=Execution.ATOMIC_COMBO)


def change(desk: SmallDesk, **lots: int) -> CheckAnswer:
    legs = (desk.amend_leg(name, each, MARKS[name]) for name, each in lots.items())
    return desk.amend("o", *legs)


def state_of(desk: SmallDesk) -> list[tuple[int, int, int]]:
    """(number, lots, ratio) of the open legs of o."""
    return [(leg.number, leg.lots, leg.ratio) for leg in desk.account().portfolio.legs["o"]]


def test_a_spread_is_held_for_its_net_risk() -> None:
    together, alone = funded(), funded()
    assert combo(together, NEAR=5, FAR=-5).decision.reason == 0
    alone.check(alone.leg("NEAR", 5, "101000"), alone.leg("FAR", -5, "104000"))
    assert together.kept_risk().risk.initial < alone.kept_risk().risk.initial // 3


def test_what_the_legs_alone_could_not_afford_passes_as_a_combo() -> None:
    desk = funded(usd="1400")
    legs = (desk.leg("NEAR", 1, "101000"), desk.leg("FAR", -1, "104000"))
    refused = desk.check(*legs).decision
    assert refused.reason == RejectReason.INSUFFICIENT_INITIAL_MARGIN
    assert combo(desk, NEAR=1, FAR=-1).decision.reason == 0


def test_the_ratio_is_that_of_the_lots_in_lowest_terms_and_fills_keep_it() -> None:
    desk = funded(usd="1000000")
    combo(desk, NEAR=10, FAR=-15)
    assert state_of(desk) == [(0, 10, 2), (1, 15, 3)]
    desk.fill("o", "NEAR", 4, "101000")
    assert state_of(desk) == [(0, 6, 2), (1, 15, 3)]
    desk.fill("o", "FAR", -6, "104000")
    assert state_of(desk) == [(0, 6, 2), (1, 9, 3)]
    for name, lots in (("NEAR", 6), ("FAR", -9)):
        desk.fill("o", name, lots, MARKS[name])
    assert desk.account().is_closed("o")


def test_after_the_fills_of_whole_units_the_rest_is_held_as_a_combo_of_the_rest() -> None:
    filled, rest = funded(usd="1000000"), funded(usd="1000000")
    combo(filled, NEAR=10, FAR=-15)
    filled.fill("o", "NEAR", 4, "101000", fee="0")
    filled.fill("o", "FAR", -6, "104000", fee="0")
    rest.hold(NEAR=4, FAR=-6)
    combo(rest, NEAR=6, FAR=-9)
    assert filled.kept_risk().risk == rest.kept_risk().risk


def test_a_fill_of_one_leg_leaves_the_other_to_fill_alone_until_it_is_told() -> None:
    desk = funded(usd="1000000")
    combo(desk, NEAR=5, FAR=-5)
    spread = desk.kept_risk().risk.initial
    desk.fill("o", "NEAR", 5, "101000")
    half = desk.kept_risk().risk.initial
    desk.fill("o", "FAR", -5, "104000")
    assert half > desk.kept_risk().risk.initial
    assert half > spread


def test_the_cash_of_a_combo_is_netted_and_that_of_what_is_left_over_is_not() -> None:
    """[DEC-03]"""
    desk = funded(coins="1")
    limits = {"COIN-PUT": "0.3"}
    assert combo(desk, COIN_CALL=40, COIN_PUT=-40, limits=limits).decision.reason == 0
    assert desk.kept_risk().outflows == {}
    desk.fill("o", "COIN-PUT", -10, "0.3", fee="0")
    # 30 units are left together and 10 calls alone: 10 x 0.1 coin x 0.2.
    assert desk.kept_risk().outflows == {"BTC": 2 * 10**11}


def test_a_change_of_a_combo_is_one_of_its_units() -> None:
    desk = funded(usd="1000000")
    combo(desk, NEAR=10, FAR=-15)
    desk.fill("o", "NEAR", 2, "101000")
    desk.fill("o", "FAR", -3, "104000")
    assert change(desk, NEAR=16, FAR=-24).decision.reason == 0
    assert desk.account().orders["o"].amend_totals == (16, 24)
    desk.confirm("o")
    assert state_of(desk) == [(0, 14, 2), (1, 21, 3)]
    assert change(desk, NEAR=4, FAR=-6).decision.reason == 0
    desk.confirm("o")
    assert state_of(desk) == [(0, 2, 2), (1, 3, 3)]


def test_a_combo_changed_down_to_what_is_filled_ends() -> None:
    desk = funded(usd="1000000")
    combo(desk, NEAR=10, FAR=-15)
    desk.fill("o", "NEAR", 4, "101000")
    desk.fill("o", "FAR", -6, "104000")
    # Fewer units than are filled mean those that are.
    assert change(desk, NEAR=2, FAR=-3).decision.reason == 0
    assert desk.account().orders["o"].amend_totals == (4, 6)
    desk.confirm("o")
    assert desk.account().is_closed("o")


def test_a_combo_keeps_its_ratio() -> None:
    desk = funded(usd="1000000")
    combo(desk, NEAR=10, FAR=-15)
    for lots in ({"NEAR": 11, "FAR": -15}, {"NEAR": 15, "FAR": -10}, {"NEAR": 2, "FAR": -15}):
        with pytest.raises(InvalidInput) as refused:
            change(desk, **lots)
        assert refused.value.field == "legs"
    assert state_of(desk) == [(0, 10, 2), (1, 15, 3)]


def test_fewer_units_than_were_filled_of_one_leg_are_still_a_change_of_units() -> None:
    """Its units fill in proportion: the fill of the other leg is still to be reported."""
    desk = funded(usd="1000000")
    combo(desk, NEAR=10, FAR=-15)
    desk.fill("o", "NEAR", 4, "101000")
    assert change(desk, NEAR=2, FAR=-3).decision.reason == 0
    assert desk.account().orders["o"].amend_totals == (4, 6)
    desk.confirm("o")
    assert state_of(desk) == [(1, 6, 3)]
    assert desk.fill("o", "FAR", -6, "104000").flag == ""
    assert desk.account().is_closed("o")


def test_what_is_left_of_a_changed_combo_keeps_the_ratio_of_the_order() -> None:
    desk = funded(usd="10000000")
    combo(desk, NEAR=4, FAR=-12, PERPETUAL=8)
    desk.fill("o", "NEAR", 3, "101000")
    assert change(desk, NEAR=2, FAR=-6, PERPETUAL=4).decision.reason == 0
    desk.confirm("o")
    assert state_of(desk) == [(1, 9, 3), (2, 6, 2)]
