"""The script makes a certificate that gRPC clients and servers accept."""

import ssl
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc

from tests.deploy.exported import DEPLOY

SCRIPT = DEPLOY / "certs" / "make.sh"


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(SCRIPT), *arguments], check=False, capture_output=True, text=True, timeout=60
    )


def test_the_key_is_for_the_owner_alone_and_nothing_is_left_over(tmp_path: Path) -> None:
    assert make(str(tmp_path)).returncode == 0
    assert stat.S_IMODE((tmp_path / "server.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "server.crt").stat().st_mode) == 0o644
    assert {path.name for path in tmp_path.iterdir()} == {"server.crt", "server.key"}


def test_a_certificate_that_is_there_is_kept(tmp_path: Path) -> None:
    make(str(tmp_path))
    before = (tmp_path / "server.crt").read_bytes()
    assert make(str(tmp_path)).returncode == 0
    assert (tmp_path / "server.crt").read_bytes() == before


def test_a_certificate_without_its_key_is_made_anew(tmp_path: Path) -> None:
    make(str(tmp_path))
    (tmp_path / "server.key").unlink()
    assert make(str(tmp_path)).returncode == 0
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")


def test_without_a_directory_it_says_how_it_is_used() -> None:
    done = make()
    assert done.returncode == 2
    assert "usage" in done.stderr


def test_a_client_that_trusts_the_certificate_reaches_a_server_that_has_it(tmp_path: Path) -> None:
    make(str(tmp_path), "margin.example")
    certificate = (tmp_path / "server.crt").read_bytes()
    key = (tmp_path / "server.key").read_bytes()
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    try:
        for name in ("127.0.0.1", "localhost", "margingate", "margin.example"):
            options = [("grpc.ssl_target_name_override", name)]
            credentials = grpc.ssl_channel_credentials(certificate)
            with grpc.secure_channel(f"127.0.0.1:{port}", credentials, options) as channel:
                grpc.channel_ready_future(channel).result(timeout=10)
    finally:
        server.stop(None).wait()
