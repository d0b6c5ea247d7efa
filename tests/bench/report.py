"""The figures as a table for people and as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench.goals import GOALS, Goal

LOAD = (
    "tests/bench/http2.py: one thread on the last core, 4 connections; "
    "servers on the first core; latencies of open loops count from the instant a call was due"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A whole run. rounds: all figures of each by name, those measured once in every round."""

    machine: Mapping[str, str | int | float]
    rounds: Sequence[Mapping[str, float]]

    def figure(self, name: str) -> float:
        """Median over the rounds."""
        return median(each[name] for each in self.rounds)

    def ratio(self, goal: Goal) -> float:
        """Median of the rounds' ratios, which is not the ratio of the medians."""
        return median(goal.of(each) for each in self.rounds)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        ratios = [
            {
                "name": goal.name,
                "value": self.ratio(goal),
                "by_round": [goal.of(each) for each in self.rounds],
                "goal": goal.bound,
                "is_minimum": goal.is_minimum,
                "is_met": goal.is_met(self.ratio(goal)),
            }
            for goal in GOALS
        ]
        content = {
            "machine": self.machine,
            "load": LOAD,
            "ratios": ratios,
            "figures": {name: self.figure(name) for name in self.rounds[0]},
            "rounds": self.rounds,
        }
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n")

    def show(self) -> None:
        """Print machine, figures and ratios."""
        console = Console()
        console.print(", ".join(f"{name} {value}" for name, value in self.machine.items()))
        figures = Table("figure", title=f"median of {len(self.rounds)} rounds")
        figures.add_column("value", justify="right")
        for name in self.rounds[0]:
            figures.add_row(name, f"{self.figure(name):,.3f}")
        ratios = Table("against the baseline of the same round")
        for heading in ("value", "goal", "reached"):
            ratios.add_column(heading, justify="right")
        for goal in GOALS:
            value, relation = self.ratio(goal), "≥" if goal.is_minimum else "≤"
            is_met = "yes" if goal.is_met(value) else "no"
            ratios.add_row(goal.name, f"{value:,.2f}", f"{relation} {goal.bound:,g}", is_met)
        console.print(figures, ratios)
