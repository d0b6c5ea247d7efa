"""A shard's state as bytes and back, exactly: the order of every mapping is part of it.

JSON for the state, because amounts may have more than 64 bits; remembered requests are bytes as
they are, because there are millions of them.
"""

from typing import Any

import msgspec

from margingate_engine.core.errors import InvalidInput
from margingate_engine.core.instruments import Instrument, InstrumentKind
from margingate_engine.market.table import InstrumentTable
from margingate_engine.monitoring.states import MarginState
from margingate_engine.portfolio.fees import FeeRate
from margingate_engine.portfolio.holdings import OpenLeg, Portfolio, Position
from margingate_server.ledger.collateral import AssetNumbers
from margingate_server.ledger.numbers import LimitNumbers, ModelNumbers, PolicyNumbers
from margingate_server.ledger.requests import RequestIndex
from margingate_server.ledger.state import AccountState, KillSwitchState, OrderMemo, ShardState

FORMAT = "margingate state 3"
"""Another one is needed when a field is added here, and when `apply` makes another state of the
same events: a snapshot stands for what this build would fold."""

READ = {FORMAT, "margingate state 2"}
"""Formats that are read: what the older one lacks did not exist when it was written."""

_Legs = dict[str, tuple[OpenLeg, ...]]


class _Account(msgspec.Struct, frozen=True):
    """An account without its rates, which are those of its fee tier."""

    account: str
    fee_tier: str
    opened_ns: int
    version: int
    model: str
    experience_tier: int
    unqualified_since_ns: int
    liquidation_not_before_ns: int
    is_suspended: bool
    limits: LimitNumbers
    cash: dict[str, int]
    positions: dict[int, Position]
    legs: _Legs
    amendments: _Legs
    wallets: dict[int, int]
    orders: dict[str, OrderMemo]
    closed_orders: tuple[str, ...]
    closed_earlier: tuple[int, ...]
    margin_state: MarginState = MarginState.HEALTHY
    known_margin_state: MarginState = MarginState.HEALTHY
    margin_state_since_ns: int = 0


class _Shard(msgspec.Struct, frozen=True):
    """A shard without its remembered requests; mappings with keys of two parts as lists."""

    instruments: tuple[Instrument, ...]
    accounts: tuple[_Account, ...]
    fee_tiers: dict[str, dict[InstrumentKind, FeeRate]]
    policy: PolicyNumbers
    settlement_nano: dict[int, int]
    default_limits: LimitNumbers
    kill_switches: tuple[KillSwitchState, ...]
    expiring: tuple[tuple[str, str, int], ...]
    admin_version: int
    model: str
    parameters: tuple[tuple[str, str, str], ...]
    parameters_digest: str
    other_models: tuple[ModelNumbers, ...]
    open_order_count: int
    last_seq: int
    collateral: tuple[AssetNumbers, ...] = ()


class _Body(msgspec.Struct, frozen=True, array_like=True):
    """What a snapshot holds. shard: JSON of a _Shard."""

    format: str
    market_version: int
    shard: bytes
    fills: dict[bytes, bytes]
    requests: dict[bytes, bytes]


_bodies = msgspec.msgpack.Decoder(_Body)
_shards = msgspec.json.Decoder(_Shard)
_first_of_body = msgspec.msgpack.Decoder(list[Any])


def encode_state(state: ShardState, market_version: int) -> bytes:
    """The bytes of `state`, with the greatest market version cited up to it; equal for equal."""
    fills, requests = state.requests.packed()
    shard = msgspec.json.encode(_packed_shard(state))
    return msgspec.msgpack.encode(_Body(FORMAT, market_version, shard, fills, requests))


def decode_state(body: bytes | memoryview) -> tuple[ShardState, int]:
    """(state, greatest market version cited) that `encode_state` gave `body` of.

    ValueError for anything else, and for the format of another build.
    """
    try:
        found = _bodies.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(_problem(body, error)) from error
    if found.format not in READ:
        raise ValueError(_problem(body, None))
    try:
        state = _unpacked_shard(_shards.decode(found.shard))
    except (msgspec.DecodeError, InvalidInput, KeyError) as error:
        raise ValueError(f"no state: {error!r}") from error
    state.requests = RequestIndex.of_packed(found.fills, found.requests)
    return state, found.market_version


def _problem(body: bytes | memoryview, error: Exception | None) -> str:
    try:
        found = _first_of_body.decode(body)[0]
    except (msgspec.DecodeError, IndexError):
        return f"no state: {error}"
    return f"its format is {found!r}, this build reads {FORMAT!r}"


def _packed_shard(state: ShardState) -> _Shard:
    return _Shard(
        instruments=state.table.instruments,
        accounts=tuple(map(_packed_account, state.accounts.values())),
        fee_tiers={name: dict(tier) for name, tier in state.fee_tiers.items()},
        policy=state.policy,
        settlement_nano=state.settlement_nano,
        default_limits=state.default_limits,
        kill_switches=tuple(state.kill_switches.values()),
        expiring=tuple((*key, hold_ns) for key, hold_ns in state.expiring.items()),
        admin_version=state.admin_version,
        model=state.model,
        parameters=state.parameters,
        parameters_digest=state.parameters_digest,
        other_models=state.other_models,
        collateral=state.collateral,
        open_order_count=state.open_order_count,
        last_seq=state.last_seq,
    )


def _packed_account(account: AccountState) -> _Account:
    portfolio = account.portfolio
    return _Account(
        account=account.account,
        fee_tier=account.fee_tier,
        opened_ns=account.opened_ns,
        version=account.version,
        model=account.model,
        experience_tier=account.experience_tier,
        unqualified_since_ns=account.unqualified_since_ns,
        liquidation_not_before_ns=account.liquidation_not_before_ns,
        is_suspended=account.is_suspended,
        limits=account.limits,
        cash=portfolio.cash,
        positions=portfolio.positions,
        legs=portfolio.legs,
        amendments=portfolio.amendments,
        wallets=portfolio.wallets,
        orders=account.orders,
        closed_orders=tuple(account.closed_orders),
        closed_earlier=tuple(sorted(account.closed_earlier)),
        margin_state=account.margin_state,
        known_margin_state=account.known_margin_state,
        margin_state_since_ns=account.margin_state_since_ns,
    )


def _unpacked_shard(packed: _Shard) -> ShardState:
    state = ShardState(
        table=InstrumentTable(packed.instruments),
        fee_tiers=dict(packed.fee_tiers),
        policy=packed.policy,
        settlement_nano=packed.settlement_nano,
        default_limits=packed.default_limits,
        kill_switches={(each.scope, each.subject): each for each in packed.kill_switches},
        expiring={(account, order): hold_ns for account, order, hold_ns in packed.expiring},
        admin_version=packed.admin_version,
        model=packed.model,
        parameters=packed.parameters,
        parameters_digest=packed.parameters_digest,
        other_models=packed.other_models,
        collateral=packed.collateral,
        open_order_count=packed.open_order_count,
        last_seq=packed.last_seq,
    )
    state.accounts = {each.account: _unpacked_account(state, each) for each in packed.accounts}
    return state


def _unpacked_account(state: ShardState, packed: _Account) -> AccountState:
    return AccountState(
        account=packed.account,
        fee_tier=packed.fee_tier,
        opened_ns=packed.opened_ns,
        version=packed.version,
        model=packed.model,
        experience_tier=packed.experience_tier,
        unqualified_since_ns=packed.unqualified_since_ns,
        liquidation_not_before_ns=packed.liquidation_not_before_ns,
        is_suspended=packed.is_suspended,
        limits=packed.limits,
        portfolio=Portfolio(
            fees=state.fee_tiers[packed.fee_tier],
            cash=packed.cash,
            positions=packed.positions,
            legs=packed.legs,
            amendments=packed.amendments,
            wallets=packed.wallets,
        ),
        orders=packed.orders,
        closed_orders=dict.fromkeys(packed.closed_orders),
        closed_earlier=set(packed.closed_earlier),
        margin_state=packed.margin_state,
        known_margin_state=packed.known_margin_state,
        margin_state_since_ns=packed.margin_state_since_ns,
    )
