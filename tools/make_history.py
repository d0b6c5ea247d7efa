"""Write parameters of the model `var` with a recorded history, for --model-parameters var=PATH.

    python -m tools.make_history OUT --prices BTC=FILE --prices ETH=FILE --vols BTC=FILE \
        --vols ETH=FILE [--days 560] [--stress-from 2022-05-01]

Files as `margingate backtest` reads them; of the dates that all of them have the last ones count.
Settings are the built-in ones.
"""

import argparse
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from margingate_server.backtesting.panel import Panel, panel
from margingate_server.files.price_history import read_closes
from tools.make_synthetic_history import SETTINGS, STRESSED_DAYS

PLACES = 4
PER_LINE = 12


def main() -> None:
    """Write the file that the arguments ask for."""
    arguments = _arguments()
    prices, vols = (_files(each) for each in (arguments.prices, arguments.vols))
    coins = sorted(prices)
    together = panel(
        coins,
        coins,
        {coin: read_closes(path) for coin, path in prices.items()},
        {coin: read_closes(path) for coin, path in vols.items()},
    )
    arguments.out.write_text(_document(together, coins, arguments.days, arguments.stress_from))
    print(f"{arguments.days} days until {together.dates[-1]}, stress from {arguments.stress_from}")


def _document(together: Panel, coins: Sequence[str], days: int, stress_from: date) -> str:
    """The whole file. A change of a day stands at the date that it led to."""
    changes = together.dates[1:]
    first = next(place for place, day in enumerate(changes) if day >= stress_from)
    calm, stressed = slice(len(changes) - days, None), slice(first, first + STRESSED_DAYS)
    kept = [line for line in SETTINGS.splitlines() if not line.startswith(("# The", "# data."))]
    kept.insert(1, f"# Changes of {days} days until {changes[-1]}; stress from {stress_from}.")
    parts = ["\n".join(kept) + "\n"]
    for column, coin in enumerate(coins):
        spot_t = together.history.spot_tu[:, column]
        vol_t = together.history.vol_tu[:, column]
        parts.append(f"\n[{coin}]\nbasis_rate = 0.01\ncollateral_haircut = 0\n")
        parts.append(_list("returns", spot_t[calm]) + _list("vol_returns", vol_t[calm]))
        parts.append(_list("stressed_returns", spot_t[stressed]))
        parts.append(_list("stressed_vol_returns", vol_t[stressed]))
    return "".join(parts)


def _list(name: str, change_t: NDArray[np.float64]) -> str:
    texts = [f"{each:.{PLACES}f}" for each in change_t.tolist()]
    lines = [", ".join(texts[at : at + PER_LINE]) for at in range(0, len(texts), PER_LINE)]
    return f"{name} = [\n  " + ",\n  ".join(lines) + ",\n]\n"


def _files(pairs: Sequence[str]) -> Mapping[str, Path]:
    return {name: Path(path) for name, _, path in (pair.partition("=") for pair in pairs)}


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    for name in ("--prices", "--vols"):
        parser.add_argument(name, action="append", required=True, metavar="NAME=FILE")
    parser.add_argument("--days", type=int, default=560)
    parser.add_argument("--stress-from", type=date.fromisoformat, default=date(2022, 5, 1))
    return parser.parse_args()


if __name__ == "__main__":
    main()
