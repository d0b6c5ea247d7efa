"""An order on NEAR of a desk that is looked over, and words for its changes."""

from margingate_engine.core.reasons import RejectReason
from tests.property.totals import totals_of
from tests.unit.service.small_desk import SmallDesk
from tests.unit.service.sound_desk import SoundDesk, sound_desk

MARK = "101000"


def with_order(lots: int = -5, price: str = MARK, usd: str = "100000") -> SoundDesk:
    """Account a with cash and order o on NEAR."""
    desk = sound_desk()
    desk.open(usd=usd)
    assert desk.check(desk.leg("NEAR", lots, price), order_id="o").decision.reason == 0
    return desk


def change(desk: SmallDesk, lots: int, price: str = MARK, request_id: str = "") -> RejectReason:
    """Why a change of o to `lots` in total is refused."""
    leg = desk.amend_leg("NEAR", lots, price)
    return RejectReason(desk.amend("o", leg, request_id=request_id or None).decision.reason)


def shapes(desk: SmallDesk) -> tuple[list[int], list[int]]:
    """Open lots of o as it is, and as it is to become."""
    portfolio = desk.account().portfolio
    both = portfolio.legs["o"], portfolio.amendments.get("o", ())
    return tuple([leg.lots for leg in each] for each in both)  # type: ignore[return-value]


def held(desk: SmallDesk) -> dict[str, object]:
    return totals_of(desk.full_risk())


def impoverish(desk: SmallDesk) -> None:
    """Lose more than the account has, by a fill that is flat in the end."""
    desk.fill("unheard", "CALL", 1, "990000", fee="0")
    desk.fill("unheard", "CALL", -1, "0", fee="0")
    assert not desk.kept_risk().risk.is_margined
