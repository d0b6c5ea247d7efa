"""A golden case, and its inputs in the words of the engine, the use cases and the wire."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.timestamp_pb2 import Timestamp

from margingate.v1 import account_service_pb2 as accounts
from margingate.v1 import market_service_pb2 as market
from margingate.v1 import types_pb2 as types
from margingate_engine.core.amounts import NANO
from margingate_engine.core.instruments import (
    Instrument,
    InstrumentKind,
    OptionRight,
    Settlement,
)
from margingate_engine.models.registry import MarginModel, model
from margingate_engine.portfolio.fees import FeeRate, FeeTier
from margingate_server.feeds.feed import MarketUpdate
from margingate_server.files.toml_tables import read_tables
from margingate_server.rpc.market_codec import instrument_message
from tests.integration.support.wire import leg, order

FOLDER = Path(__file__).parents[2] / "golden"
UNDERLYING = "BTC"


def nano(text: str) -> int:
    """A decimal in 1e-9."""
    scaled = Decimal(text) * NANO
    assert scaled == int(scaled)
    return int(scaled)


@dataclass(frozen=True)
class Golden:
    """One case as it stands in its file."""

    raw: dict[str, Any]

    @classmethod
    def read(cls, name: str) -> "Golden":
        """The case of tests/golden/NAME.json."""
        return cls(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))

    def model(self) -> MarginModel:
        """The margin model with the case's parameters."""
        words = {"vol_shift_kind"}
        parameters = {
            name: value if name in words else Decimal(value)
            for name, value in self.raw["parameters"].items()
        }
        return model("span", {UNDERLYING: parameters})

    def fees(self) -> FeeTier:
        """No fees but the taker's of futures."""
        taker_ppm = int(Decimal(self.raw["taker_fee_of_futures"]) * 10**6)
        return {
            kind: FeeRate(maker_ppm=0, taker_ppm=taker_ppm if kind is InstrumentKind.FUTURE else 0)
            for kind in InstrumentKind
        }

    def instruments(self) -> tuple[Instrument, ...]:
        """The listing."""
        return tuple(
            Instrument(
                name=each["name"],
                kind=InstrumentKind(each["kind"]),
                underlying=UNDERLYING,
                settlement=Settlement(each["settlement"]),
                contract_nano=nano(each["contract"]),
                lot_nano=nano(each["lot"]),
                tick_nano=nano(each["tick"]),
                expiry_ns=each["expiry_seconds"] * NANO if "expiry_seconds" in each else None,
                strike_nano=nano(each["strike"]) if "strike" in each else None,
                right=OptionRight(each["right"]) if "right" in each else None,
            )
            for each in self.raw["instruments"]
        )

    def update(self) -> MarketUpdate:
        """The prices."""
        columns = {
            name: [each[name] for each in self.raw["instruments"]]
            for name in ("name", "mark", "vol", "forward")
        }
        return MarketUpdate(
            market_time_ns=self.raw["market_time_seconds"] * NANO,
            index_by_underlying={UNDERLYING: self.raw["index"]},
            names=tuple(columns["name"]),
            mark_price_i=np.array(columns["mark"]),
            mark_vol_i=np.array(columns["vol"]),
            forward_price_i=np.array(columns["forward"]),
        )

    def listing_request(self) -> market.PublishInstrumentsRequest:
        """The listing on the wire."""
        return market.PublishInstrumentsRequest(
            instruments=[instrument_message(each) for each in self.instruments()]
        )

    def quotes_request(self) -> market.PublishQuotesRequest:
        """The prices on the wire."""
        update = self.update()
        return market.PublishQuotesRequest(
            market_time=Timestamp(seconds=self.raw["market_time_seconds"]),
            indices=[market.IndexQuote(underlying=UNDERLYING, price=self.raw["index"])],
            instruments=update.names,
            mark_prices=update.mark_price_i,
            mark_vols=update.mark_vol_i,
            forward_prices=update.forward_price_i,
        )

    def positions_request(self) -> accounts.SetPositionsRequest:
        """The positions on the wire."""
        return accounts.SetPositionsRequest(
            request_id="positions",
            account="a",
            positions=[
                types.Position(
                    instrument=each["instrument"],
                    quantity=each["quantity"],
                    entry_price=each["price"],
                )
                for each in self.raw["positions"]
            ],
        )

    def order(self, check: dict[str, Any]) -> types.Order:
        """The order of one of the case's checks."""
        asked = check["leg"]
        return order(
            f"o-{check['request_id']}", leg(asked["instrument"], asked["quantity"], asked["price"])
        )

    def files(self, folder: Path) -> list[str]:
        """Arguments of a server that decides by this case's parameters and fees.

        Its vols are too low, and its marks too round, for limits that are meant for markets.
        """
        lines = [f"[{UNDERLYING}]"]
        for name, value in self.raw["parameters"].items():
            lines.append(f'{name} = "{value}"' if value.isalpha() else f"{name} = {value}")
        (folder / "span.toml").write_text("\n".join(lines) + "\n")
        fees = ["[default]"]
        for kind, rate in self.fees().items():
            fees.append(f"{kind.value} = {{ maker = 0, taker = {rate.taker_ppm / 10**6} }}")
        (folder / "fees.toml").write_text("\n".join(fees) + "\n")
        limits = {**read_tables(None, "quality.toml")["default"], "vol_min": 0, "mark_gap": 1}
        quality = ["[default]", *(f"{name} = {limit}" for name, limit in limits.items())]
        (folder / "quality.toml").write_text("\n".join(quality) + "\n")
        return [
            *("--parameters", str(folder / "span.toml")),
            *("--fees", str(folder / "fees.toml")),
            *("--quality", str(folder / "quality.toml")),
        ]
