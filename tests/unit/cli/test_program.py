"""The program as a whole: its table of commands, its start, its ends."""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from margingate_server import cli
from margingate_server.cli.app import COMMANDS, app

PROGRAM = (sys.executable, "-m", "margingate_server.cli")
READS_A_PAGE_THAT_NOBODY_READS = """
import os, sys
from margingate_server import cli
import margingate_server.cli.app as app
app.app = lambda prog_name: print("line\\n" * 100_000)
cli.main()
"""


def help_of(*words: str) -> str:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, result.output
    return " ".join(re.sub("[│╭╮╰╯─]", " ", result.output).split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_has_help_of_its_own(name: str) -> None:
    assert re.match(rf"Usage: \S+ {name} ", help_of(name))
    assert COMMANDS[name][1] in help_of()


WITHOUT_SERVER = {"serve", "ledger", "backtest", "crash-study", "validate", "span"}


@pytest.mark.parametrize("name", [name for name in COMMANDS if name not in WITHOUT_SERVER])
def test_every_command_that_asks_a_server_can_answer_in_json(name: str) -> None:
    command = typer.main.get_command(import_module(f"{cli.__name__}.{COMMANDS[name][0]}").app)
    leaves: list[Any] = list(getattr(command, "commands", {}).values()) or [command]
    for leaf in leaves:
        options = {text for parameter in leaf.params for text in parameter.opts}
        assert {"--json", "--target", "--timeout"} <= options, leaf.name


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(app, ["chekc"])
    assert result.exit_code == 2
    assert "chekc" in result.stderr


def test_the_version_is_shown() -> None:
    assert re.fullmatch(
        r"margingate \d+\.\d+\.\d+\n", CliRunner().invoke(app, ["--version"]).output
    )


@pytest.mark.parametrize("columns", [80, 100])
def test_help_of_serve_has_the_names_of_its_options_whole(
    columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    shown = help_of("serve")
    assert "--risk-reducing-allowance" in shown
    assert "--no-seed-accounts" in shown
    assert "…" not in shown


def test_help_and_completion_do_not_wait_for_grpc() -> None:
    script = (
        "import sys; from typer.testing import CliRunner;"
        "from margingate_server.cli.app import app; CliRunner().invoke(app, ['--help']);"
        "sys.exit(bool({'grpc', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_client_command_does_not_wait_for_the_engine() -> None:
    script = (
        "import sys; import margingate_server.cli.check;"
        "sys.exit(bool({'numpy', 'scipy', 'margingate_engine'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_a_reader_who_has_gone_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", READS_A_PAGE_THAT_NOBODY_READS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def raising(error: BaseException) -> Callable[..., None]:
    def run(**_: str) -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (RuntimeError("boom"), 70, "margingate: internal error: RuntimeError: boom\n"),
        (KeyboardInterrupt(), 130, ""),
        (SystemExit(4), 4, ""),
        (SystemExit(None), 0, ""),
        (SystemExit("text"), 1, ""),
    ],
    ids=["defect", "ctrl-c", "code", "none", "text"],
)
def test_every_end_has_an_exit_code_and_no_stack_trace(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr("margingate_server.cli.app.app", raising(error))
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == code
    assert capsys.readouterr().err == said


def test_the_module_is_the_program() -> None:
    done = subprocess.run(
        [*PROGRAM, "orders", "desk-1", "--target", "127.0.0.1:1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5
    assert done.stderr.startswith("margingate: no answer from 127.0.0.1:1")
    assert done.stdout == ""
