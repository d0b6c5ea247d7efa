"""What one lot of an order leg may do to an account. [SPAN-13]"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from tests.reference.coins import CoinValuer
from tests.reference.contracts import USD, Instrument
from tests.reference.fills import delivered_coins, flow
from tests.reference.lots import Lot

SPOT_BUCKET = "spot"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegLot:
    """One lot of a leg: flows by asset, gain against the mark, rows, charges by bucket.

    charges_up: those charges that rounding up makes another number.
    """

    flows: Mapping[str, int]
    gain: int
    rows: tuple[int, ...]
    charges: Mapping[str, int]
    charges_up: Mapping[str, int] = field(default_factory=dict)

    @property
    def loss(self) -> int:
        """Entry loss e, ≤ 0."""
        return min(0, self.gain)


def leg_lot(
    i: Instrument, lot: Lot, side: int, price: Fraction, fee: int, valuer: CoinValuer
) -> LegLot:
    """One lot of a leg of this side, filled at this limit and paying this fee."""
    flows = {i.settlement: flow(i, side, price) - fee}
    if i.is_spot:
        flows[i.underlying] = delivered_coins(i, side)
    coin = flows.get(i.underlying, 0) + lot.coin(side)
    spot_charge = side * lot.spot_charge + valuer.charge(coin)
    own = {} if i.is_spot else {i.bucket: side * lot.charge}
    return LegLot(
        flows=flows,
        gain=flows.get(USD, 0) + lot.usd(side) + valuer.worth(coin),
        rows=tuple(
            side * row + extra for row, extra in zip(lot.rows, valuer.row(coin), strict=True)
        ),
        charges={**own, SPOT_BUCKET: spot_charge},
        charges_up={SPOT_BUCKET: side * lot.spot_charge - valuer.charge(-coin)},
    )
