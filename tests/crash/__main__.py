"""`python -m tests.crash --cycles n --seed s`: kill the server n times and compare."""

import argparse
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.crash.campaign import CYCLES_PER_LEDGER, Plan, run

FINDINGS_SHOWN = 20


def main() -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cycles", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cycles-per-ledger", type=int, default=CYCLES_PER_LEDGER)
    chosen = parser.parse_args()
    folder = Path(mkdtemp(prefix="margingate-crash-"))
    plan = Plan(
        cycles=chosen.cycles,
        seed=chosen.seed,
        folder=folder,
        cycles_per_ledger=chosen.cycles_per_ledger,
    )
    tally = run(plan, _tell)
    _tell(tally.table())
    if not tally.findings:
        folder.rmdir()
        return 0
    for finding in tally.findings[:FINDINGS_SHOWN]:
        _tell(finding)
    _tell(f"{len(tally.findings)} findings; seed {chosen.seed}, kept in {folder}")
    return 1


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
