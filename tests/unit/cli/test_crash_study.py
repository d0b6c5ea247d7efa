"""`margingate crash-study` on a made-up market."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from margingate_server.cli import crash_study as command
from margingate_server.crash_study import planning
from margingate_server.feeds.replay.manifest import Replay
from tests.unit.crash_study.small_series import small_series
from tests.unit.feeds.replay_files import three_snapshots


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(command.app, [*arguments])
    return result.exit_code, result.stdout, result.stderr


def test_a_study_is_shown_and_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Replay(series=small_series((1.0, 0.9, 0.85)))
    monkeypatch.setattr(planning, "read_replay", lambda _path: made)
    code, shown, _ = run(
        *("made-up", "--accounts", "20", "--orders", "10", "--models", "span,cross"),
        *("--day", "2", "--gap", "2026-01-28T10:00Z/2026-01-28T11:00Z"),
        *("--save", str(tmp_path / "study")),
    )
    assert code == 0
    for words in (
        "accounts by state, span",
        "accounts that ever came so far",
        "losses within 2 snapshots against margin, accounts with USD as collateral",
        "accepted on prices too old    0 ",
    ):
        assert words in shown, words
    assert sorted(each.name for each in (tmp_path / "study").iterdir()) == [
        "accounts.json",
        "course.npz",
        "findings.json",
        "orders.csv",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--models", "cross"], "models must have span"),
        (["--gap", "now"], "gap must be FROM/UNTIL"),
        (["--model-parameters", "x"], "model_parameters"),
    ],
)
def test_what_cannot_be_studied_ends_with_a_sentence(
    tmp_path: Path, arguments: list[str], words: str
) -> None:
    path = three_snapshots(tmp_path / "chains.csv")
    code, _, error = run(str(path), *arguments)
    assert code == 2
    assert words in error


def test_a_market_without_a_coin_ends_with_a_sentence(tmp_path: Path) -> None:
    code, _, error = run(str(three_snapshots(tmp_path / "chains.csv")), "--coins", "SOL")
    assert code == 2
    assert "SOL" in error
