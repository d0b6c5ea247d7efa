"""Documents whose models are not built: every case is told of, none is run."""

from collections.abc import Iterator, Mapping

from margingate_server.validating.case import CaseResult, skipped

_VENUE_MODELS = {
    "deribit": "Deribit portfolio margin",
    "derive": "Derive standard margin",
    "paradex": "Paradex portfolio margin",
}
_PARTS = {
    "derive_pmrm2": "Derive portfolio margin, second version",
    "derive_pmrm1": "Derive portfolio margin, first version",
    "derive_srm": "Derive standard margin",
}


def recognises(document: object) -> bool:
    """True for a list, or lists by name, of cases that name a venue or its model."""
    return any(_model(case) for case in _cases(document))


def results(document: object) -> Iterator[CaseResult]:
    """A SKIP for each case, with the model that it needs."""
    for number, case in enumerate(_cases(document)):
        id_ = case.get("id") if isinstance(case, Mapping) else None
        name = str(id_ or f"case {number + 1}").replace(" ", "_")
        yield skipped(name, f"the model is not built: {_model(case) or 'not named'}")


def _cases(document: object) -> list[object]:
    if isinstance(document, list):
        return list(document)
    if isinstance(document, Mapping):
        return [case for part in document.values() if isinstance(part, list) for case in part]
    return []


def _model(case: object) -> str:
    """The name of the model that a case asks for; empty when it names none."""
    if not isinstance(case, Mapping):
        return ""
    venue, model = case.get("venue"), case.get("model")
    if isinstance(venue, str):
        return f"{_VENUE_MODELS.get(venue, venue)}"
    return _PARTS.get(model, model) if isinstance(model, str) else ""
