"""What `margingate serve` can be told, for comparison with the files of deploy/."""

import typer

from margingate_server.cli.serve import app as serve


def flags_of_serve() -> set[str]:
    """Every flag of `margingate serve`."""
    command = typer.main.get_command(serve)
    return {flag for option in command.params for flag in (*option.opts, *option.secondary_opts)}


def default_of_serve(flag: str) -> object:
    """Default value of a flag of `margingate serve`."""
    command = typer.main.get_command(serve)
    (option,) = (option for option in command.params if flag in option.opts)
    return option.default


def flags_in(arguments: list[str]) -> dict[str, str]:
    """Value by flag of a command line, "" for a flag without one."""
    values: dict[str, str] = {}
    words = [part for argument in arguments for part in argument.split("=", 1)]
    for word, after in zip(words, [*words[1:], "--"], strict=True):
        if word.startswith("--"):
            values[word] = "" if after.startswith("--") else after
    return values
