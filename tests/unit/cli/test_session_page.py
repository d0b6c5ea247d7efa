"""The session of docs/cli.md, and what runs it again."""

import re

from tools.refresh_cli_session import BLOCK, PAGE, commands_of


def test_every_command_of_a_block_has_the_code_it_is_to_end_with() -> None:
    block = "$ one\nsaid\n[exit 3]\n$ two\n[exit 0]\n$ three\n"
    assert list(commands_of(block)) == [("$ one", 3), ("$ two", 0), ("$ three", 0)]


def test_every_part_of_the_page_has_an_example_that_works() -> None:
    for part in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        codes = [code for block in BLOCK.findall(part) for _, code in commands_of(block)]
        assert not codes or 0 in codes, part.partition("\n")[0]
