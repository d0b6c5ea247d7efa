"""Everything that can be chosen when a server starts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from margingate_engine.core.amounts import PPM
from margingate_engine.core.errors import InvalidInput

RETENTION_DAYS_MAX = 36_500
AGE_SECONDS_MAX = 86_400.0
OPENING_MODEL = "span"
"""The model that accounts open under."""


def path_by_name(texts: Iterable[str], field: str) -> dict[str, Path]:
    """Paths of NAME=PATH by name; InvalidInput naming `field`."""
    paths: dict[str, Path] = {}
    for text in texts:
        name, has_path, path = text.partition("=")
        if not (name and has_path and path):
            raise InvalidInput(field, f"{text!r} is not NAME=PATH")
        if name in paths:
            raise InvalidInput(f"{field}.{name}", "is given twice")
        paths[name] = Path(path)
    return paths


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Settings of one server. Paths of None mean what is built in.

    model_parameters: files of other models than `parameters_path` is of, by name.
    speed: of a replay, market seconds in a second; infinite for as fast as can be.
    revalue_move, revalue_seconds: prices of a feed wait until one moved by this share, or they
    waited for so long; they never do with a share of 0.
    snapshot_every: events after which a snapshot of the ledger is made, 0 for never.
    market_retention_days: how long markets are kept for decisions to be taken again.
    risk_reducing_allowance: of notional, how much headroom a risk-reducing order may cost. [DEC-02]
    """

    feed: str = "simulated"
    seed: int = 7
    speed: float = 1.0
    revalue_move: float = 0.0
    revalue_seconds: float = 1.0
    is_frozen: bool = False
    host: str = "127.0.0.1"
    port: int = 50051
    http_host: str = "127.0.0.1"
    http_port: int = 9464
    data_dir: Path = Path("var/margingate")
    snapshot_every: int = 100_000
    market_retention_days: float = 7.0
    has_seed_accounts: bool = True
    parameters_path: Path | None = None
    model_parameters: Mapping[str, Path] = field(default_factory=dict)
    policy_path: Path | None = None
    monitoring_path: Path | None = None
    collateral_path: Path | None = None
    quality_path: Path | None = None
    fees_path: Path | None = None
    workers: int = 32
    underlying_age_seconds_max: float = 10.0
    instrument_age_seconds_max: float = 60.0
    risk_reducing_allowance: Decimal = Decimal("0.001")
    log_level: str = "info"
    tls_certificate_path: Path | None = None
    tls_key_path: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work together."""
        if (self.tls_certificate_path is None) != (self.tls_key_path is None):
            raise InvalidInput("tls_cert", "and tls_key belong together")
        if OPENING_MODEL in self.model_parameters:
            problem = "is what parameters is for"
            raise InvalidInput(f"model_parameters.{OPENING_MODEL}", problem)
        if not self.speed > 0:
            raise InvalidInput("speed", "must be above 0, or max")
        if not 1 <= self.workers <= 1_000:
            raise InvalidInput("workers", "must lie in [1, 1000]")
        if not (0 <= self.risk_reducing_allowance <= Decimal("0.1")) or self.allowance_ppm % 1:
            raise InvalidInput(
                "risk_reducing_allowance", "must lie in [0, 0.1], with 6 decimal places at most"
            )
        if self.snapshot_every < 0:
            raise InvalidInput("snapshot_every", "must not be negative")
        if not 0 < self.market_retention_days <= RETENTION_DAYS_MAX:
            raise InvalidInput("market_retention", f"must lie in (0, {RETENTION_DAYS_MAX}] days")
        for name in ("underlying_age", "instrument_age"):
            if not 0 < getattr(self, f"{name}_seconds_max") <= AGE_SECONDS_MAX:
                raise InvalidInput(f"{name}_max", f"must lie in (0, {AGE_SECONDS_MAX:g}] seconds")

    @property
    def allowance_ppm(self) -> Decimal:
        """The allowance in 1e-6."""
        return self.risk_reducing_allowance * PPM

    def tls_pair(self) -> tuple[bytes, bytes] | None:
        """(key, certificate) in PEM, None without TLS."""
        if self.tls_key_path is None or self.tls_certificate_path is None:
            return None
        return self.tls_key_path.read_bytes(), self.tls_certificate_path.read_bytes()
