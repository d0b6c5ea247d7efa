"""`margingate serve`."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from margingate_engine.core.errors import InvalidInput
from margingate_server.cli.exit_codes import CANNOT_SERVE, STOPPED_HANGING, USAGE
from margingate_server.cli.parsing import any_decimal
from margingate_server.config import ServerConfig, path_by_name
from margingate_server.ledger.store import CorruptLedger, LedgerError, LedgerInUse, StoreFailure

app = typer.Typer(add_completion=False, rich_markup_mode=None)  # a frame cuts its longer names

NO_SPEED = "1"
"""Of a feed that moves by itself, and of a replay at the speed of its market."""


class LogLevel(StrEnum):
    """The least that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


FeedOption = Annotated[
    str,
    typer.Option(
        help="simulated, file:PATH, replay:PATH, deribit (or deribit:testnet, deribit:WS_URL),"
        " or none: prices come by PublishQuotes only."
    ),
]
SpeedOption = Annotated[
    str,
    typer.Option(metavar="X", help="Market seconds of a replay in one second; max for no wait."),
]
RevalueMoveOption = Annotated[
    float,
    typer.Option(
        min=0.0,
        max=0.01,
        metavar="SHARE",
        help="Prices wait, a second at most, until one moved by this share; 0 for no wait.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Seed of the simulated feed.")]
FrozenOption = Annotated[bool, typer.Option("--freeze", help="The simulated market stands still.")]
HostOption = Annotated[str, typer.Option(help="Address to listen on.")]
PortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of gRPC; 0 for any free one.")
]
HttpHostOption = Annotated[str, typer.Option(help="Address of /metrics, /livez and /readyz.")]
HttpPortOption = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of /metrics, /livez and /readyz.")
]
DataDirOption = Annotated[Path, typer.Option(help="Where the ledger is kept.")]
SnapshotEveryOption = Annotated[
    int,
    typer.Option(
        min=0, metavar="EVENTS", help="Make a snapshot of the ledger every so often; 0 for never."
    ),
]
MarketRetentionOption = Annotated[
    float,
    typer.Option(
        min=0.0, metavar="DAYS", help="How long markets are kept, to take decisions on them again."
    ),
]
SeedAccountsOption = Annotated[
    bool,
    typer.Option("--seed-accounts/--no-seed-accounts", help="Open a few accounts to try with."),
]
ParametersOption = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="TOML of the model's parameters; absent: built in."
    ),
]
FeesOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="TOML of the fees; absent: built in."),
]
ModelParametersOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=PATH",
        help="TOML of another model that accounts may have; absent: built in, where there is one."
        " Repeatable.",
    ),
]
PolicyOption = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="TOML of what regimes ask for; absent: built in."
    ),
]
CollateralOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="TOML of what assets count; absent: built in."),
]
MonitoringOption = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="TOML of bounds of margin states; absent: built in."
    ),
]
QualityOption = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="TOML of limits of market data; absent: built in."
    ),
]
WorkersOption = Annotated[int, typer.Option(min=1, help="Threads that serve calls.")]
UnderlyingAgeMaxOption = Annotated[
    float,
    typer.Option(min=0.0, metavar="SECONDS", help="Index prices older than this are stale."),
]
InstrumentAgeMaxOption = Annotated[
    float, typer.Option(min=0.0, metavar="SECONDS", help="Marks older than this are stale.")
]
AllowanceOption = Annotated[
    str,
    typer.Option(
        metavar="FRACTION",
        help="Headroom that a risk-reducing order may cost, as a fraction of its notional.",
    ),
]
LogLevelOption = Annotated[LogLevel, typer.Option(help="The least that is logged.")]
TlsCertOption = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="PEM of the server's certificate."),
]
TlsKeyOption = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="PEM of the server's key.")
]


@app.command()
def serve(
    *,
    feed: FeedOption = "simulated",
    seed: SeedOption = 7,
    speed: SpeedOption = NO_SPEED,
    revalue_move: RevalueMoveOption = 0.0,
    is_frozen: FrozenOption = False,
    host: HostOption = "127.0.0.1",
    port: PortOption = 50051,
    http_host: HttpHostOption = "127.0.0.1",
    http_port: HttpPortOption = 9464,
    data_dir: DataDirOption = Path("var/margingate"),
    snapshot_every: SnapshotEveryOption = 100_000,
    market_retention: MarketRetentionOption = 7.0,
    has_seed_accounts: SeedAccountsOption = True,
    parameters: ParametersOption = None,
    model_parameters: ModelParametersOption = None,
    policy: PolicyOption = None,
    monitoring: MonitoringOption = None,
    collateral: CollateralOption = None,
    quality: QualityOption = None,
    fees: FeesOption = None,
    workers: WorkersOption = 32,
    underlying_age_max: UnderlyingAgeMaxOption = 10.0,
    instrument_age_max: InstrumentAgeMaxOption = 60.0,
    risk_reducing_allowance: AllowanceOption = "0.001",
    log_level: LogLevelOption = LogLevel.INFO,
    tls_cert: TlsCertOption = None,
    tls_key: TlsKeyOption = None,
) -> None:
    """Run a server until SIGTERM or Ctrl-C."""
    with _mistakes_told(data_dir):
        _run(
            feed=feed,
            seed=seed,
            speed=_speed(speed, feed),
            revalue_move=revalue_move,
            is_frozen=is_frozen,
            host=host,
            port=port,
            http_host=http_host,
            http_port=http_port,
            data_dir=data_dir,
            snapshot_every=snapshot_every,
            market_retention_days=market_retention,
            has_seed_accounts=has_seed_accounts,
            parameters_path=parameters,
            model_parameters=path_by_name(model_parameters or (), "model_parameters"),
            policy_path=policy,
            monitoring_path=monitoring,
            collateral_path=collateral,
            quality_path=quality,
            fees_path=fees,
            workers=workers,
            underlying_age_seconds_max=underlying_age_max,
            instrument_age_seconds_max=instrument_age_max,
            risk_reducing_allowance=any_decimal(risk_reducing_allowance),
            log_level=log_level.value,
            **_tls(tls_cert, tls_key),
        )


def _tls(certificate: Path | None, key: Path | None) -> dict[str, Path | None]:
    return {"tls_certificate_path": certificate, "tls_key_path": key}


def _run(**settings: Any) -> None:
    from margingate_server import app as server  # noqa: PLC0415 - help needs no engine

    if not server.serve(ServerConfig(**settings), typer.echo):
        raise typer.Exit(STOPPED_HANGING)


@contextmanager
def _mistakes_told(data_dir: Path) -> Iterator[None]:
    """End the program with a sentence and its code when it cannot serve."""
    try:
        yield
    except InvalidInput as error:
        typer.echo(f"margingate: {error.field}: {error.problem}", err=True)
        raise typer.Exit(USAGE) from None
    except (LedgerError, OSError) as error:
        typer.echo(f"margingate: cannot serve: {_sentence(error, data_dir)}", err=True)
        raise typer.Exit(CANNOT_SERVE) from None


def _speed(text: str, feed: str) -> float:
    if text != NO_SPEED and not feed.startswith("replay:"):
        raise InvalidInput("speed", "is for --feed replay:PATH")
    try:
        return math.inf if text == "max" else float(text)
    except ValueError:
        raise InvalidInput("speed", "must be a number above 0, or max") from None


def _sentence(error: LedgerError | OSError, data_dir: Path) -> str:
    match error:
        case LedgerInUse():
            return f"process {error.pid} has the ledger in {data_dir}; give another --data-dir"
        case CorruptLedger():
            return f"event {error.seq} of the ledger in {error.place}: {error.problem}"
        case StoreFailure():
            return f"{error.operation} of the ledger in {data_dir} failed: {error.reason}"
        case _:
            return str(error)
