"""Where an event as it is taken again differs from the one that is stored."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from margingate_server.ledger.events import AnyEvent, Decided


class Change(NamedTuple):
    """A field by its path, `decision.after.initial`, and both of its values in words."""

    field: str
    stored: str
    replayed: str


def changes(stored: AnyEvent, replayed: AnyEvent, *, is_verdict_all: bool) -> list[Change]:
    """Every field that differs. is_verdict_all: of a decision the verdict alone is compared."""
    if is_verdict_all and isinstance(stored, Decided) and isinstance(replayed, Decided):
        old, new = stored.decision.reason, replayed.decision.reason
        return list(_differing("decision.reason", old, new))
    return list(_differing("", stored, replayed))


def _differing(path: str, stored: Any, replayed: Any) -> Iterator[Change]:
    if stored == replayed:
        return
    if isinstance(stored, msgspec.Struct) and type(stored) is type(replayed):
        for name in stored.__struct_fields__:
            inner = f"{path}.{name}" if path else name
            yield from _differing(inner, getattr(stored, name), getattr(replayed, name))
    elif isinstance(stored, tuple) and len(stored) == len(replayed):
        for number, (old, new) in enumerate(zip(stored, replayed, strict=True)):
            yield from _differing(f"{path}[{number}]", old, new)
    else:
        yield Change(path, str(stored), str(replayed))
