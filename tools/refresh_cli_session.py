"""Runs the session of docs/cli.md again and puts in what the commands print now.

    python -m tools.refresh_cli_session

Every console block is run in order, in a directory with a small SPAN file and a frozen simulated
market, but for the blocks of `margingate serve` itself. Lines that begin with `$ ` are commands.
One that ends with another `[exit N]` than the page has (0 where it has none) leaves the page as it
is: an example does not become a failure unseen.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import grpc
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate.v1.market_service_pb2_grpc import MarketServiceStub
from tests.unit.files.test_spn import WHOLE

PAGE = Path(__file__).parent.parent / "docs" / "cli.md"
PROGRAM = Path(sys.executable).with_name("margingate")
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
EXIT = re.compile(r"\[exit (\d+)\]")
POSITIONS = (("XYZ/NIFTY/FUT//20260630//", 2), ("XYZ/NIFTY/FUT//20260728//", -2))
PORT, HTTP_PORT = 50951, 9951


def main() -> None:
    """Rewrite the page."""
    with tempfile.TemporaryDirectory() as folder:
        _write_span_files(Path(folder))
        environment = dict(
            os.environ,
            PATH=f"{PROGRAM.parent}:{os.environ['PATH']}",
            MARGINGATE_TARGET=f"127.0.0.1:{PORT}",
            COLUMNS="100",
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
            _list_expired()
            page = BLOCK.sub(lambda block: _run_again(block, folder, environment), PAGE.read_text())
        finally:
            server.terminate()
            server.wait()
    PAGE.write_text(page)


def _run_again(block: re.Match[str], folder: str, environment: dict[str, str]) -> str:
    commands = list(commands_of(block[1]))
    if any(line.startswith("$ margingate serve") for line, _ in commands):
        return block[0]
    printed = [_printed(line, code, folder, environment) for line, code in commands]
    return "```console\n" + "".join(printed) + "```"


def commands_of(block: str) -> Iterator[tuple[str, int]]:
    """Each command of a block as typed, and the code that it is to end with."""
    line, code = "", 0
    for each in block.splitlines():
        if each.startswith("$ "):
            if line:
                yield line, code
            line, code = each, 0
        elif found := EXIT.fullmatch(each):
            code = int(found[1])
    if line:
        yield line, code


def _list_expired() -> None:
    """An option of this morning, for what is expired can be settled and all else is not."""
    expiry = Timestamp()
    expiry.FromDatetime(datetime(2026, 1, 23, 8, tzinfo=UTC))
    option = types.Instrument(
        instrument="BTC-23JAN26-88000-C",
        kind=types.INSTRUMENT_KIND_OPTION,
        underlying="BTC",
        contract_size="1",
        lot_size="0.1",
        tick_size="0.0001",
        strike="88000",
        right=types.OPTION_RIGHT_CALL,
        expiry_time=expiry,
        settlement=types.SETTLEMENT_INVERSE,
    )
    with grpc.insecure_channel(f"127.0.0.1:{PORT}") as channel:
        request = market.PublishInstrumentsRequest(instruments=[option])
        MarketServiceStub(channel).PublishInstruments(request, timeout=10.0)


def _write_span_files(folder: Path) -> None:
    (folder / "span.spn").write_text(WHOLE, encoding="latin-1")
    rows = "".join(f"{key},{lots}\n" for key, lots in POSITIONS)
    (folder / "positions.csv").write_text(f"contract,quantity\n{rows}")


def _printed(line: str, code: int, folder: str, environment: dict[str, str]) -> str:
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
    text = "\n".join(each.rstrip() for each in done.stdout.splitlines()).strip("\n")
    if done.returncode != code:
        sys.exit(f"{line}\n{text}\nended with {done.returncode}, not {code}")
    return "\n".join([line, *([text] if text else []), f"[exit {code}]", ""])


if __name__ == "__main__":
    main()
