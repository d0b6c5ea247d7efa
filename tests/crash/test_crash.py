"""A short run of the crash test; `make crash CYCLES=1000` is the long one."""

from pathlib import Path

import pytest

from tests.crash.campaign import Plan, run

CYCLES = 4


@pytest.mark.timeout(180)
def test_a_server_killed_again_and_again_keeps_every_promise(tmp_path: Path) -> None:
    lines: list[str] = []
    tally = run(Plan(cycles=CYCLES, seed=20, folder=tmp_path), lines.append)
    assert not tally.findings, "\n".join(tally.findings)
    assert (tally.lost, tally.answered_twice) == (0, 0)
    assert tally.cycles == len(lines) == CYCLES
    assert tally.endings.total() >= CYCLES
    assert tally.accepted > 20
    assert tally.acknowledged > 100
    assert tally.accounts_compared > 0
    assert tally.margins_compared > 0
    assert not list(tmp_path.iterdir()), "what was found good is not kept"
