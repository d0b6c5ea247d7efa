"""All pages of a list as one answer."""

from collections.abc import Callable
from typing import Protocol, Self, TypeVar

PAGE_SIZE = 1_000
"""The largest page the contract has."""


class _Page(Protocol):
    next_page_token: str

    def MergeFrom(self, other: Self, /) -> None:  # noqa: N802 - protobuf's name
        """Appends the other page's entries."""


_AnyPage = TypeVar("_AnyPage", bound=_Page)


def merged_pages(fetch: Callable[[str], _AnyPage]) -> _AnyPage:
    """All pages, each `fetch`ed by its token from the empty one on, as one page without a next."""
    merged = page = fetch("")
    while page.next_page_token:
        page = fetch(page.next_page_token)
        merged.MergeFrom(page)
    merged.next_page_token = ""
    return merged
