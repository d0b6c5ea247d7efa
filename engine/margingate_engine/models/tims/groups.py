"""Which underlying belongs to which groups, and what gains count between them. [TIMS-04]"""

from collections.abc import Mapping
from dataclasses import dataclass

from margingate_engine.core.amounts import PPM
from margingate_engine.core.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupTree:
    """Underlying -> class group -> product group -> portfolio group; offsets in 1e-6.

    Whole: every name that is pointed at exists, every one that exists is pointed at, and no two
    names of a level differ by case alone.
    """

    class_group_by_underlying: Mapping[str, str]
    product_group_by_class: Mapping[str, str]
    portfolio_group_by_product: Mapping[str, str]
    offset_ppm_by_product_group: Mapping[str, int]
    offset_ppm_by_portfolio_group: Mapping[str, int]

    def __post_init__(self) -> None:
        """Refuse a tree with loose ends, naming the parameter as in a file."""
        classes, products = self.product_group_by_class, self.portfolio_group_by_product
        portfolios = self.offset_ppm_by_portfolio_group
        _refuse_loose_ends("underlyings", "class_group", self.class_group_by_underlying, classes)
        _refuse_loose_ends("class_groups", "product_group", classes, products)
        _refuse_loose_ends("product_groups", "portfolio_group", products, portfolios)
        for name in sorted(set(products) ^ set(self.offset_ppm_by_product_group)):
            raise InvalidInput(f"product_groups.{name}.offset", "is missing or of no group")
        _refuse_twins("underlyings", self.class_group_by_underlying)
        for level, names in (("class", classes), ("product", products), ("portfolio", portfolios)):
            _refuse_twins(f"{level}_groups", names)
        for level, offsets in (
            ("product_groups", self.offset_ppm_by_product_group),
            ("portfolio_groups", portfolios),
        ):
            for name in sorted(offsets):
                if not 0 <= offsets[name] <= PPM:
                    raise InvalidInput(f"{level}.{name}.offset", "must lie in [0, 1]")

    def portfolio_group_of(self, underlying: str) -> str:
        """Name of the portfolio group that an underlying of the tree belongs to."""
        product = self.product_group_by_class[self.class_group_by_underlying[underlying]]
        return self.portfolio_group_by_product[product]


def _refuse_loose_ends(
    level: str, field: str, links: Mapping[str, str], known: Mapping[str, object]
) -> None:
    """Every link leads to a group, and every group has one that leads to it."""
    for name in sorted(links):
        if links[name] not in known:
            raise InvalidInput(f"{level}.{name}.{field}", f"names no group: {links[name]}")
    for name in sorted(set(known) - set(links.values())):
        raise InvalidInput(f"{field}s.{name}", f"is not the group of any of {level}")


def _refuse_twins(level: str, names: Mapping[str, object]) -> None:
    seen: set[str] = set()
    for name in sorted(names):
        if name.casefold() in seen:
            raise InvalidInput(f"{level}.{name}", "differs from another name by case alone")
        seen.add(name.casefold())
