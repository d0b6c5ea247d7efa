"""`serve`: what its options become, and how a server that cannot start ends."""

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import margingate_server
from margingate_engine.core.errors import InvalidInput
from margingate_server.cli.app import app
from margingate_server.cli.exit_codes import STOPPED_HANGING, USAGE
from margingate_server.config import ServerConfig
from margingate_server.ledger.store import CorruptLedger, LedgerInUse, StoreFailure


class FakeApp(ModuleType):
    """Stands where the composition root is imported from."""

    def __init__(self) -> None:
        super().__init__("margingate_server.app")
        self.configs: list[ServerConfig] = []
        self.error: Exception | None = None
        self.has_ended = True

    def serve(self, config: ServerConfig, announce: Callable[[str], None]) -> bool:
        self.configs.append(config)
        announce("serving on port 50051")
        if self.error is not None:
            raise self.error
        return self.has_ended


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> FakeApp:
    fake = FakeApp()
    monkeypatch.setitem(sys.modules, fake.__name__, fake)
    monkeypatch.setattr(margingate_server, "app", fake, raising=False)
    return fake


def serve(*words: str) -> Result:
    return CliRunner().invoke(app, ["serve", *words])


def test_without_options_a_server_is_one_to_try_with(server: FakeApp) -> None:
    result = serve()
    assert (result.exit_code, result.stdout) == (0, "serving on port 50051\n")
    assert server.configs == [
        ServerConfig(
            feed="simulated",
            seed=7,
            is_frozen=False,
            host="127.0.0.1",
            port=50051,
            http_host="127.0.0.1",
            http_port=9464,
            data_dir=Path("var/margingate"),
            snapshot_every=100_000,
            has_seed_accounts=True,
            parameters_path=None,
            fees_path=None,
            workers=32,
            underlying_age_seconds_max=10.0,
            instrument_age_seconds_max=60.0,
            log_level="info",
            tls_certificate_path=None,
            tls_key_path=None,
        )
    ]


def test_every_option_reaches_the_server(server: FakeApp, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    result = serve(
        "--feed", "none", "--seed", "8", "--freeze", "--host", "127.0.0.2", "--port", "0",
        "--http-host", "127.0.0.3", "--http-port", "0",
        "--data-dir", str(tmp_path), "--snapshot-every", "9", "--no-seed-accounts", "--parameters",
        str(file), "--fees", str(file), "--workers", "4", "--underlying-age-max", "1.5",
        "--instrument-age-max", "2.5", "--log-level", "debug", "--tls-cert", str(file),
        "--tls-key", str(file), "--market-retention", "0.5",
        "--model-parameters", f"cross={file}", "--model-parameters", "tims=t=1.toml",
        "--policy", str(file), "--quality", str(file), "--monitoring", str(file),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert server.configs == [
        ServerConfig(
            feed="none",
            seed=8,
            is_frozen=True,
            host="127.0.0.2",
            port=0,
            http_host="127.0.0.3",
            http_port=0,
            data_dir=tmp_path,
            snapshot_every=9,
            market_retention_days=0.5,
            has_seed_accounts=False,
            parameters_path=file,
            model_parameters={"cross": file, "tims": Path("t=1.toml")},
            policy_path=file,
            monitoring_path=file,
            quality_path=file,
            fees_path=file,
            workers=4,
            underlying_age_seconds_max=1.5,
            instrument_age_seconds_max=2.5,
            log_level="debug",
            tls_certificate_path=file,
            tls_key_path=file,
        )
    ]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--model-parameters", "cross"), "model_parameters: 'cross' is not NAME=PATH"),
        (("--model-parameters", "=x"), "model_parameters: '=x' is not NAME=PATH"),
        (
            ("--model-parameters", "cross=x", "--model-parameters", "cross=y"),
            "model_parameters.cross: is given twice",
        ),
        (("--model-parameters", "span=x"), "model_parameters.span: is what parameters is for"),
    ],
)
def test_parameters_of_models_are_refused_by_name(
    server: FakeApp, words: tuple[str, ...], named: str
) -> None:
    result = serve(*words)
    assert result.exit_code == 2
    assert named in result.stderr
    assert server.configs == []


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InvalidInput("feed", "is unknown"), 2, "feed: is unknown"),
        (
            LedgerInUse(77, 0),
            1,
            "process 77 has the ledger in var/margingate; give another --data-dir",
        ),
        (
            CorruptLedger(5, "ledger.sqlite", "the hash does not match the event"),
            1,
            "event 5 of the ledger in ledger.sqlite: the hash does not match the event",
        ),
        (
            StoreFailure("open", 28, "disk is full"),
            1,
            "open of the ledger in var/margingate failed: disk is full",
        ),
        (OSError(98, "Address in use"), 1, "[Errno 98] Address in use"),
    ],
    ids=["configuration", "in use", "corrupt", "disk", "port"],
)
def test_a_server_that_cannot_start_says_why(
    server: FakeApp, error: Exception, code: int, said: str
) -> None:
    server.error = error
    result = serve()
    prefix = "margingate: cannot serve: " if code == 1 else "margingate: "
    assert (result.exit_code, result.stderr) == (code, f"{prefix}{said}\n")


@pytest.mark.parametrize(
    "words",
    [
        ("--port", "70000"),
        ("--workers", "0"),
        ("--fees", "nowhere.toml"),
        ("--seed", "seven"),
        ("--log-level", "loud"),
    ],
)
def test_an_option_that_cannot_be_is_a_usage_error(server: FakeApp, words: Any) -> None:
    assert serve(*words).exit_code == 2
    assert server.configs == []


def test_the_allowance_of_risk_reducing_orders_is_passed_on(server: FakeApp) -> None:
    result = serve("--risk-reducing-allowance", "0.0005")
    assert result.exit_code == 0
    assert server.configs[0].allowance_ppm == 500


def test_a_server_that_could_not_end_cleanly_says_so_to_a_script(server: FakeApp) -> None:
    server.has_ended = False
    assert serve().exit_code == STOPPED_HANGING


def test_a_speed_of_what_is_no_replay_is_a_mistake(server: FakeApp) -> None:
    result = serve("--speed", "5")
    assert result.exit_code == USAGE
    assert "speed" in result.output
    assert not server.configs
