"""Published SPAN arrays and requirements, by the engine's combined commodities. [SCC-21]"""

from collections.abc import Iterator, Mapping

from margingate_server.validating import span_aggregation, span_futures, span_options
from margingate_server.validating.case import CaseResult

_KINDS = (span_options, span_futures, span_aggregation)


def recognises(document: object) -> bool:
    """True for a table with a section of SPAN arrays, judged by what its entries hold."""
    return isinstance(document, Mapping) and any(
        kind.recognises(section) for section in document.values() for kind in _KINDS
    )


def results(document: object) -> Iterator[CaseResult]:
    """Every case of every section of arrays, in their order."""
    assert isinstance(document, Mapping), "only a table is recognised"
    for name, section in document.items():
        kind = next((each for each in _KINDS if each.recognises(section)), None)
        if kind is not None:
            yield from kind.results(str(name), section, document.get("meta"))
