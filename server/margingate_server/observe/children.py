"""The children of a metric with one label, each resolved once and bounded in number."""

from collections.abc import Iterable
from threading import Lock
from typing import TypeVar

from prometheus_client.metrics import MetricWrapperBase

from margingate_server.observe.labels import OTHER

Child = TypeVar("Child", bound=MetricWrapperBase)


class Children(dict[str, Child]):
    """Child by label value: `children[value].inc()` costs one dict lookup and the increment.

    `known` values exist from the start, so that their first increase is seen as one. At most
    `unknown_max` further values get a child of their own; all later ones share "other".
    """

    def __init__(self, metric: Child, known: Iterable[str] = (), *, unknown_max: int = 0) -> None:
        super().__init__({value: metric.labels(value) for value in known})
        self._metric = metric
        self._size_max = len(self) + unknown_max
        self._lock = Lock()

    def __missing__(self, value: str) -> Child:
        with self._lock:
            if len(self) < self._size_max:
                self[value] = self._metric.labels(value)
                return self[value]
        return self._metric.labels(OTHER)
