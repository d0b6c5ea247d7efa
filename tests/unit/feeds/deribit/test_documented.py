"""What docs/feeds.md says of faults is what is tried, and all of it."""

import ast
import re
from pathlib import Path

from margingate_server.observe import feed_metrics

ROOT = Path(__file__).resolve().parents[4]
TEXT = (ROOT / "docs/feeds.md").read_text()
FAULTS = TEXT[TEXT.index("### When the venue goes wrong") :]
FAULTS = FAULTS[: FAULTS.index("\n## ")]
DROPS = TEXT[TEXT.index("### What is not taken") : TEXT.index("### When the venue goes wrong")]


def names_in(name: str) -> set[str]:
    """Names of a file's tests, without their first word."""
    tree = ast.parse((ROOT / "tests/integration" / name).read_text())
    names = (node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {name.removeprefix("test_") for name in names if name.startswith("test_")}


def named() -> set[str]:
    """Tests that the rows of the table name."""
    last_columns = [row.rstrip("| ").rpartition(" | ")[2] for row in FAULTS.splitlines()]
    words = (re.findall(r"`(\w{20,})`", column) for column in last_columns)
    return {word for each in words for word in each}


def test_every_row_names_tests_that_there_are_and_every_fault_has_its_row() -> None:
    faults = names_in("test_deribit_feed_faults.py")
    server = names_in("test_deribit_server.py")
    assert named() <= faults | server | names_in("test_deribit_feed.py")
    assert faults <= named()
    assert server - named() == {"the_market_of_the_venue_is_listed_priced_and_decided_on"}


def test_every_reason_to_drop_a_message_is_explained() -> None:
    rows = [row.partition("|")[2].partition("|")[0] for row in DROPS.splitlines()]
    explained = {word for row in rows for word in re.findall(r"`(\w+)`", row)}
    assert explained == set(feed_metrics.DROPS)
