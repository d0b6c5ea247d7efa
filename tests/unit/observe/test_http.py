"""The HTTP endpoint answers scrapes and probes, whoever else is connected."""

import io
import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse, RemoteDisconnected

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.parser import text_string_to_metric_families

from margingate_server.observe import http, logs
from margingate_server.observe.http import HttpEndpoint


@pytest.fixture
def checks() -> dict[str, bool]:
    """What /readyz is told; change it in place."""
    return {"ledger": True, "market": True, "serving": True}


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("things", "Things.", registry=registry).inc(3)
    return registry


@pytest.fixture
def endpoint(registry: CollectorRegistry, checks: dict[str, bool]) -> Iterator[HttpEndpoint]:
    with HttpEndpoint(registry, lambda: checks) as endpoint:
        yield endpoint


def ask(endpoint: HttpEndpoint, path: str, method: str = "GET") -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection(endpoint.host, endpoint.port, timeout=3)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


def connect(endpoint: HttpEndpoint) -> socket.socket:
    return socket.create_connection((endpoint.host, endpoint.port), timeout=3)


def test_metrics_are_what_prometheus_parses(endpoint: HttpEndpoint) -> None:
    response, body = ask(endpoint, "/metrics?name=x")
    assert response.status == 200
    assert response.getheader("Content-Type") == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(body.decode())}
    assert families["things"].type == "counter"
    assert families["things"].samples[0].value == 3


def test_a_process_that_runs_is_alive_even_if_not_ready(
    endpoint: HttpEndpoint, checks: dict[str, bool]
) -> None:
    checks["ledger"] = False
    response, _ = ask(endpoint, "/livez")
    assert response.status == 200


def test_ready_means_that_every_check_passes(endpoint: HttpEndpoint) -> None:
    response, body = ask(endpoint, "/readyz")
    assert response.status == 200
    assert response.getheader("Content-Type") == "application/json"
    assert json.loads(body) == {
        "ready": True,
        "checks": {"ledger": True, "market": True, "serving": True},
    }


@pytest.mark.parametrize("failing", ["ledger", "market", "serving"])
def test_one_failing_check_is_enough_to_be_unready_and_is_named(
    endpoint: HttpEndpoint, checks: dict[str, bool], failing: str
) -> None:
    checks[failing] = False
    response, body = ask(endpoint, "/readyz")
    assert response.status == 503
    answer = json.loads(body)
    assert answer["ready"] is False
    assert [name for name, passes in answer["checks"].items() if not passes] == [failing]


def test_a_server_without_checks_is_not_ready(
    endpoint: HttpEndpoint, checks: dict[str, bool]
) -> None:
    checks.clear()
    response, _ = ask(endpoint, "/readyz")
    assert response.status == 503


@pytest.mark.parametrize("path", ["/", "/metrics/", "/metricsx", "/../etc/passwd"])
def test_other_paths_are_not_found(endpoint: HttpEndpoint, path: str) -> None:
    response, _ = ask(endpoint, path)
    assert response.status == 404


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
def test_head_answers_as_get_without_the_body(endpoint: HttpEndpoint, path: str) -> None:
    full, text = ask(endpoint, path)
    head, nothing = ask(endpoint, path, "HEAD")
    assert (head.status, nothing) == (full.status, b"")
    assert head.getheader("Content-Length") == str(len(text))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_that_change_are_refused(endpoint: HttpEndpoint, method: str) -> None:
    response, _ = ask(endpoint, "/metrics", method)
    assert response.status == 405
    assert response.getheader("Allow") == "GET, HEAD"


def test_the_answer_says_nothing_of_the_software_below(endpoint: HttpEndpoint) -> None:
    response, _ = ask(endpoint, "/livez")
    assert response.getheader("Server") == "margingate"


def test_clients_that_send_nothing_do_not_keep_a_scrape_out(endpoint: HttpEndpoint) -> None:
    idle = [connect(endpoint) for _ in range(3 * http.CONNECTIONS_MAX)]
    idle[-1].sendall(b"GET /metrics HT")
    response, _ = ask(endpoint, "/metrics")
    assert response.status == 200
    assert idle[0].recv(1) == b""
    for client in idle:
        client.close()


def test_a_client_that_sends_nothing_is_dropped_after_a_while(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http._Handler, "timeout", 0.05)
    with HttpEndpoint(registry, dict) as endpoint, connect(endpoint) as client:
        assert client.recv(1) == b""


def test_a_client_that_never_reads_does_not_hold_up_the_next(
    registry: CollectorRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http._Handler, "timeout", 0.2)
    many = Counter("many", "Many.", ["n"], registry=registry)
    for n in range(20_000):
        many.labels("x" * 50 + str(n))
    with HttpEndpoint(registry, dict) as endpoint, connect(endpoint) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        deaf.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        response, _ = ask(endpoint, "/livez")
        assert response.status == 200


def test_a_failing_callback_costs_the_answer_and_is_logged_as_an_incident(
    registry: CollectorRegistry,
) -> None:
    log = io.BytesIO()
    logs.configure("info", log)

    def broken() -> dict[str, bool]:
        raise ZeroDivisionError("secret")

    with HttpEndpoint(registry, broken) as endpoint:
        with pytest.raises(RemoteDisconnected):
            ask(endpoint, "/readyz")
        response, _ = ask(endpoint, "/livez")
    assert response.status == 200
    line = json.loads(log.getvalue())
    assert line["event"] == "http_request_failed"
    assert "ZeroDivisionError" in line["exception"]


def test_a_client_that_left_is_not_an_incident() -> None:
    log = io.BytesIO()
    logs.configure("debug", log)
    with HttpEndpoint(CollectorRegistry(), dict) as endpoint:
        client = connect(endpoint)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        client.sendall(b"GET /metrics HTTP/1.0\r\n")
        client.close()
        ask(endpoint, "/livez")
    assert log.getvalue() == b""


def test_closing_frees_the_port_drops_clients_and_ends_the_thread(
    registry: CollectorRegistry,
) -> None:
    endpoint = HttpEndpoint(registry, dict)
    with connect(endpoint) as client:
        ask(endpoint, "/livez")  # whoever connected before is accepted by now
        endpoint.close()
        endpoint.close()
        with pytest.raises(ConnectionRefusedError):
            connect(endpoint)
        assert client.recv(1) == b""
    assert "observe-http" not in {thread.name for thread in threading.enumerate()}
    with HttpEndpoint(registry, dict, port=endpoint.port) as again:
        assert again.port == endpoint.port


def test_a_port_in_use_is_an_error_at_once(endpoint: HttpEndpoint) -> None:
    with pytest.raises(OSError, match="in use"):
        HttpEndpoint(CollectorRegistry(), dict, port=endpoint.port)


def test_it_listens_on_loopback_unless_told_otherwise(endpoint: HttpEndpoint) -> None:
    assert endpoint.host == "127.0.0.1"
    assert endpoint.port > 0
    assert endpoint._server.server_address[0] == "127.0.0.1"
