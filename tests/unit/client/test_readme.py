"""The router of the README, line by line against the client that it uses."""

import re
from pathlib import Path
from unittest.mock import create_autospec

import pytest

from margingate.v1 import margin_service_pb2 as wire
from margingate.v1 import types_pb2 as types
from margingate_server.client import MarginGate

README = (Path(__file__).resolve().parents[3] / "README.md").read_text()


@pytest.mark.parametrize(("is_held", "calls"), [(True, 2), (False, 0)])
def test_what_may_be_sent_is_reported_and_released(
    is_held: bool, calls: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = create_autospec(MarginGate, instance=True)
    gate.__enter__.return_value = gate
    decision = types.Decision(verdict=types.VERDICT_ACCEPTED)
    gate.check_order.return_value = wire.CheckOrderResponse(decision=decision, held=is_held)
    monkeypatch.setattr(MarginGate, "connect", lambda _: gate)
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(code, {})  # noqa: S102 - what a reader would run
    (checked,) = {call.kwargs["order_id"] for call in gate.check_order.mock_calls}
    afterwards = gate.report_fill.mock_calls + gate.release_order.mock_calls
    assert [call.args[1] for call in afterwards] == [checked] * calls
