"""The product's own proofs of a ledger, run as an operator would, on a copy."""

import subprocess
import sys
from pathlib import Path

from tests.crash.server import ROOT, environment

SECONDS_MAX = 300.0
COMMANDS = (("verify", "--deep"), ("replay",))


def verify_and_replay(folder: Path) -> list[str]:
    """What `margingate ledger verify` and `margingate ledger replay` find wrong with a ledger.

    Replay takes every decision again from its basis and must get the same integers.
    """
    return [problem for words in COMMANDS if (problem := run_ledger(words, folder))]


def run_ledger(words: tuple[str, ...], folder: Path) -> str:
    """What a command of `margingate ledger` says when it does not end well; empty when it does."""
    command = [sys.executable, "-m", "margingate_server.cli", "ledger", *words]
    done = subprocess.run(
        [*command, "--data-dir", str(folder)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=SECONDS_MAX,
        check=False,
    )
    if done.returncode == 0:
        return ""
    return f"ledger {words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}"
