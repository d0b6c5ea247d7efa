"""Parameters of spreads between combined commodities. [SCC-11, SCC-12]"""

from dataclasses import dataclass
from decimal import Decimal

from margingate_engine.core.errors import InvalidInput
from margingate_engine.models.span_cc.calendar_parameters import PLACES_MAX, RATIO_MAX, check_number
from margingate_engine.models.span_cc.kinds import InterMethod, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class InterLeg:
    """`ratio` deltas of a combined commodity.

    credit_rate: the part of its weighted price risk that is credited (DELTA), or of its gains that
    counts (SCANNING). is_required: the spread forms only with it (SCANNING; DELTA needs all legs).
    """

    commodity: str
    ratio: Decimal
    side: Side
    credit_rate: Decimal
    is_required: bool

    def __post_init__(self) -> None:
        """Refuse ratios and rates out of bounds."""
        check_number("ratio", self.ratio, Decimal(1).scaleb(-PLACES_MAX), RATIO_MAX)
        check_number("credit_rate", self.credit_rate, Decimal(0), Decimal(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class InterSpread:
    """An offset between combined commodities; smaller priorities come first.

    target: the commodity whose arrays take up those of the others, target_ratio its deltas per
    spread, legs_min how many legs must be held (SCANNING); None, None and the number of legs for
    DELTA.
    """

    priority: int
    method: InterMethod
    legs: tuple[InterLeg, ...]
    target: str | None
    target_ratio: Decimal | None
    legs_min: int

    def __post_init__(self) -> None:
        """Refuse what cannot form."""
        codes = [leg.commodity for leg in self.legs]
        if len(codes) < 2 or len(set(codes)) != len(codes):
            raise InvalidInput("legs", "must be two or more different commodities")
        if self.method is InterMethod.DELTA:
            self._check_delta()
        else:
            self._check_scanning(codes)

    @property
    def codes(self) -> frozenset[str]:
        """Every commodity that takes part."""
        return frozenset(leg.commodity for leg in self.legs)

    def _check_delta(self) -> None:
        if self.target is not None or self.target_ratio is not None:
            raise InvalidInput("target", "belongs to scanning spreads")
        if self.legs_min != len(self.legs):
            raise InvalidInput("legs_min", "must be the number of legs of a delta spread")

    def _check_scanning(self, codes: list[str]) -> None:
        if self.target is None or self.target not in codes:
            raise InvalidInput("target", "must be one of the legs")
        if self.target_ratio is None:
            raise InvalidInput("target_ratio", "is missing")
        check_number("target_ratio", self.target_ratio, Decimal(1).scaleb(-PLACES_MAX), RATIO_MAX)
        if not 2 <= self.legs_min <= len(codes):
            raise InvalidInput("legs_min", "must be two or more, and no more than there are legs")
