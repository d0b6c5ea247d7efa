"""Damaged SPAN files: whatever is in them, a typed mistake or a file, never anything else."""

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from margingate_engine.core.errors import InvalidInput
from margingate_server.files.pa2 import read_pa2
from margingate_server.files.span_file import SpanFile
from margingate_server.files.spn import read_spn
from tests.unit.files import test_pa2, test_spn

JUNK = ["", " ", "0", "9", "-", "+", ".", "e", "A", "<", ">", "&", "é", "\x00", "\n", "99999999999"]


def damaged(text: str, random: Random) -> str:
    """The text with one to three places replaced, dropped or doubled."""
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(text))
        length = random.choice([0, 1, 1, 5, 40])
        text = text[:at] + random.choice([*JUNK, text[at : at + length] * 2]) + text[at + length :]
    return text


@pytest.mark.parametrize(
    ("read", "text"), [(read_spn, test_spn.WHOLE), (read_pa2, test_pa2.two())], ids=["spn", "pa2"]
)
def test_a_damaged_file_is_read_or_refused(
    tmp_path: Path, read: Callable[..., SpanFile], text: str
) -> None:
    """[SCC-18] And where it is refused, the mistake has a place."""
    random, path, mistakes = Random(1), tmp_path / "damaged", list[InvalidInput]()
    for _ in range(400 * int(os.environ.get("DAMAGED_TIMES", "1"))):
        path.write_text(damaged(text, random), encoding="utf-8", newline="")
        try:
            found = read(path, net_is_floored=False)
        except InvalidInput as wrong:
            mistakes.append(wrong)
        else:
            for key in found.contracts.keys:
                assert len(found.contracts.risk(key).loss_s) == 16
    assert all(wrong.field and wrong.problem for wrong in mistakes)
    assert len(mistakes) > 100
