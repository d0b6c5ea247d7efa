"""A study on disk, for who draws it or works on with it."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margingate_engine.core.amounts import NANO
from margingate_engine.monitoring.states import Bounds
from margingate_server.crash_study.findings import Coverage, Lead, Level, Reached
from margingate_server.crash_study.findings_of_orders import OrderFindings
from margingate_server.crash_study.running import Study

FINDINGS, COURSE = "findings.json", "course.npz"
ACCOUNTS, ORDERS = "accounts.json", "orders.csv"


def save(
    folder: Path,
    study: Study,
    bounds: Bounds,
    found: Sequence[Reached | Level | Lead | Coverage],
    orders: OrderFindings,
) -> None:
    """Write findings as JSON and courses as arrays into a folder, which is made.

    accounts.json and orders.csv are as a replay takes them, for a server to be given the same.
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
    (folder / ACCOUNTS).write_text(_accounts(study), "utf-8")
    (folder / ORDERS).write_text(_orders(study), "utf-8")
    (folder / FINDINGS).write_text(json.dumps(document, indent=1) + "\n", "utf-8")


def _accounts(study: Study) -> str:
    """The accounts at the start, a line each; numbers as text, which is exact."""
    lines = [
        json.dumps(
            {
                "account": each.account,
                "collateral": {
                    asset: f"{amount.normalize():f}" for asset, amount in each.collateral.items()
                },
                "positions": [
                    {"instrument": held.instrument, "quantity": f"{held.quantity.normalize():f}"}
                    for held in each.positions
                ],
            }
        )
        for each in study.accounts
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _orders(study: Study) -> str:
    """The order flow in the order of its times."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["time", "account", "instrument", "side", "quantity", "price", "outcome"])
    for order in (each.order for each in study.answers):
        time = datetime.fromtimestamp(order.time_ns // NANO, UTC)
        micros = order.time_ns % NANO // 1_000
        row = [time.replace(microsecond=micros).isoformat(), order.account, order.instrument]
        limit = "" if order.limit is None else f"{order.limit.normalize():f}"
        side, quantity = order.side.name.lower(), f"{order.quantity.normalize():f}"
        writer.writerow([*row, side, quantity, limit, order.outcome.value])
    return text.getvalue()
