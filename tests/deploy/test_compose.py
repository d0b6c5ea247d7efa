"""The compose file agrees with the code and with the files it mounts."""

from typing import Any

import pytest
import yaml

from tests.deploy.dockerfile import exec_form
from tests.deploy.exported import DEPLOY
from tests.deploy.serve_flags import flags_in, flags_of_serve

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GRAFANA = DEPLOY / "grafana" / "provisioning"


def mounts() -> list[tuple[str, str, str]]:
    """Service, source and target of every volume."""
    return [
        (name, *volume.split(":")[:2])
        for name, service in SERVICES.items()
        for volume in service["volumes"]
    ]


def target_of(service: str, source: str) -> str:
    """Where a service sees a file of deploy/."""
    return next(t for name, s, t in mounts() if (name, s) == (service, source))


def test_the_services_are_those_documented() -> None:
    assert set(SERVICES) == {"certs", "margingate", "prometheus", "grafana"}


def test_ports_are_published_on_loopback_only() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == 4
    for port in published:
        assert port.startswith("127.0.0.1:"), port


def test_images_of_others_are_pinned() -> None:
    for name in ("prometheus", "grafana"):
        tag = SERVICES[name]["image"].partition(":")[2]
        assert tag.lstrip("v").count(".") == 2, name


def test_every_mounted_file_exists_and_every_volume_is_declared() -> None:
    for name, source, _ in mounts():
        if source.startswith("."):
            assert (DEPLOY / source).exists(), (name, source)
        else:
            assert source in COMPOSE["volumes"], (name, source)


def test_every_flag_of_the_server_exists() -> None:
    assert set(flags_in(SERVICES["margingate"]["command"])) <= flags_of_serve()


def test_the_server_uses_the_ports_of_its_image_and_publishes_them() -> None:
    flags, image = flags_in(SERVICES["margingate"]["command"]), flags_in(exec_form("CMD"))
    for flag in ("--port", "--http-port"):
        assert flags[flag] == image[flag]
        port = flags[flag]
        assert f"127.0.0.1:{port}:{port}" in SERVICES["margingate"]["ports"]


def test_the_server_writes_to_its_volumes_only() -> None:
    service = SERVICES["margingate"]
    assert service["read_only"] is True
    assert target_of("margingate", "ledger") == flags_in(service["command"])["--data-dir"]


@pytest.mark.parametrize("flag", ["--tls-cert", "--tls-key"])
def test_the_server_reads_the_certificate_that_the_one_shot_service_made(flag: str) -> None:
    service = SERVICES["margingate"]
    path = flags_in(service["command"])[flag]
    directory, _, name = path.rpartition("/")
    assert target_of("margingate", "tls") == directory == target_of("certs", "tls")
    assert SERVICES["certs"]["entrypoint"][-1] == directory
    assert f"/{name}" in (DEPLOY / "certs" / "make.sh").read_text()
    assert service["depends_on"]["certs"]["condition"] == "service_completed_successfully"


def test_the_one_shot_service_runs_the_script_that_is_mounted() -> None:
    assert SERVICES["certs"]["entrypoint"][1] == target_of("certs", "./certs/make.sh")


def test_nobody_gets_privileges() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_prometheus_scrapes_the_server_where_it_listens() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    port = flags_in(SERVICES["margingate"]["command"])["--http-port"]
    assert job["job_name"] == "margingate"
    assert job["metrics_path"] == "/metrics"
    assert job["static_configs"] == [{"targets": [f"margingate:{port}"]}]
    assert config["rule_files"] == ["rules.yml"]


def test_prometheus_is_started_on_the_mounted_configuration() -> None:
    flags = flags_in(SERVICES["prometheus"]["command"])
    config = target_of("prometheus", "./prometheus/prometheus.yml")
    assert flags["--config.file"] == config
    rules = target_of("prometheus", "./prometheus/rules.yml")
    assert rules == config.replace("prometheus.yml", "rules.yml")
    assert flags["--storage.tsdb.path"] == target_of("prometheus", "prometheus")


def test_grafana_asks_prometheus_as_often_as_it_is_fed() -> None:
    (source,) = yaml.safe_load((GRAFANA / "datasources" / "prometheus.yaml").read_text())[
        "datasources"
    ]
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]


def test_grafana_finds_the_dashboard_where_it_is_mounted() -> None:
    (provider,) = yaml.safe_load((GRAFANA / "dashboards" / "margingate.yaml").read_text())[
        "providers"
    ]
    directory = target_of("grafana", "./grafana/dashboards")
    assert provider["options"]["path"] == directory
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{directory}/margingate.json"
    assert (DEPLOY / "grafana" / "dashboards" / "margingate.json").exists()
