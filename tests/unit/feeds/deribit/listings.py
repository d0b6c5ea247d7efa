"""Listings made of a small market's entries."""

from typing import Any

import msgspec

from margingate_server.feeds.deribit.listing import Listing, ListingReader

UNDERLYINGS = ("BTC", "ETH")


def raw(value: Any) -> msgspec.Raw:
    """What a message carries."""
    return msgspec.Raw(msgspec.json.encode(value))


def listing_of(*entries: Any, dollar_coins: tuple[str, ...] = ()) -> Listing:
    """The listing of one answer."""
    reader = ListingReader(UNDERLYINGS, dollar_coins)
    reader.take(raw(list(entries)))
    return reader.listing()
