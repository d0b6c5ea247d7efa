"""Draw the fitted smiles against the marks of a recorded chain.

    PYTHONPATH=engine:server:. python -m tools.draw_surface FILE docs/images/simulated-surface.png

Needs matplotlib, which the project does not depend on.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import matplotlib.pyplot as plt
import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_server.feeds.simulated.fitted import FITTED
from margingate_server.feeds.simulated.surface import smiles
from margingate_server.feeds.simulated.variance_time import variance_days
from tools.recorded_chain import RecordedChain

_TENORS_DAYS: Final = (1.0, 7.0, 35.0, 150.0, 340.0)
_MONEYNESS: Final = np.linspace(-4.5, 4.5, 181)


def draw(axes: Any, underlying: str, chain: RecordedChain) -> None:
    """Smiles of a few expiries: marks as dots, the surface as lines."""
    parameters = FITTED[underlying]
    days_e = variance_days(chain.market_time_ns, chain.expiry_ns_e, parameters.weekend_weight)
    surface = smiles(parameters, days_e, 1.0)
    calendar_days_e = 365 * chain.tau_years_e
    for tenor in _TENORS_DAYS:
        expiry = int(np.argmin(np.abs(np.log(calendar_days_e / tenor))))
        scale = np.sqrt(surface.scale_e[expiry])
        is_shown = (chain.expiry_i == expiry) & (np.abs(chain.log_moneyness_i) < 4.5 * scale)
        day = datetime.fromtimestamp(chain.expiry_ns_e[expiry] // NANO, UTC)
        (dots,) = axes.plot(
            chain.log_moneyness_i[is_shown] / scale,
            100 * chain.vol_i[is_shown],
            "o",
            markersize=3,
            label=f"{day:%d %b %y}, {calendar_days_e[expiry]:.0f} d",
        )
        variance = surface.total_variance(np.full(len(_MONEYNESS), expiry), _MONEYNESS * scale)
        vols = 100 * np.sqrt(variance / chain.tau_years_e[expiry])
        axes.plot(_MONEYNESS, vols, color=dots.get_color(), linewidth=1)
    axes.set(title=underlying, xlabel="ln(K/F) / sqrt(variance at the money)", ylabel="vol, %")
    axes.legend(frameon=False, fontsize=8)


def main() -> None:
    """Draw the file given first into the image given second."""
    source, image = (Path(each) for each in sys.argv[1:3])
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for axes, underlying in zip(panels, FITTED, strict=True):
        draw(axes, underlying, RecordedChain.read(source, underlying))
    image.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(image, dpi=110)


if __name__ == "__main__":
    main()
