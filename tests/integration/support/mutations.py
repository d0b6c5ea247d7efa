"""Messages that are nearly good: what random bytes must look like to get past the first field."""

from random import Random

from google.protobuf.message_factory import GetMessageClass

from margingate.v1 import (
    account_service_pb2,
    admin_service_pb2,
    margin_service_pb2,
    market_service_pb2,
)
from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.integration.support.malformed import LEG, PERPETUAL, amend, check, every_malformed
from tests.integration.support.wire import order

LENGTH_MAX = 4_000
METHODS = [
    (f"{service.name}/{method.name}", method.input_type)
    for file in (
        margin_service_pb2,
        account_service_pb2,
        market_service_pb2,
        admin_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]


def mutated(random: Random, seed: bytes) -> bytes:
    """Some bytes of a good message flipped, cut out, doubled or thrown in."""
    raw = bytearray(seed)
    for _ in range(random.randint(1, 8)):
        at = random.randrange(len(raw) + 1)
        match random.randrange(4):
            case 0 if at < len(raw):
                raw[at] ^= 1 << random.randrange(8)
            case 1:
                del raw[at : at + random.randint(1, 4)]
            case 2:
                raw[at:at] = raw[at : at + random.randint(1, 16)]
            case _:
                raw[at:at] = random.randbytes(random.randint(1, 6))
    return bytes(raw)


def good_messages() -> dict[str, bytes]:
    """A good message for each method, so that mutations get past the first field."""
    found = {path: GetMessageClass(kind)().SerializeToString() for path, kind in METHODS}
    for each in every_malformed():
        found[each.method] = each.request.SerializeToString()[:LENGTH_MAX]
    found["MarginService/CheckOrder"] = check().SerializeToString()
    found["MarginService/AmendOrder"] = amend().SerializeToString()
    found["MarginService/PreviewOrder"] = margin.PreviewOrderRequest(
        account="a", order=order("o", LEG), explain=True
    ).SerializeToString()
    found["MarginService/ReportFill"] = margin.ReportFillRequest(
        fill_id="f",
        account="a",
        order_id="o",
        instrument=PERPETUAL,
        side=types.SIDE_BUY,
        quantity="10",
        price="1000",
    ).SerializeToString()
    return found
