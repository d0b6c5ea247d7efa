"""Surfaces fitted to chains of 2026-01-23 09:23:19 UTC; tools/fit_surface.py writes this."""

from collections.abc import Mapping
from typing import Final

from margingate_server.feeds.simulated.surface import SurfaceParameters

FITTED: Final[Mapping[str, SurfaceParameters]] = {
    "BTC": SurfaceParameters(
        index=89016.51,
        days=(1.0, 4.0, 14.0, 45.0, 130.0, 350.0),
        at_money=(0.39416, 0.35211, 0.35756, 0.37026, 0.42373, 0.47536),
        slope=(0.89413, 0.90296, 0.65801, 0.79195, 0.67701, 0.67598),
        tilt=(-0.23263, -0.47776, -0.0798, -0.03425, 0.00911, -0.10469),
        centre=(0.02771, -0.81278, 0.45627, 0.45353, 0.67672, 0.36244),
        width=(2.65529, 2.46505, 2.01861, 2.75155, 2.64977, 3.17213),
        basis=(-0.00344, 0.00353, 0.02362, 0.03893, 0.04054, 0.04832),
        weekend_weight=0.15212,
    ),
    "ETH": SurfaceParameters(
        index=2926.97,
        days=(1.0, 4.0, 14.0, 45.0, 130.0, 350.0),
        at_money=(0.51247, 0.47458, 0.49443, 0.54048, 0.59438, 0.64101),
        slope=(0.65258, 0.54055, 0.54537, 0.75821, 0.43368, 0.5475),
        tilt=(-0.35981, -0.2851, -0.03871, -0.00643, -0.15311, -0.37635),
        centre=(-0.05106, -0.04295, 0.45659, 0.45152, 0.1692, -0.65587),
        width=(2.05236, 1.2931, 1.70544, 3.36598, 2.108, 2.64251),
        basis=(0.02078, 0.0214, 0.0224, 0.02763, 0.03454, 0.03779),
        weekend_weight=0.29607,
    ),
}
