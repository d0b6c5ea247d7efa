"""The three exceptions, with fields instead of prose; all else that goes wrong is a Decision."""


class MargingateError(Exception):
    """Base of the three; never raised itself."""


class InvalidInput(MargingateError):  # noqa: N818 - named for what it is, not that it is an error
    """The caller's fault, permanent: `field` (dotted path of the request) and `problem`."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field, problem)
        self.field = field
        self.problem = problem


class MissingData(MargingateError):  # noqa: N818
    """Something needed is not known (yet): `subject` names it."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


class ModelFailure(MargingateError):  # noqa: N818
    """Our fault: a number that no model may produce. `subject` names where."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject
