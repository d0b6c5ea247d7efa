"""A study on disk, for who draws it or works on with it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margingate_engine.monitoring.states import Bounds
from margingate_server.crash_study.findings import Coverage, Lead, Level, Reached
from margingate_server.crash_study.findings_of_orders import OrderFindings
from margingate_server.crash_study.running import Study

FINDINGS, COURSE = "findings.json", "course.npz"


def save(
    folder: Path,
    study: Study,
    bounds: Bounds,
    found: Sequence[Reached | Level | Lead | Coverage],
    orders: OrderFindings,
) -> None:
    """Write findings as JSON and courses as arrays into a folder, which is made.

    course.npz: time_ns, index_COIN, kind, posted, worth and per model equity, initial, maintenance
    and state (axes T, A; 1e-6 USD), named `span.equity`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    course = study.course
    arrays: dict[str, NDArray[Any]] = {
        "time_ns": np.array(course.time_ns_t),
        "kind": np.array(course.kinds),
        "posted": np.array(course.posted),
        "worth": course.worth_ta,
        **{f"index_{coin}": index_t for coin, index_t in course.index_by_coin.items()},
    }
    for model, figures in course.figures_by_model.items():
        arrays[f"{model}.equity"] = figures.equity
        arrays[f"{model}.initial"] = figures.initial
        arrays[f"{model}.maintenance"] = figures.maintenance
        arrays[f"{model}.state"] = figures.states(bounds)
    np.savez_compressed(folder / COURSE, allow_pickle=False, **arrays)
    rows = [{"finding": type(each).__name__.lower(), **asdict(each)} for each in found]
    by_state = {state.word: asdict(each) for state, each in orders.by_state.items()}
    document = {"orders": {**asdict(orders), "by_state": by_state}, "findings": rows}
    (folder / FINDINGS).write_text(json.dumps(document, indent=1) + "\n", "utf-8")
