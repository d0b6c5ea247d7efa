"""The instructions of the Dockerfile."""

import json

from tests.deploy.exported import DEPLOY


def instructions() -> list[tuple[str, str]]:
    """Instruction and argument, in order, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text()
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    parted = (line.partition(" ") for line in joined.splitlines())
    return [(word, argument.strip()) for word, _, argument in parted]


def last(instruction: str) -> str:
    """Argument of the last one of an instruction."""
    return [argument for word, argument in instructions() if word == instruction][-1]


def exec_form(instruction: str) -> list[str]:
    """Words of the last one of an instruction in exec form; raises ValueError for shell form."""
    words = json.loads(last(instruction))
    assert all(isinstance(word, str) for word in words)
    return list(words)
