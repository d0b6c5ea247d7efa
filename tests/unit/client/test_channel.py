"""In the clear by default, with TLS where the target says https."""

import shutil
import subprocess
from pathlib import Path

import grpc
import pytest

from margingate.v1.account_service_pb2 import GetAccountResponse
from margingate_server.client import MarginGate, MargingateCallError, RetryPolicy
from tests.unit.client.fake_server import FakeServer, running_server

ONCE = RetryPolicy(tries_max=1)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Certificate and key of 127.0.0.1, signed by themselves."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl makes the certificate of this test")
    folder: Path = tmp_path_factory.mktemp("tls")
    words = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 "
        "-subj /CN=margingate -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    )
    subprocess.run(words.split(), cwd=folder, check=True, capture_output=True)
    return (folder / "cert.pem").read_bytes(), (folder / "key.pem").read_bytes()


def test_https_speaks_tls_with_whom_the_certificates_trust(
    certificate: tuple[bytes, bytes],
) -> None:
    chain, key = certificate
    with running_server(grpc.ssl_server_credentials([(key, chain)])) as server:
        server.answers("GetAccount", GetAccountResponse())
        target = f"https://{server.target}"
        with MarginGate.connect(target, root_certificates=chain, timeout_seconds=10.0) as gate:
            assert gate.accounts.get("desk-1") == GetAccountResponse()
        for wrong in (target, server.target):  # strangers' certificates; no TLS at all
            with (
                MarginGate.connect(wrong, retry=ONCE) as gate,
                pytest.raises(MargingateCallError) as caught,
            ):
                gate.accounts.get("desk-1")
            assert caught.value.is_unanswered
    assert len(server.requests) == 1


def test_http_is_in_the_clear(server: FakeServer) -> None:
    server.answers("GetAccount", GetAccountResponse())
    with MarginGate.connect(f"http://{server.target}") as gate:
        assert gate.accounts.get("desk-1") == GetAccountResponse()


def test_an_order_larger_than_the_server_takes_is_never_sent(
    server: FakeServer, gate: MarginGate
) -> None:
    with pytest.raises(MargingateCallError) as caught:
        gate.accounts.get("a" * (1 << 20))
    assert caught.value.code == "RESOURCE_EXHAUSTED"
    assert server.requests == []
