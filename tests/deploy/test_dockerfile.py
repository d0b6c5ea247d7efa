"""The Dockerfile agrees with the code. No image is built here."""

import json
import re

import pytest

from tests.deploy.dockerfile import exec_form, instructions, last
from tests.deploy.exported import DEPLOY, ROOT
from tests.deploy.serve_flags import flags_in, flags_of_serve


def test_base_images_are_pinned_to_a_patch_release() -> None:
    images = [argument.split()[0] for word, argument in instructions() if word == "FROM"]
    assert len(images) == 2
    for image in images:
        assert re.fullmatch(r"python:3\.12\.\d+-slim-\w+", image)


def test_the_process_has_a_numeric_user_that_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", last("USER"))


def test_no_instruction_goes_through_a_shell() -> None:
    for word, argument in instructions():
        if word in {"RUN", "ENTRYPOINT", "CMD"}:
            assert isinstance(json.loads(argument), list), argument


def test_what_is_copied_exists_and_enters_the_build() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    sources = [
        source
        for word, argument in instructions()
        if word == "COPY" and "--from" not in argument
        for source in argument.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored


def test_everything_the_wheel_is_made_of_is_copied() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text()
    packages = re.search(r"^packages = \[(.*)\]$", pyproject, re.MULTILINE)
    assert packages
    copied = " ".join(argument for word, argument in instructions() if word == "COPY")
    for package in re.findall(r'"(.*?)"', packages[1]):
        assert package.rpartition("/")[0] in copied


def test_every_flag_of_the_command_exists() -> None:
    assert exec_form("ENTRYPOINT") == ["margingate", "serve"]
    assert set(flags_in(exec_form("CMD"))) <= flags_of_serve()


@pytest.mark.parametrize("flag", ["--port", "--http-port"])
def test_the_ports_of_the_command_are_exposed(flag: str) -> None:
    assert flags_in(exec_form("CMD"))[flag] in last("EXPOSE").split()


def test_a_server_that_leaves_loopback_has_tls() -> None:
    flags = flags_in(exec_form("CMD"))
    assert flags["--host"] == "0.0.0.0"  # noqa: S104  # inside a container
    assert flags["--tls-cert"].startswith("/tls/")
    assert flags["--tls-key"].startswith("/tls/")


def test_the_ledger_is_on_the_volume_that_the_user_owns() -> None:
    directory = flags_in(exec_form("CMD"))["--data-dir"]
    assert json.loads(last("VOLUME")) == [directory]
    owner = last("USER").split(":")[0]
    made = next(a for word, a in instructions() if word == "RUN" and directory in a)
    assert f"--owner={owner}" in made


def test_the_health_check_asks_for_readiness_where_it_is_served() -> None:
    check = last("HEALTHCHECK")
    words = json.loads(check[check.index("CMD") + 3 :])
    assert words[:2] == ["python", "-c"]
    compile(words[2], "healthcheck", "exec")
    port = flags_in(exec_form("CMD"))["--http-port"]
    assert f"http://127.0.0.1:{port}/readyz" in words[2]
