"""What happened: daily log changes of prices and vols of several underlyings, date by date."""

from dataclasses import dataclass

import numpy as np

from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnHistory:
    """Log changes from day to day, oldest first: spot_tu of prices, vol_tu of vols, (T, U).

    A row is one date, the same for every underlying and for price and vol. [VAR-01]
    """

    underlyings: tuple[str, ...]
    spot_tu: FloatArray
    vol_tu: FloatArray

    def __post_init__(self) -> None:
        """Refuse what does not belong together."""
        if self.spot_tu.shape != self.vol_tu.shape or self.spot_tu.ndim != 2:
            raise InvalidInput("vol_returns", "must be as many as returns")
        if self.spot_tu.shape[1] != len(self.underlyings) or not self.underlyings:
            raise InvalidInput("underlyings", "must be one or more, a column each")
        if not (np.isfinite(self.spot_tu).all() and np.isfinite(self.vol_tu).all()):
            raise InvalidInput("returns", "must be finite")

    @classmethod
    def of_factors(cls, underlyings: tuple[str, ...], change_tf: FloatArray) -> "ReturnHistory":
        """The history with these `factors_tf`."""
        count = len(underlyings)
        return cls(
            underlyings=underlyings, spot_tu=change_tf[:, :count], vol_tu=change_tf[:, count:]
        )

    def __len__(self) -> int:
        return len(self.spot_tu)

    @property
    def factors_tf(self) -> FloatArray:
        """Every factor in one array, (T, 2 U): the prices, then the vols."""
        return np.hstack((self.spot_tu, self.vol_tu))

    def last(self, days: int) -> "ReturnHistory":
        """The newest `days` days; InvalidInput when there are fewer."""
        if not 0 < days <= len(self):
            raise InvalidInput("returns", f"must be {days} days at least")
        first = len(self) - days
        return ReturnHistory(
            underlyings=self.underlyings,
            spot_tu=self.spot_tu[first:],
            vol_tu=self.vol_tu[first:],
        )
