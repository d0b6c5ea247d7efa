"""The closed sets of label values follow the contract."""

import grpc

from margingate.v1 import (
    account_service_pb2,
    admin_service_pb2,
    margin_service_pb2,
    market_service_pb2,
    types_pb2,
)
from margingate_engine.quality.doubt import Doubt
from margingate_server.observe import labels

FILES = (account_service_pb2, admin_service_pb2, margin_service_pb2, market_service_pb2)


def test_every_method_of_the_contract_has_a_label() -> None:
    methods = {
        f"{service.name}/{method.name}"
        for file in FILES
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
    }
    assert {*labels.METHODS, *labels.STREAMS} == methods
    assert set(labels.METHODS).isdisjoint(labels.STREAMS)


def test_every_reject_reason_of_the_contract_has_a_label() -> None:
    names = [name.removeprefix("REJECT_REASON_") for name in types_pb2.RejectReason.keys()]  # noqa: SIM118
    assert list(labels.REJECT_REASONS) == [name.lower() for name in names[1:]]


def test_every_lifecycle_flag_of_the_contract_has_a_label() -> None:
    names = [name.removeprefix("LIFECYCLE_FLAG_") for name in types_pb2.LifecycleFlag.keys()]  # noqa: SIM118
    assert list(labels.LIFECYCLE_FLAGS) == [name.lower() for name in names[1:]]


def test_every_kill_scope_of_the_contract_has_a_label() -> None:
    names = [name.removeprefix("KILL_SCOPE_") for name in admin_service_pb2.KillScope.keys()]  # noqa: SIM118
    assert list(labels.KILL_SCOPES) == [name.lower() for name in names[1:]]


def test_every_doubt_about_a_price_has_a_label() -> None:
    assert list(labels.DOUBTS) == [each.name.lower() for each in Doubt if each]


def test_every_status_code_of_grpc_has_a_label() -> None:
    assert list(labels.GRPC_CODES) == [code.name for code in grpc.StatusCode]


def test_the_limits_of_the_latency_objective_are_bounds_of_buckets() -> None:
    assert {2e-3, 10e-3} <= set(labels.LATENCY_BUCKETS_SECONDS)
    assert labels.LATENCY_BUCKETS_SECONDS[0] == 50e-6
    assert labels.LATENCY_BUCKETS_SECONDS[-1] == 100e-3
    assert len(labels.LATENCY_BUCKETS_SECONDS) == 17
