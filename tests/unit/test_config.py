from decimal import Decimal
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.config import ServerConfig


def test_the_allowance_is_a_whole_number_of_millionths() -> None:
    assert ServerConfig().allowance_ppm == 1_000
    assert ServerConfig(risk_reducing_allowance=Decimal("0.000025")).allowance_ppm == 25


@pytest.mark.parametrize("allowance", ["-0.001", "0.11", "0.0000001"])
def test_an_allowance_out_of_bounds_is_refused(allowance: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        ServerConfig(risk_reducing_allowance=Decimal(allowance))
    assert refused.value.field == "risk_reducing_allowance"


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        ServerConfig(tls_certificate_path=Path("certificate.pem"))
    assert refused.value.field == "tls_cert"


@pytest.mark.parametrize("days", [0.0, -1.0, 36_501.0, float("nan"), float("inf")])
def test_a_retention_that_is_no_time_or_without_end_is_refused(days: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        ServerConfig(market_retention_days=days)
    assert refused.value.field == "market_retention"


@pytest.mark.parametrize("seconds", [0.0, 86_401.0, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["underlying_age", "instrument_age"])
def test_an_age_without_end_is_refused(name: str, seconds: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        ServerConfig(**{f"{name}_seconds_max": seconds})  # type: ignore[arg-type]
    assert refused.value.field == f"{name}_max"
