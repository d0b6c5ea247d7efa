"""Two routers, one account, headroom for one of their orders: exactly one of them gets it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from margingate.v1 import margin_service_pb2 as margin
from margingate.v1 import types_pb2 as types
from tests.integration.main_job.server import Server, start_server
from tests.integration.support.wire import (
    CALL_SECONDS_MAX,
    Wire,
    connected,
    leg,
    order,
)

RACES = 1_000
PERPETUAL = "BTC-PERPETUAL"
ROUTERS = ("one", "two")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = start_server(["--freeze"], tmp_path)
    yield started
    started.end()


class Race:
    """Routers that send at the same moment, each over a connection of its own."""

    def __init__(self, wires: dict[str, Wire]) -> None:
        self._wires = wires
        self._start = Barrier(len(wires))

    def run(self, router: str, number: int) -> types.Decision:
        """The router's decision in a race."""
        wanted = order(f"{router}-{number}", leg(PERPETUAL, "10000", "1000"))
        self._start.wait(CALL_SECONDS_MAX)
        answer = self._wires[router].check(f"{router}-{number}", wanted)
        assert not answer.replayed
        return answer.decision

    def release(self, router: str, number: int) -> None:
        """The winner's order goes, and the headroom is what it was."""
        request = margin.ReleaseOrderRequest(
            request_id=f"release-{number}", account="a", order_id=f"{router}-{number}"
        )
        assert self._wires[router].margin.ReleaseOrder(request, timeout=CALL_SECONDS_MAX).released


def fund_for_one(wire: Wire) -> None:
    """An account with the margin of one such order, and of not quite two."""
    wire.open("probe", USD="10000000")
    wire.open("a")
    request = margin.PreviewOrderRequest(
        account="probe", order=order("p", leg(PERPETUAL, "10000", "1000"))
    )
    preview = wire.margin.PreviewOrder(request, timeout=CALL_SECONDS_MAX).decision
    needed = float(preview.after.initial_margin)
    assert needed > 0
    wire.open("a", USD=f"{needed * 1.9:.6f}")


def test_two_routers_never_both_get_headroom_for_one_and_never_neither(server: Server) -> None:
    winners: Counter[str] = Counter()
    with (
        connected(server.target) as first,
        connected(server.target) as second,
        ThreadPoolExecutor(len(ROUTERS)) as threads,
    ):
        fund_for_one(first)
        free = first.account().risk
        race = Race(dict(zip(ROUTERS, (first, second), strict=True)))
        for number in range(RACES):
            runs = {router: threads.submit(race.run, router, number) for router in ROUTERS}
            decisions = {router: run.result(CALL_SECONDS_MAX) for router, run in runs.items()}
            won = [r for r, d in decisions.items() if d.verdict == types.VERDICT_ACCEPTED]
            assert len(won) == 1, f"race {number}: {won}"
            (lost,) = set(ROUTERS) - set(won)
            refusal = decisions[lost]
            assert refusal.reject_reason == types.REJECT_REASON_INSUFFICIENT_INITIAL_MARGIN
            assert refusal.before == decisions[won[0]].after
            winners[won[0]] += 1
            race.release(won[0], number)
        assert first.account().risk == free
        assert first.account().account.open_order_count == 0
    assert winners.total() == RACES
    assert min(winners.values()) > RACES // 50, f"hardly a race: {winners}"
