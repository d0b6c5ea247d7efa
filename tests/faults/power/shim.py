"""The shim built, and the environment in which a process runs under it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from tests.faults.power.cuts import Partly, cut_power

SOURCE = Path(__file__).with_name("shim.c")


def built(folder: Path) -> Path:
    """The shim as a library; skips where it cannot be built."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler: what a power cut loses is not tried")
    library = folder / "shim.so"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(SOURCE)]
    done = subprocess.run(
        [*command, "-ldl", "-lpthread"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"the shim cannot be built here: {done.stderr[-200:]}")
    return library


@dataclass(slots=True)
class Disk:
    """A folder whose power can be cut: between two cuts one process at a time writes to it."""

    library: Path
    root: Path
    random: Random
    cut_count: int = 0

    @property
    def folder(self) -> Path:
        """The folder that is watched; it is there, durably."""
        path = self.root / "disk"
        path.mkdir(exist_ok=True)
        return path

    def environment(self) -> dict[str, str]:
        """What a process needs to be watched until the next cut."""
        kept = self._kept()
        kept.mkdir(exist_ok=True)
        return {
            "LD_PRELOAD": str(self.library),
            "SHIM_FOLDER": os.fspath(self.folder.resolve()),
            "SHIM_JOURNAL": str(self._journal()),
            "SHIM_KEPT": str(kept),
            "SHIM_FAILING": str(self._failing()),
        }

    @contextmanager
    def failing_syncs(self) -> Iterator[None]:
        """Syncs fail while the block runs, and what they should have written is lost for good."""
        self._failing().touch()
        try:
            yield
        finally:
            self._failing().unlink()

    def cut(self, way: Partly) -> int:
        """Lose what `way` leaves out; how much was not synced. The process must be dead."""
        pending = cut_power(self.folder, self._journal(), self._kept(), way, self.random)
        self.cut_count += 1
        return pending

    def _journal(self) -> Path:
        return self.root / f"journal-{self.cut_count}"

    def _failing(self) -> Path:
        return self.root / "failing"

    def _kept(self) -> Path:
        return self.root / f"kept-{self.cut_count}"
