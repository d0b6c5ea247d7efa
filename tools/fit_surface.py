"""Fit the simulated feed's surface to recorded chains and say how well it fits.

    python -m tools.fit_surface CALM [OTHER ...] [--write]

Every file is fitted and reported. With --write the parameters of the first go to
server/margingate_server/feeds/simulated/fitted.py. docs/feeds.md says what is minimised.
"""

import argparse
import sys
from dataclasses import astuple, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from scipy.optimize import least_squares

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import FloatArray
from margingate_engine.core.times import YEAR_DAYS
from margingate_engine.pricing import black76
from margingate_server.feeds.simulated.surface import (
    SurfaceParameters,
    forward_ratio,
    smiles,
)
from margingate_server.feeds.simulated.variance_time import variance_days
from tools.recorded_chain import RecordedChain
from tools.surface_arbitrage import butterfly_density, calendar_growth

UNDERLYINGS: Final = ("BTC", "ETH")
KNOT_DAYS: Final = (1.0, 4.0, 14.0, 45.0, 130.0, 350.0)
FITTED: Final = Path("server/margingate_server/feeds/simulated/fitted.py")

_VEGA_WEIGHT_MIN: Final = 0.05
_ARBITRAGE_WEIGHT: Final = 3.0
_SMOOTHNESS_WEIGHT: Final = 0.02
_FORWARD_NOISE: Final = 5e-4
_BASIS_STEP: Final = 0.02


def fitted_basis(chain: RecordedChain) -> tuple[float, ...]:
    """The annual basis at the knots: least squares on ln(F/S), smooth where the noise is larger.

    A snapshot takes minutes, in which index and forwards drift apart by a few basis points.
    """
    tau_e, target_e = chain.tau_years_e, np.log(chain.forward_e / chain.index)

    def residuals(basis: FloatArray) -> FloatArray:
        curve_e = np.interp(np.log(tau_e * YEAR_DAYS), np.log(KNOT_DAYS), basis) * tau_e
        return np.concatenate([(curve_e - target_e) / _FORWARD_NOISE, np.diff(basis) / _BASIS_STEP])

    return tuple(least_squares(residuals, np.full(len(KNOT_DAYS), 0.04)).x)


def parameters_of(
    free: FloatArray, chain: RecordedChain, basis: tuple[float, ...]
) -> SurfaceParameters:
    """The parameters that the free variables stand for; every free value gives admissible ones."""
    at_money, slope, tilt, centre, width = free[1:].reshape(5, len(KNOT_DAYS))
    return SurfaceParameters(
        index=chain.index,
        days=KNOT_DAYS,
        at_money=tuple(np.exp(at_money)),
        slope=tuple(np.exp(slope)),
        tilt=tuple(0.95 * np.tanh(tilt)),
        centre=tuple(centre),
        width=tuple(0.3 + np.exp(width)),
        basis=basis,
        weekend_weight=float(0.05 + 0.95 / (1 + np.exp(-free[0]))),
    )


def first_guess(chain: RecordedChain) -> FloatArray:
    """Free variables of a plain smile through the vols near the money."""
    deviation_i = chain.vol_i * np.sqrt(chain.tau_years_i)
    is_near_i = np.abs(chain.log_moneyness_i) < 0.5 * deviation_i
    days_i = chain.tau_years_i * YEAR_DAYS
    nearest = [np.abs(np.log(days_i / knot)) + 9.0 * ~is_near_i for knot in KNOT_DAYS]
    at_money = [chain.vol_i[int(np.argmin(distance_i))] for distance_i in nearest]
    knots = len(KNOT_DAYS)
    return np.concatenate(
        [
            [0.0],
            np.log(at_money),
            np.full(knots, -0.5),
            np.full(knots, -0.2),
            np.zeros(knots),
            np.full(knots, 0.5),
        ]
    )


def surface_vols(parameters: SurfaceParameters, chain: RecordedChain) -> FloatArray:
    """The surface's vol for every option of the chain (I,), at the chain's own forwards."""
    days_e = variance_days(chain.market_time_ns, chain.expiry_ns_e, parameters.weekend_weight)
    variance_i = smiles(parameters, days_e, 1.0).total_variance(
        chain.expiry_i, chain.log_moneyness_i
    )
    return np.sqrt(variance_i / chain.tau_years_i)


def fit(chain: RecordedChain) -> SurfaceParameters:
    """The parameters that minimise vega-weighted squared vol errors and penalties of arbitrage."""
    weight_i = 100 * np.sqrt(np.maximum(chain.relative_vega_i, _VEGA_WEIGHT_MIN) / len(chain.vol_i))
    basis = fitted_basis(chain)

    def residuals(free: FloatArray) -> FloatArray:
        parameters = parameters_of(free, chain, basis)
        shape = free[1 + len(KNOT_DAYS) :].reshape(4, len(KNOT_DAYS))
        return np.concatenate(
            [
                (surface_vols(parameters, chain) - chain.vol_i) * weight_i,
                _ARBITRAGE_WEIGHT * np.minimum(butterfly_density(parameters) - 0.01, 0).ravel(),
                _ARBITRAGE_WEIGHT * np.minimum(calendar_growth(parameters) - 0.002, 0).ravel(),
                _SMOOTHNESS_WEIGHT * np.diff(shape, axis=1).ravel(),
                _SMOOTHNESS_WEIGHT * shape[2],
            ]
        )

    return rounded(parameters_of(least_squares(residuals, first_guess(chain)).x, chain, basis))


def rounded(parameters: SurfaceParameters) -> SurfaceParameters:
    """The parameters to five decimals, as they are written and reported."""

    def five(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(round(float(each), 5) for each in values)

    return SurfaceParameters(
        index=parameters.index,
        days=parameters.days,
        at_money=five(parameters.at_money),
        slope=five(parameters.slope),
        tilt=five(parameters.tilt),
        centre=five(parameters.centre),
        width=five(parameters.width),
        basis=five(parameters.basis),
        weekend_weight=round(parameters.weekend_weight, 5),
    )


def report(path: Path, underlying: str, parameters: SurfaceParameters, chain: RecordedChain) -> str:
    """One line: errors of vols in points, of marks in coins, of forwards in basis points."""
    vol_i = surface_vols(parameters, chain)
    points_i = 100 * np.abs(vol_i - chain.vol_i)
    value_i = black76.value(
        chain.forward_i, chain.strike_i, vol_i, chain.tau_years_i, chain.is_call_i
    )
    coins_i = np.abs(value_i / chain.forward_i - chain.mark_i)
    curve_e = chain.index * forward_ratio(parameters, chain.tau_years_e)
    weighted = np.sqrt(np.average(points_i**2, weights=chain.relative_vega_i))
    return (
        f"{path.name} {underlying} options {len(vol_i)}"
        f" | vol points: vega-weighted rms {weighted:.2f}, rms {np.sqrt(np.mean(points_i**2)):.2f},"
        f" 95 % {np.quantile(points_i, 0.95):.2f}, largest {points_i.max():.2f}"
        f" | marks, coins: median {np.median(coins_i):.1e}, 95 % {np.quantile(coins_i, 0.95):.1e},"
        f" largest {coins_i.max():.1e}"
        f" | forwards, bp: largest {1e4 * np.abs(curve_e / chain.forward_e - 1).max():.1f}"
        f" | least butterfly density {butterfly_density(parameters).min():.3f},"
        f" calendar growth {calendar_growth(parameters).min():.4f}"
    )


def source_text(parameters_by_underlying: dict[str, SurfaceParameters], instant_ns: int) -> str:
    """The Python module that holds the parameters."""
    instant = datetime.fromtimestamp(instant_ns // NANO, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    lines = [
        f'"""Surfaces fitted to chains of {instant}; tools/fit_surface.py writes this."""',
        "",
        "from collections.abc import Mapping",
        "from typing import Final",
        "",
        "from margingate_server.feeds.simulated.surface import SurfaceParameters",
        "",
        "FITTED: Final[Mapping[str, SurfaceParameters]] = {",
    ]
    for underlying, parameters in parameters_by_underlying.items():
        lines.append(f'    "{underlying}": SurfaceParameters(')
        lines.extend(
            f"        {field.name}={stated!r},"
            for field, stated in zip(fields(parameters), astuple(parameters), strict=True)
        )
        lines.append("    ),")
    return "\n".join([*lines, "}", ""])


def main() -> None:
    """Fit every file, report, and write the first when asked."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("files", nargs="+", type=Path)
    arguments.add_argument("--write", action="store_true")
    chosen = arguments.parse_args()
    first: dict[str, SurfaceParameters] = {}
    instant_ns = 0
    for path in chosen.files:
        for underlying in UNDERLYINGS:
            chain = RecordedChain.read(path, underlying)
            parameters = fit(chain)
            sys.stdout.write(report(path, underlying, parameters, chain) + "\n")
            if path == chosen.files[0]:
                first[underlying] = parameters
                instant_ns = chain.market_time_ns
    if chosen.write:
        FITTED.write_text(source_text(first, instant_ns))


if __name__ == "__main__":
    main()
