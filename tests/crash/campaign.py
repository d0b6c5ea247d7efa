"""Cycle after cycle of load, crash, recovery and comparison."""

import shutil
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.crash.ledger_life import LedgerLife
from tests.crash.tally import Tally

CYCLES_PER_LEDGER = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run. folder: where data and journals are kept while they are needed."""

    cycles: int
    seed: int
    folder: Path
    cycles_per_ledger: int = CYCLES_PER_LEDGER


def run(plan: Plan, tell: Callable[[str], None]) -> Tally:
    """What all cycles came to; ends at the first finding, with the ledger kept in its folder."""
    tally = Tally()
    while tally.cycles < plan.cycles and not tally.findings:
        number = tally.ledgers + 1
        folder = plan.folder / f"ledger-{number}"
        life = LedgerLife(folder, f"{plan.seed}-{number}", tally)
        try:
            _live(life, min(plan.cycles_per_ledger, plan.cycles - tally.cycles), tally, tell)
        except Exception:  # noqa: BLE001 - whatever ends a run must not lose its seed and folder
            tally.findings.append(traceback.format_exc())
        finally:
            life.end()
        if not tally.findings:
            shutil.rmtree(folder)
    return tally


def _live(life: LedgerLife, cycles: int, tally: Tally, tell: Callable[[str], None]) -> None:
    life.open()
    for _ in range(cycles):
        ended = life.cycle()
        tell(
            f"cycle {tally.cycles}: {ended}; {tally.endings.total()} ends,"
            f" {life.head_seq} events, {life.audit.acknowledged_count} acknowledged,"
            f" recovered in {tally.recovery_seconds[-1]:.2f} s"
        )
        if tally.findings:
            break
    life.close()
