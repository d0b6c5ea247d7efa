"""From what is asked for to what is studied."""

from dataclasses import replace
from pathlib import Path

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.config import ServerConfig
from margingate_server.crash_study.planning import Asked, planned
from tests.unit.feeds.replay_files import FIRST_NS, HOUR_NS, at, three_snapshots


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    return Asked(
        replay=three_snapshots(tmp_path / "chains.csv"),
        account_count=10,
        orders_per_snapshot=1,
        seed=1,
        gap=f"{at(6)}/{at(12)}",
        coins=("BTC",),
    )


def test_the_settings_are_those_of_a_server(asked: Asked) -> None:
    plan, terms, bounds = planned(asked, ServerConfig(underlying_age_seconds_max=7))
    assert plan.age_limits.underlying_ns_max == 7 * 10**9
    assert terms.model.name == "span"
    assert (bounds.ratio_ppm, bounds.headroom_ppm) == (800_000, 100_000)


def test_a_gap_has_its_beginning_and_not_its_end_and_never_the_first_snapshot(asked: Asked) -> None:
    plan, _, _ = planned(asked, ServerConfig())
    assert plan.withheld_ns == {FIRST_NS + 6 * HOUR_NS}
    from_the_first = replace(asked, gap=f"{at(0)}/{at(7)}")
    assert planned(from_the_first, ServerConfig())[0].withheld_ns == plan.withheld_ns
    assert not planned(replace(asked, gap=""), ServerConfig())[0].withheld_ns


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"gap": "yesterday"}, "gap"),
        ({"gap": "yesterday/today"}, "gap"),
        ({"models": ("span", "none")}, "models"),
        ({"models": ("cross",)}, "models"),
        ({"replay": Path("nothing")}, "nothing: feed"),
    ],
)
def test_what_cannot_be_studied_is_refused(
    asked: Asked, changes: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        planned(replace(asked, **changes), ServerConfig())  # type: ignore[arg-type]
    assert refused.value.field == field
