"""The night of 5 February 2026 with a few accounts, where MARGINGATE_DATA says the recording is."""

from pathlib import Path

import pytest

from margingate_server.config import ServerConfig
from margingate_server.crash_study.findings import coverage, reached
from margingate_server.crash_study.findings_of_orders import order_findings
from margingate_server.crash_study.planning import Asked, planned
from margingate_server.crash_study.running import study_of
from tests.unit.feeds.test_file_real_chains import recorded
from tests.unit.feeds.test_replay_parquet import SIX_HOURLY

PERPETUALS = "timeseries/nolic_znmahbub_perpetual_1min_candles_at_snapshots.csv.gz"


def test_in_the_night_of_the_crash_margins_hold_for_six_hours_and_nothing_stale_is_accepted(
    tmp_path: Path,
) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "replay.toml").write_text(
        f'[market]\nchains = ["{recorded(SIX_HOURLY)}"]\nfutures = ["{recorded(PERPETUALS)}"]\n'
        "from = 2026-02-05T09:00:00Z\nuntil = 2026-02-06T05:00:00Z\n"
    )
    asked = Asked(
        replay=tmp_path,
        account_count=40,
        orders_per_snapshot=40,
        seed=1,
        gap="2026-02-05T21:00Z/2026-02-05T22:00Z",
        coins=("BTC", "ETH"),
        models=("span",),
    )
    plan, terms, bounds = planned(asked, ServerConfig())
    study = study_of(plan, terms, lambda _done, _total: None)
    assert len(plan.series) == 4
    rows = coverage(study.course, "span", 1)
    assert rows[-1].steps == 120
    assert rows[-1].beyond_initial == 0
    assert 0.3 < rows[-1].worst_share < 1
    assert reached(study.course, "span", bounds)[-1].called > 0
    orders = order_findings(plan, study, "span", bounds)
    assert (orders.stale_accepted, orders.gap.accepted) == (0, 0)
    assert orders.gap.accepted_unguarded > 0
