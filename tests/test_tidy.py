"""The repository's own rules: who may import whom, how long things are, what the tests cite."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ENGINE, SERVER = "margingate_engine", "margingate_server"
FILE_LINES_MAX, FUNCTION_LINES_MAX = 300, 60

ENGINE_LAYERS = (
    *("core", "market", "pricing", "quality", "statistics", "scenarios", "portfolio"),
    *("revaluation", "models", "check"),
    "monitoring",
)
ENGINE_LIBRARIES = {
    *("collections", "dataclasses", "datetime", "decimal", "enum", "fractions", "functools"),
    *("hashlib", "itertools", "math", "operator", "re", "typing", "numpy", "scipy", ENGINE),
}
SERVER_MAY_IMPORT: dict[str, set[str]] = {
    "ledger": set(),
    "feeds": {"clock"},
    "service": {"ledger", "feeds", "clock"},
    "replaying": {"service", "ledger"},
    "rpc": {"service", "ledger", "feeds", "clock"},
    "observe": set(),
    "clock": set(),
    "config": set(),
    "client": {"clock"},
    "maintenance": {"ledger"},
    "validating": {"files"},
    "backtesting": {"files"},
    "comparing": {"files"},
    "span_margin": {"files"},
    "crash_study": {
        *("service", "ledger", "feeds", "recovery", "replay_alongside", "config", "terms_files"),
    },
    "cli": {
        *("client", "app", "clock", "config", "ledger", "maintenance", "replaying"),
        *("files", "validating", "backtesting", "comparing", "span_margin"),
        "crash_study",
    },
}
"""Parts of the server and what they may import of it beside themselves; others wire them up.

The clock is imported for its port; which clock it is, only the app decides, and the client;
of commands those that keep a ledger.
"""

WIRE = {"grpc", "grpc_health", "grpc_reflection", "grpc_status", "google", "margingate"}
LIBRARY_OWNERS = {
    "prometheus_client": {"observe"},
    "sqlite3": {"ledger"},
    "websockets": {"feeds"},
    **{library: {"rpc", "client"} for library in WIRE},
}
CLOCK_READS = re.compile(
    r"\btime\.(time|monotonic|perf_counter)(_ns)?\(|\bdatetime\.(now|utcnow|today)\(|\bdate\.today\("
)
CLOCK_OWNERS = {"clock", "observe", "client"}

METHODOLOGY = "\n".join(
    path.read_text()
    for path in (*sorted((ROOT / "docs/methodology").glob("*.md")), ROOT / "docs/monitoring.md")
)
DEFINED = re.compile(r"\*\*\[([A-Z]{3,5}-\d\d)\]\*\*")
KINDS = "|".join(sorted({tag[:-3] for tag in DEFINED.findall(METHODOLOGY)}))
TAG = re.compile(rf"(?:{KINDS})-\d\d")
CITED = re.compile(rf"\[((?:{KINDS})-\d\d[^\]]*)\]")


@cache
def sources(package: str) -> tuple[tuple[str, str], ...]:
    """Dotted name and text of every module of a package."""
    base = next(ROOT.glob(f"*/{package}")).parent
    return tuple(
        (".".join(path.relative_to(base).with_suffix("").parts), path.read_text())
        for path in sorted((base / package).rglob("*.py"))
    )


def modules() -> tuple[tuple[str, str], ...]:
    return (*sources(ENGINE), *sources(SERVER))


def imports(text: str) -> Iterator[str]:
    """Every module that a text imports; `from a import b` gives `a.b`, which may be a module."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part(module: str) -> str:
    """The folder (or file) of a package that a module belongs to; empty for the package itself."""
    return [*module.split("."), ""][1]


def engine_layer(module: str) -> int:
    return ENGINE_LAYERS.index(part(module)) if part(module) in ENGINE_LAYERS else -1


def test_every_part_of_the_engine_has_its_layer() -> None:
    parts = {part(name) for name, _ in sources(ENGINE)}
    assert parts == {"__init__", *ENGINE_LAYERS}


def test_the_engine_imports_numbers_and_pure_libraries_alone() -> None:
    bad = [
        f"{name} imports {target}"
        for name, text in sources(ENGINE)
        for target in imports(text)
        if target.split(".")[0] not in ENGINE_LIBRARIES
    ]
    assert not bad, "\n".join(bad)


def test_layers_of_the_engine_import_only_leftwards() -> None:
    bad = [
        f"{name} imports {target}"
        for name, text in sources(ENGINE)
        for target in imports(text)
        if target.startswith(f"{ENGINE}.") and engine_layer(target) > engine_layer(name)
    ]
    assert not bad, "\n".join(bad)


def test_parts_of_the_server_import_only_what_they_stand_on() -> None:
    bad = [
        f"{name} imports {target}"
        for name, text in sources(SERVER)
        for target in imports(text)
        if target.startswith(f"{SERVER}.")
        and part(name) in SERVER_MAY_IMPORT
        and part(target) not in {part(name), *SERVER_MAY_IMPORT[part(name)]}
    ]
    assert not bad, "\n".join(bad)


@pytest.mark.parametrize("library", sorted(LIBRARY_OWNERS))
def test_a_library_with_an_owner_is_imported_by_it_alone(library: str) -> None:
    owners = LIBRARY_OWNERS[library]
    bad = [
        f"{name} imports {target}"
        for name, text in modules()
        for target in imports(text)
        if target.split(".")[0] == library and part(name) not in owners
    ]
    assert not bad, "\n".join(bad)


def test_the_clock_is_read_in_one_place() -> None:
    bad = [
        f"{name}: {read[0]}"
        for name, text in modules()
        for read in CLOCK_READS.finditer(text)
        if part(name) not in CLOCK_OWNERS
    ]
    assert not bad, "\n".join(bad)


def test_clock_functions_are_not_imported_by_name() -> None:
    """`from time import monotonic` would pass unseen through the rule above."""
    bad = [
        f"{name} imports {target}"
        for name, text in modules()
        for target in imports(text)
        if target.startswith("time.") and target != "time.sleep"
    ]
    assert not bad, "\n".join(bad)


def test_files_and_functions_stay_short() -> None:
    bad = [
        f"{name}: {lines} lines"
        for name, text in modules()
        if (lines := text.count("\n")) > FILE_LINES_MAX
    ]
    bad += [
        f"{name}.{node.name}: {lines} lines"
        for name, text in modules()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not bad, "\n".join(bad)


def tags(text: str) -> Iterator[str]:
    """Tags cited in brackets, ranges spelled out: `[SPAN-02 to SPAN-04]` cites three."""
    for citation in CITED.findall(text):
        named = TAG.findall(citation)
        yield from named
        for first, last in pairwise(named):
            if f"{first} to {last}" in citation:
                kind = first[:-2]
                yield from (f"{kind}{n:02d}" for n in range(int(first[-2:]), int(last[-2:])))


@cache
def defined_tags() -> frozenset[str]:
    found = DEFINED.findall(METHODOLOGY)
    assert len(found) == len(set(found)), "a statement is numbered twice"
    return frozenset(found)


def test_every_statement_of_the_methodology_is_cited_by_a_test() -> None:
    cited = {
        tag
        for path in (ROOT / "tests").rglob("test_*.py")
        if path != Path(__file__)
        for tag in tags(path.read_text())
    }
    assert defined_tags() - cited == set()


def test_every_tag_cited_anywhere_is_defined() -> None:
    files = [
        *ROOT.glob("engine/**/*.py"),
        *ROOT.glob("server/**/*.py"),
        *ROOT.glob("tests/**/*.py"),
    ]
    texts = {path: path.read_text() for path in (*files, *ROOT.glob("docs/**/*.md"))}
    bad = [
        f"{path.relative_to(ROOT)} cites {tag}"
        for path, text in texts.items()
        if path != Path(__file__)
        for tag in set(tags(text)) - defined_tags()
    ]
    assert not bad, "\n".join(bad)


def test_the_rules_above_would_notice() -> None:
    """The small languages of this file, tried on texts that break the rules."""
    text = "import os.path\nfrom margingate_engine.check import decide\n"
    assert list(imports(text)) == ["os.path", "margingate_engine.check.decide"]
    assert engine_layer("margingate_engine.check.decide") > engine_layer("margingate_engine.core")
    assert list(tags("[SPAN-02 to SPAN-04, DEC-01] [DEC-02 b] SPAN-09")) == [
        "SPAN-02", "SPAN-04", "DEC-01", "SPAN-02", "SPAN-03", "DEC-02",
    ]  # fmt: skip
    for read in ("time.time()", "time.monotonic_ns()", "datetime.now(UTC)"):
        assert CLOCK_READS.search(read), read
    assert not CLOCK_READS.search("time.sleep(1)")
