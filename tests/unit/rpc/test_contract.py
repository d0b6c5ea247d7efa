"""The code follows the .proto files: stubs, enums, methods."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from margingate.v1 import admin_service_pb2, types_pb2
from margingate_engine.core.reasons import RejectReason
from margingate_server.rpc.admin_servicer import MODES, SCOPES
from margingate_server.rpc.decision_codec import FLAGS
from margingate_server.rpc.market_codec import KINDS, RIGHTS, SETTLEMENTS
from margingate_server.rpc.order_codec import EXECUTIONS, SIDES
from margingate_server.service.orders import LATE, OVER_FILL, UNKNOWN_ORDER
from tests.unit.rpc.gate import METHODS

ROOT = Path(__file__).parents[3]
GENERATED = ROOT / "proto" / "gen"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in {".py", ".pyi", ".typed"}
    }


def numbers(enum: object) -> set[int]:
    return set(enum.values())  # type: ignore[attr-defined]


@pytest.mark.skipif(
    find_spec("grpc_tools") is None or find_spec("mypy_protobuf") is None,
    reason="needs grpcio-tools and mypy-protobuf",
)
def test_the_committed_stubs_are_what_the_proto_files_generate(tmp_path: Path) -> None:
    subprocess.run(
        ["bash", str(ROOT / "proto" / "generate.sh"), str(tmp_path)],
        check=True,
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
    )
    fresh, committed = contents(tmp_path), contents(GENERATED)
    assert fresh.keys() == committed.keys()
    assert [name for name in fresh if fresh[name] != committed[name]] == []


def test_reject_reasons_are_those_of_the_wire_in_the_same_order() -> None:
    wire = {
        name.removeprefix("REJECT_REASON_"): number
        for name, number in types_pb2.RejectReason.items()
    }
    wire["NONE"] = wire.pop("UNSPECIFIED")
    assert {reason.name: int(reason) for reason in RejectReason} == wire


@pytest.mark.parametrize(
    ("enum", "known"),
    [
        (types_pb2.Side, SIDES),
        (types_pb2.Execution, EXECUTIONS),
        (types_pb2.InstrumentKind, KINDS),
        (types_pb2.Settlement, SETTLEMENTS),
        (admin_service_pb2.KillScope, SCOPES),
        (admin_service_pb2.KillMode, MODES),
    ],
    ids=["side", "execution", "kind", "settlement", "scope", "mode"],
)
def test_every_number_of_a_request_is_known_but_zero(
    enum: object, known: dict[int, object]
) -> None:
    assert set(known) == numbers(enum) - {0}
    assert len(set(known.values())) == len(known)


def test_no_right_is_right_for_what_is_no_option() -> None:
    assert set(RIGHTS) == numbers(types_pb2.OptionRight)


def test_every_lifecycle_flag_can_be_told() -> None:
    assert FLAGS.keys() == {"", UNKNOWN_ORDER, OVER_FILL, LATE}
    assert set(FLAGS.values()) == numbers(types_pb2.LifecycleFlag)


def test_method_names_are_unique_over_the_services() -> None:
    services = {method.containing_service for method in METHODS.values()}
    names = [method.name for service in services for method in service.methods]
    assert len(names) == len(set(names))
