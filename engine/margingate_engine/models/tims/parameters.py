"""Parameters of the model `tims`: typed, bounded, digestible. Bounds: docs/methodology/tims.md."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from margingate_engine.core.amounts import PPM
from margingate_engine.models.parameter_table import text
from margingate_engine.models.tims.groups import GroupTree
from margingate_engine.models.tims.reading import Section, bounded

_POSITIVE, _BELOW_ONE = "0.000001", "0.999999"
_USD_MAX = "1000000"


class MinimumKind(Enum):
    """What the contract minimum is counted in."""

    USD = "usd"
    RELATIVE = "relative"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingParameters:
    """Of one underlying; ratios are whole multiples of 1e-6.

    contract_minimum: USD per coin or share, or a fraction of the index price. basis_rate: charge
    per USD of opposite deltas in different expiries.
    """

    class_group: str
    contract_minimum_kind: MinimumKind
    contract_minimum: Decimal
    basis_rate: Decimal
    collateral_haircut: Decimal

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        is_usd = self.contract_minimum_kind is MinimumKind.USD
        bounded("contract_minimum", self.contract_minimum, "0", _USD_MAX if is_usd else _BELOW_ONE)
        bounded("basis_rate", self.basis_rate, "0", _BELOW_ONE)
        bounded("collateral_haircut", self.collateral_haircut, "0", _BELOW_ONE)

    def minimum_per_coin(self, index: float) -> float:
        """Contract minimum in USD per coin or share at an index price in USD."""
        scale = 1.0 if self.contract_minimum_kind is MinimumKind.USD else index
        return float(self.contract_minimum) * scale


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassGroupParameters:
    """Of one class group: how far its price is moved, relative, and where its gains count."""

    product_group: str
    range_down: Decimal
    range_up: Decimal

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        bounded("range_down", self.range_down, _POSITIVE, _BELOW_ONE)
        bounded("range_up", self.range_up, _POSITIVE, _BELOW_ONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimsParameters:
    """Parameters of every underlying and every group, all required."""

    underlyings: Mapping[str, UnderlyingParameters]
    class_groups: Mapping[str, ClassGroupParameters]
    groups: GroupTree
    maintenance_fraction: Decimal

    def __post_init__(self) -> None:
        """Refuse what is out of bounds, naming the parameter."""
        bounded("maintenance_fraction", self.maintenance_fraction, _POSITIVE, "1")

    @classmethod
    def from_mapping(cls, raw: Mapping[str, object]) -> "TimsParameters":
        """Parameters from a file's table; InvalidInput with the dotted name of what is wrong."""
        top = Section("", raw)
        underlyings = {name: _underlying(each) for name, each in top.tables("underlyings")}
        class_groups = {name: _class_group(each) for name, each in top.tables("class_groups")}
        products = {name: _product(each) for name, each in top.tables("product_groups")}
        portfolios = {name: _offset_ppm(each) for name, each in top.tables("portfolio_groups")}
        maintenance_fraction = top.number("maintenance_fraction")
        top.close()
        return cls(
            underlyings=underlyings,
            class_groups=class_groups,
            groups=GroupTree(
                class_group_by_underlying={n: u.class_group for n, u in underlyings.items()},
                product_group_by_class={n: c.product_group for n, c in class_groups.items()},
                portfolio_group_by_product={n: group for n, (group, _) in products.items()},
                offset_ppm_by_product_group={n: offset for n, (_, offset) in products.items()},
                offset_ppm_by_portfolio_group=portfolios,
            ),
            maintenance_fraction=maintenance_fraction,
        )

    @property
    def maintenance_ppm(self) -> int:
        """The maintenance fraction in 1e-6."""
        return int(self.maintenance_fraction * PPM)

    def items(self) -> list[tuple[str, str]]:
        """Dotted names and values as canonical text, by name."""
        tree = self.groups
        found = [("maintenance_fraction", text(self.maintenance_fraction))]
        for name, each in self.underlyings.items():
            path = f"underlyings.{name}"
            found += [
                (f"{path}.class_group", each.class_group),
                (f"{path}.contract_minimum_kind", text(each.contract_minimum_kind)),
                (f"{path}.contract_minimum", text(each.contract_minimum)),
                (f"{path}.basis_rate", text(each.basis_rate)),
                (f"{path}.collateral_haircut", text(each.collateral_haircut)),
            ]
        for name, group in self.class_groups.items():
            path = f"class_groups.{name}"
            found += [
                (f"{path}.product_group", group.product_group),
                (f"{path}.range_down", text(group.range_down)),
                (f"{path}.range_up", text(group.range_up)),
            ]
        for name, portfolio in tree.portfolio_group_by_product.items():
            offset = Decimal(tree.offset_ppm_by_product_group[name]) / PPM
            found += [
                (f"product_groups.{name}.portfolio_group", portfolio),
                (f"product_groups.{name}.offset", text(offset)),
            ]
        for name, offset_ppm in tree.offset_ppm_by_portfolio_group.items():
            offset = Decimal(offset_ppm) / PPM
            found.append((f"portfolio_groups.{name}.offset", text(offset)))
        return sorted(found)

    def digest(self) -> str:
        """Hexadecimal sha256 of every parameter, whatever the order of the file."""
        lines = (f"{name}={value}" for name, value in self.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _underlying(section: Section) -> UnderlyingParameters:
    kind = section.word("contract_minimum_kind", MinimumKind)
    return section.built(
        lambda: UnderlyingParameters(
            class_group=section.name("class_group"),
            contract_minimum_kind=MinimumKind(kind),
            contract_minimum=section.number("contract_minimum"),
            basis_rate=section.number("basis_rate"),
            collateral_haircut=section.number("collateral_haircut"),
        )
    )


def _class_group(section: Section) -> ClassGroupParameters:
    return section.built(
        lambda: ClassGroupParameters(
            product_group=section.name("product_group"),
            range_down=section.number("range_down"),
            range_up=section.number("range_up"),
        )
    )


def _product(section: Section) -> tuple[str, int]:
    portfolio_group = section.name("portfolio_group")
    return portfolio_group, _offset_ppm(section)


def _offset_ppm(section: Section) -> int:
    offset = section.built(lambda: bounded("offset", section.number("offset"), "0", "1"))
    return int(offset * PPM)
