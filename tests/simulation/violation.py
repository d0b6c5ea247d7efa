"""What a simulation ends with when a promise is broken."""


class Violation(BaseException):
    """`invariant` ("I1" to "I8", "hang") does not hold. Nothing that is tested may catch it."""

    def __init__(self, invariant: str, detail: str) -> None:
        super().__init__(invariant, detail)
        self.invariant = invariant
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.invariant}: {self.detail}"


def hold(is_kept: object, invariant: str, words: str, *things: object) -> None:
    """Violation unless `is_kept`; the words have a `{}` for each thing, put in only then."""
    if not is_kept:
        raise Violation(invariant, words.format(*things))
