"""Random groups, contracts, positions and orders for the properties of the model `tims`."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from hypothesis import strategies as st

from margingate_engine.models.tims.groups import GroupTree
from tests.reference.tims import Contract, Groups, Order

PPM = 10**6
CLASS_OF = {"A": "one", "B": "one", "C": "two", "D": "three"}
PRODUCT_OF = {"one": "near", "two": "near", "three": "far"}
SHARED, APART = {"near": "all", "far": "all"}, {"near": "all", "far": "other"}


@dataclass(frozen=True)
class Book:
    """Four underlyings in three class groups and two product groups, with what is held."""

    portfolio_of: Mapping[str, str]
    product_offset_ppm: Mapping[str, int]
    portfolio_offset_ppm: Mapping[str, int]
    contracts: tuple[Contract, ...]
    lots: tuple[int, ...]
    coins: Mapping[str, tuple[int, ...]]
    orders: tuple[Order, ...] = ()

    def parts(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def tree(self) -> GroupTree:
        return GroupTree(
            class_group_by_underlying=CLASS_OF,
            product_group_by_class=PRODUCT_OF,
            portfolio_group_by_product=self.portfolio_of,
            offset_ppm_by_product_group=self.product_offset_ppm,
            offset_ppm_by_portfolio_group=self.portfolio_offset_ppm,
        )

    def groups(self) -> Groups:
        return Groups(
            class_of=CLASS_OF,
            product_of=PRODUCT_OF,
            portfolio_of=self.portfolio_of,
            product_offset_ppm=self.product_offset_ppm,
            portfolio_offset_ppm=self.portfolio_offset_ppm,
        )


AMOUNT = st.integers(-(10**9), 10**9)
LOSS = st.sampled_from((0, 0, 1)).flatmap(lambda any_: st.integers(0, any_ * 10**8))
OFFSET = st.sampled_from((0, PPM)) | st.integers(0, PPM)


@st.composite
def rows(draw: st.DrawFn) -> tuple[int, ...]:
    """Straight as of a future, bent as of an option, or anything."""
    slope, bend = draw(AMOUNT), draw(AMOUNT)
    kind = draw(st.sampled_from(("straight", "bent", "any")))
    if kind == "any":
        return tuple(draw(AMOUNT) for _ in range(10))
    moves = [*range(-5, 0), *range(1, 6)]
    return tuple(
        slope * move // 5 + (bend * move * move // 25 if kind == "bent" else 0) for move in moves
    )


@st.composite
def contracts(draw: st.DrawFn) -> Contract:
    short = draw(st.integers(0, 10**8))
    return Contract(
        underlying=draw(st.sampled_from(sorted(CLASS_OF))),
        pnl=draw(rows()),
        long_minimum=draw(st.integers(0, short)),
        short_minimum=short,
    )


@st.composite
def orders(draw: st.DrawFn, count: int) -> Order:
    """Coins move with what a fill pays or brings in of them; most fills move none."""
    coins = draw(st.integers(-(10**8), 10**8)) if draw(st.booleans()) else 0
    return Order(
        contract=draw(st.integers(0, count - 1)),
        lots=draw(st.integers(-6, 6).filter(bool)),
        loss=draw(LOSS),
        coins=tuple(coins * move // 5 for move in (*range(-5, 0), *range(1, 6))),
    )


@st.composite
def books(draw: st.DrawFn, orders_max: int = 0, orders_min: int = 0) -> Book:
    portfolio_of = draw(st.sampled_from((SHARED, APART)))
    listed = tuple(draw(st.lists(contracts(), min_size=1, max_size=5)))
    return Book(
        portfolio_of=portfolio_of,
        product_offset_ppm={name: draw(OFFSET) for name in ("near", "far")},
        portfolio_offset_ppm={name: draw(OFFSET) for name in sorted(set(portfolio_of.values()))},
        contracts=listed,
        lots=tuple(draw(st.integers(-9, 9)) for _ in listed),
        coins={each: draw(st.just((0,) * 10) | rows()) for each in CLASS_OF},
        orders=tuple(draw(st.lists(orders(len(listed)), min_size=orders_min, max_size=orders_max))),
    )
