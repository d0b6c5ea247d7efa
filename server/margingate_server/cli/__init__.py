"""The command line. Whatever happens, its user gets a sentence and an exit code, no stack trace."""

import os
import sys

from margingate_server.cli.exit_codes import INTERNAL, INTERRUPTED


def main() -> None:
    """Runs the command line and exits with its code."""
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read us has gone, as `| head` does; the interpreter's own flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - see the first line of this file
        print(f"margingate: internal error: {type(error).__name__}: {error}", file=sys.stderr)
        code = INTERNAL
    sys.exit(code)


def _run() -> int:
    from margingate_server.cli.app import app  # noqa: PLC0415 - Ctrl-C while importing is caught

    try:
        app(prog_name="margingate")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    return 0
