"""A small desk that is looked over after every call about an order."""

from collections.abc import Callable
from typing import Any

from tests.unit.service.in_step import assert_folds_again, assert_in_step
from tests.unit.service.small_desk import SmallDesk, small_desk


class SoundDesk(SmallDesk):
    """After each call the risk kept is the risk worked out anew, and a restart changes nothing."""

    def check(self, *words: Any, **options: Any) -> Any:
        return self._looked_over(super().check, *words, **options)

    def amend(self, *words: Any, **options: Any) -> Any:
        return self._looked_over(super().amend, *words, **options)

    def confirm(self, *words: Any, **options: Any) -> Any:
        return self._looked_over(super().confirm, *words, **options)

    def withdraw(self, *words: Any, **options: Any) -> Any:
        return self._looked_over(super().withdraw, *words, **options)

    def release(self, *words: Any, **options: Any) -> Any:
        return self._looked_over(super().release, *words, **options)

    def fill(self, *words: Any, **options: Any) -> Any:
        return self._looked_over(super().fill, *words, **options)

    def _looked_over(self, call: Callable[..., Any], *words: Any, **options: Any) -> Any:
        try:
            return call(*words, **options)
        finally:
            assert_in_step(self)
            assert_folds_again(self)


def sound_desk() -> SoundDesk:
    """A desk with the small market listed and priced, looked over from here on."""
    made = small_desk()
    return SoundDesk(made.desk, made.drafts, made.now_ns, made.numbers)
