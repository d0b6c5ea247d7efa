"""Write the built-in parameters of the model `var`: settings, and a synthetic history.

Real histories are the operator's to bring. This one is drawn from a seed, with what crypto returns
are known for: clusters of volatility, heavy tails, coins that move together, vols that rise as
prices fall. `python -m tools.make_synthetic_history` writes it again, the same to the last digit.
"""

from pathlib import Path

import numpy as np

SEED = 20_261_121
DAYS, STRESSED_DAYS = 560, 120
COINS = {"BTC": 0.027, "ETH": 0.036}
"""Daily volatility by coin."""

CORRELATION, FREEDOM = 0.83, 4.0
DECAY, SHOCK = 0.90, 0.08
VOL_DEVIATION, VOL_ON_PRICE = 0.045, -0.9
STRESS = 2.4
PATH = Path("server/margingate_server/files/defaults/var.toml")

SETTINGS = """\
# Parameters of the model "var". Every name is required; see docs/methodology/var.md.
# The history is SYNTHETIC (tools/make_synthetic_history.py): it lets the model be tried without any
# data. Before money rests on it, bring your own with --model-parameters var=PATH.

[settings]
method = "filtered"
confidence = 0.99
horizon_days = 1
horizon_rule = "overlapping"
lookback_days = 500
decay = 0.97
ratio_floor = 0.5
ratio_cap = 3
degrees_of_freedom = 4
seed = 1
scenario_count = 1000
look_ahead_days = 1
estimator = "es"
quantile_rule = "ranked"
stressed_weight = 0.25
floor_days = 0
buffer = 0
buffer_drawn = 0
offset_cap = 0.8
maintenance_fraction = 0.8
"""


def main() -> None:
    """Write the file."""
    draw = np.random.Generator(np.random.Philox(SEED))
    calm = histories(draw, DAYS, 1.0)
    stressed = histories(draw, STRESSED_DAYS, STRESS)
    PATH.write_text(SETTINGS + "".join(_table(coin, calm, stressed) for coin in COINS))


def histories(draw: np.random.Generator, days: int, scale: float) -> dict[str, np.ndarray]:
    """Daily log changes of price and vol by coin, (days, 2)."""
    market_t = _shocks(draw, days)
    found = {}
    for coin, deviation in COINS.items():
        own_t = _shocks(draw, days)
        shock_t = CORRELATION * market_t + np.sqrt(1 - CORRELATION**2) * own_t
        level, price_t = 1.0, np.empty(days)
        for day, shock in enumerate(shock_t):
            price_t[day] = scale * deviation * np.sqrt(level) * shock
            level = (1 - DECAY - SHOCK) + DECAY * level + SHOCK * level * min(shock**2, 9.0)
        vol_t = VOL_ON_PRICE * price_t + scale * VOL_DEVIATION * draw.standard_normal(days)
        found[coin] = np.stack((np.clip(price_t, -0.5, 0.5), np.clip(vol_t, -0.6, 0.6)), axis=1)
    return found


def _shocks(draw: np.random.Generator, days: int) -> np.ndarray:
    """Student's t, scaled to a variance of 1."""
    return draw.standard_t(FREEDOM, days) * np.sqrt((FREEDOM - 2) / FREEDOM)


def _table(coin: str, calm: dict[str, np.ndarray], stressed: dict[str, np.ndarray]) -> str:
    lists = {
        "returns": calm[coin][:, 0],
        "vol_returns": calm[coin][:, 1],
        "stressed_returns": stressed[coin][:, 0],
        "stressed_vol_returns": stressed[coin][:, 1],
    }
    lines = [f"\n[{coin}]", "basis_rate = 0.01", "collateral_haircut = 0"]
    for name, change_t in lists.items():
        lines.append(f"{name} = [")
        texts = [f"{change:.4f}" for change in change_t]
        lines += [f"  {', '.join(texts[n : n + 12])}," for n in range(0, len(texts), 12)]
        lines.append("]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
