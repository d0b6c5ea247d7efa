"""Every listed instrument as a struct of arrays; rows are appended, never moved."""

from collections.abc import Sequence

import numpy as np

from margingate_engine.core.amounts import NANO
from margingate_engine.core.arrays import BoolArray, read_only
from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind, OptionRight

NEVER_NS = 2**62
"""Expiry of what does not expire."""


class InstrumentTable:
    """Instruments by row number, with what pricing needs as arrays over rows (axis I).

    kind masks are bool; size_i is what a lot stands for, in coins or USD; strike_i in USD (0 where
    there is none); expiry_ns_i (NEVER_NS where there is none); underlying_i indexes `underlyings`.
    """

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = tuple(instruments)
        self.row_by_name = {each.name: row for row, each in enumerate(self.instruments)}
        if len(self.row_by_name) != len(self.instruments):
            raise InvalidInput("instruments", "name one instrument twice")
        self.underlyings = tuple(dict.fromkeys(each.underlying for each in self.instruments))
        number = {name: index for index, name in enumerate(self.underlyings)}
        every = self.instruments
        self.underlying_i = read_only(
            np.array([number[each.underlying] for each in every], dtype=np.int64)
        )
        self.size_i = read_only(
            np.array([each.size_nano / NANO for each in every], dtype=np.float64)
        )
        self.strike_i = read_only(
            np.array([(each.strike_nano or 0) / NANO for each in every], dtype=np.float64)
        )
        self.expiry_ns_i = read_only(
            np.array([each.expiry_ns or NEVER_NS for each in every], dtype=np.int64)
        )
        self.is_option_i = self._mask([each.kind is InstrumentKind.OPTION for each in every])
        self.is_future_i = self._mask([each.is_future for each in every])
        self.is_spot_i = self._mask([each.kind is InstrumentKind.SPOT for each in every])
        self.is_call_i = self._mask([each.right is OptionRight.CALL for each in every])
        self.is_inverse_i = self._mask([each.settlement_asset != "USD" for each in every])

    @staticmethod
    def _mask(flags: list[bool]) -> BoolArray:
        return read_only(np.array(flags, dtype=np.bool_))

    def __len__(self) -> int:
        return len(self.instruments)

    def row(self, name: str) -> int | None:
        """Row number of an instrument, None when it is not listed."""
        return self.row_by_name.get(name)

    def with_instruments(self, changed: Sequence[Instrument]) -> "InstrumentTable":
        """A table with these added or replaced; rows of what was listed stay.

        InvalidInput when a listed contract would become another contract.
        """
        merged = list(self.instruments)
        row_by_name = dict(self.row_by_name)
        for each in changed:
            row = row_by_name.get(each.name)
            if row is None:
                row_by_name[each.name] = len(merged)
                merged.append(each)
            elif merged[row].same_contract(each):
                merged[row] = each
            else:
                raise InvalidInput("instruments", f"{each.name} is listed as another contract")
        return InstrumentTable(merged)
