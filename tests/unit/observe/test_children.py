"""Children of a metric: resolved once, and never more than agreed."""

from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry, Counter

from margingate_server.observe.children import Children


def counter(registry: CollectorRegistry) -> Counter:
    return Counter("things", "Things.", ["kind"], registry=registry)


def count(registry: CollectorRegistry, kind: str) -> float | None:
    return registry.get_sample_value("things_total", {"kind": kind})


def series(registry: CollectorRegistry) -> set[str]:
    (family,) = registry.collect()
    return {sample.labels["kind"] for sample in family.samples if sample.name == "things_total"}


def test_known_values_are_exported_as_zero_before_anything_happens() -> None:
    registry = CollectorRegistry()
    Children(counter(registry), ("a", "b"))
    assert (count(registry, "a"), count(registry, "b")) == (0, 0)


def test_a_child_is_resolved_once() -> None:
    children = Children(counter(CollectorRegistry()), unknown_max=1)
    assert children["a"] is children["a"]
    assert "a" in children


def test_what_exceeds_the_agreed_number_shares_one_series() -> None:
    registry = CollectorRegistry()
    children = Children(counter(registry), ("known",), unknown_max=1)
    for value in ("known", "first", "second", "third", "second"):
        children[value].inc()
    assert series(registry) == {"known", "first", "other"}
    assert count(registry, "other") == 3
    assert len(children) == 2


def test_threads_together_do_not_exceed_the_agreed_number() -> None:
    registry = CollectorRegistry()
    children = Children(counter(registry), unknown_max=5)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: children[f"kind{i % 50}"].inc(), range(2000)))
    assert len(series(registry)) == 6
    assert sum(count(registry, kind) or 0 for kind in series(registry)) == 2000
