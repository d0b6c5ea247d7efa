"""Measure the server against an echo of the same stack, and the engine: `make bench`.

Needs Linux and about two minutes; prints a table and writes build/bench.json.
"""

import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.bench.cores import LOAD_CORE, pinned
from tests.bench.engine_costs import engine_costs
from tests.bench.machine import ROOT, machine_facts
from tests.bench.report import Report
from tests.bench.rounds import served_rounds, ticking_figures

BUILD = ROOT / "build"


def main() -> None:
    """Run every measurement, one after the other."""
    BUILD.mkdir(exist_ok=True)
    machine = machine_facts()
    with TemporaryDirectory(dir=BUILD) as name, pinned(LOAD_CORE):
        folder = Path(name)
        _tell("the engine")
        once = engine_costs()
        rounds = []
        for figures in served_rounds(folder):
            rounds.append(figures)
            _tell(f"round {len(rounds)} of the server beside its echo")
        _tell("the server in a moving market")
        half = median(each["check_per_second"] for each in rounds) / 2
        once |= ticking_figures(folder, half)
    report = Report(machine=machine, rounds=[{**each, **once} for each in rounds])
    report.write(BUILD / "bench.json")
    report.show()


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")


if __name__ == "__main__":
    main()
