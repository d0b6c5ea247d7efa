"""What was measured, where and with what: figures mean nothing without it."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("grpcio", "protobuf", "numpy", "scipy", "msgspec", "prometheus-client")
ROOT = Path(__file__).parents[2]


def machine_facts() -> dict[str, str | int | float]:
    """Facts by name; the commit ends in "+" when the checkout differs from it."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "busy_before": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "commit": _git("rev-parse", "HEAD") + ("+" if _git("status", "--porcelain") else ""),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _git(*arguments: str) -> str:
    try:
        told = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, check=True, text=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return told.stdout.strip()
