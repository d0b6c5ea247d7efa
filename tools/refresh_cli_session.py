"""Runs the session of docs/cli.md again and puts in what the commands print now.

    python -m tools.refresh_cli_session

Every console block is run in order, in an empty directory with a frozen simulated market, but for
the blocks of `margingate serve` itself. Lines that begin with `$ ` are the commands.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
PROGRAM = Path(sys.executable).with_name("margingate")
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
PORT, HTTP_PORT = 50951, 9951


def main() -> None:
    """Rewrite the page."""
    with tempfile.TemporaryDirectory() as folder:
        environment = dict(
            os.environ,
            PATH=f"{PROGRAM.parent}:{os.environ['PATH']}",
            MARGINGATE_TARGET=f"127.0.0.1:{PORT}",
            COLUMNS="140",
        )
        server = subprocess.Popen(
            [PROGRAM, "serve", "--freeze", "--port", str(PORT), "--http-port", str(HTTP_PORT)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert server.stdout is not None
            server.stdout.readline()
            page = BLOCK.sub(lambda block: _run_again(block, folder, environment), PAGE.read_text())
        finally:
            server.terminate()
            server.wait()
    PAGE.write_text(page)


def _run_again(block: re.Match[str], folder: str, environment: dict[str, str]) -> str:
    commands = [line for line in block[1].splitlines() if line.startswith("$ ")]
    if any(line.startswith("$ margingate serve") for line in commands):
        return block[0]
    printed = [_printed(line, folder, environment) for line in commands]
    return "```console\n" + "".join(printed) + "```"


def _printed(line: str, folder: str, environment: dict[str, str]) -> str:
    """A command as typed and what it says, without the blank lines around it."""
    print(line, file=sys.stderr)
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line.removeprefix("$ ")],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    lines = [each.rstrip() for each in done.stdout.splitlines()]
    text = "\n".join(lines).strip("\n")
    return f"{line}\n{text}\n[exit {done.returncode}]\n"


if __name__ == "__main__":
    main()
