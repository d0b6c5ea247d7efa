"""Credits for opposite risks of different combined commodities. [SCC-11]"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from margingate_engine.models.span_cc.inter_parameters import InterLeg, InterSpread
from margingate_engine.models.span_cc.kinds import InterMethod, Side


def delta_credits(
    spreads: Iterable[InterSpread],
    delta_by_code: Mapping[str, Fraction],
    price_risk_by_code: Mapping[str, Fraction],
) -> dict[str, Fraction]:
    """Credit by commodity, 1e-6 of its margin currency, at least 0. [SCC-11]

    delta_by_code: net deltas that the calendar spreads left, long positive. price_risk_by_code:
    weighted price risk per delta; a spread forms only where that of every leg is above 0.
    """
    left, credits_by_code = dict(delta_by_code), dict.fromkeys(delta_by_code, Fraction(0))
    for spread in sorted(spreads, key=lambda each: each.priority):
        if spread.method is not InterMethod.DELTA:
            continue
        if any(price_risk_by_code.get(leg.commodity, 0) <= 0 for leg in spread.legs):
            continue
        for long_side in (Side.A, Side.B):
            count = min(
                _available(leg, left, long_side) / Fraction(leg.ratio) for leg in spread.legs
            )
            if count > 0:
                for leg in spread.legs:
                    used = count * Fraction(leg.ratio)
                    left[leg.commodity] -= _sign(leg, long_side) * used
                    credits_by_code[leg.commodity] += (
                        used * price_risk_by_code[leg.commodity] * Fraction(leg.credit_rate)
                    )
    return credits_by_code


def linked(spreads: Iterable[InterSpread], codes: Iterable[str]) -> frozenset[str]:
    """The commodities that spreads connect, directly or through others, with any of `codes`."""
    reached, parts = set(codes), [spread.codes for spread in spreads]
    while grown := [part for part in parts if part & reached and not part <= reached]:
        reached = reached.union(*grown)
    return frozenset(reached)


def _available(leg: InterLeg, left: Mapping[str, Fraction], long_side: Side) -> Fraction:
    return max(Fraction(0), _sign(leg, long_side) * left[leg.commodity])


def _sign(leg: InterLeg, long_side: Side) -> int:
    return 1 if leg.side is long_side else -1
