"""A state as bytes and back: nothing is lost, nothing changes its order, nothing else is read."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import msgspec
import pytest

from margingate_engine.market.table import InstrumentTable
from margingate_engine.portfolio.holdings import Portfolio
from margingate_server.ledger.events import decode_event
from margingate_server.ledger.fold import apply
from margingate_server.ledger.requests import RequestIndex
from margingate_server.ledger.state import CLOSED_ORDERS_MAX, AccountState, ShardState
from margingate_server.ledger.state_codec import FORMAT, decode_state, encode_state
from tests.unit.ledger.random_log import RandomLog

SEEDS = range(20)


def facts(value: Any) -> Any:
    """Everything there is in a state as plain values: mappings as lists, in their order."""
    if isinstance(value, InstrumentTable):
        return facts(value.instruments)
    if isinstance(value, RequestIndex):
        return facts(value.packed())
    if is_dataclass(value):
        return {each.name: facts(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return [(facts(key), facts(each)) for key, each in value.items()]
    if isinstance(value, tuple | list):
        return type(value)(map(facts, value)) if type(value) in {tuple, list} else value
    return value


def types(value: Any) -> Any:
    """The types of all the parts, which equality does not tell apart: 1, True and Side.BUY."""
    if isinstance(value, dict):
        return {key: types(each) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [types(each) for each in value]
    return type(value)


def again(state: ShardState, market_version: int = 7) -> ShardState:
    decoded, decoded_version = decode_state(encode_state(state, market_version))
    assert decoded_version == market_version
    return decoded


@pytest.mark.parametrize("seed", SEEDS)
def test_a_state_comes_back_as_it_was(seed: int) -> None:
    log = RandomLog(seed)
    log.draw(40 * seed + 5)
    decoded = again(log.state)
    assert facts(decoded) == facts(log.state)
    assert types(facts(decoded)) == types(facts(log.state))


def test_the_logs_of_these_tests_reach_every_field_of_a_state() -> None:
    untouched = {each.name for each in fields(ShardState)}
    unused = {each.name for each in (*fields(AccountState), *fields(Portfolio))}
    fresh = ShardState()
    for seed in SEEDS:
        log = RandomLog(seed)
        log.draw(800)
        untouched -= {
            name
            for name in untouched
            if facts(getattr(log.state, name)) != facts(getattr(fresh, name))
        }
        for account in log.state.accounts.values():
            for part in (account, account.portfolio):
                unused -= {each.name for each in fields(part) if facts(getattr(part, each.name))}
    assert untouched == set()
    assert unused == {"closed_earlier"}  # see the test of many closed orders


def test_an_empty_state_comes_back() -> None:
    assert facts(again(ShardState())) == facts(ShardState())


def test_orders_closed_long_ago_come_back() -> None:
    log = RandomLog(1, accounts=1, weights={"accepted": 1, "released": 1})
    log.draw(3 * CLOSED_ORDERS_MAX)
    [account] = log.state.accounts.values()
    assert account.closed_earlier
    assert facts(again(log.state)) == facts(log.state)


def test_a_state_that_came_back_goes_on_like_the_first() -> None:
    log = RandomLog(3)
    log.draw(300)
    decoded = again(log.state)
    for draft in log.draw(600):
        seq = decoded.last_seq + 1
        apply(decoded, decode_event(draft.body), seq, draft.recorded_ns)
    assert facts(decoded) == facts(log.state)


def test_accounts_share_the_rates_of_their_tier() -> None:
    """The fold replaces them together; two hundred thousand copies would be a waste besides."""
    log = RandomLog(4)
    decoded = again(log.state)
    for account in decoded.accounts.values():
        assert account.portfolio.fees is decoded.fee_tiers[account.fee_tier]


def test_equal_states_have_equal_bytes_and_others_have_others() -> None:
    first, second, other = RandomLog(5), RandomLog(5), RandomLog(5)
    for log, count in ((first, 200), (second, 200), (other, 201)):
        log.draw(count)
    assert encode_state(first.state, 1) == encode_state(second.state, 1)
    assert encode_state(first.state, 1) == encode_state(again(first.state), 1)
    assert encode_state(first.state, 1) != encode_state(first.state, 2)
    assert encode_state(first.state, 1) != encode_state(other.state, 1)


def test_the_format_of_another_build_is_refused_by_name() -> None:
    """Fields may have gone or come: that alone must not be what tells."""
    body = msgspec.msgpack.decode(encode_state(ShardState(), 0))
    for odd in (["margingate state 4", *body[1:]], ["margingate state 4", {"new": 1}]):
        with pytest.raises(ValueError, match=r"'margingate state 4'.*'margingate state 3'"):
            decode_state(msgspec.msgpack.encode(odd))
    assert body[0] == FORMAT


def test_a_state_of_before_there_were_margin_states_is_read() -> None:
    log = RandomLog(6, weights={"accepted": 3, "filled": 3, "deposited": 1})
    log.draw(100)
    _, version, shard, *requests = msgspec.msgpack.decode(encode_state(log.state, 7))
    plain = msgspec.json.decode(shard)
    for account in plain["accounts"]:
        for name in ("margin_state", "known_margin_state", "margin_state_since_ns"):
            del account[name]
    for name in ("liquidation_orders", "monitoring"):
        del plain["policy"][name]
    old = ["margingate state 2", version, msgspec.json.encode(plain), *requests]
    state, _ = decode_state(msgspec.msgpack.encode(old))
    assert facts(state) == facts(log.state)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        msgspec.msgpack.encode([]),
        msgspec.msgpack.encode([FORMAT, 0, b"{}", {}, {}]),
        msgspec.msgpack.encode([FORMAT, 0, b"", {}, {}]),
        msgspec.msgpack.encode([FORMAT, "0", b"", {}, {}]),
        encode_state(ShardState(), 0) + b"\0",
        encode_state(RandomLog(1).state, 0).replace(
            b'"fee_tier":"default"', b'"fee_tier":"lacking"'
        ),
        encode_state(RandomLog(1).state, 0).replace(b'"lot_nano":1', b'"lot_nano":0'),
    ],
)
def test_what_is_no_state_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        decode_state(body)


def test_the_fields_are_those_of_this_format() -> None:
    """A new field belongs into `state_codec`, which then is another format."""
    names = {kind.__name__: [each.name for each in fields(kind)] for kind in STATE_KINDS}
    assert (FORMAT, names) == ("margingate state 3", FIELDS)


STATE_KINDS = (ShardState, AccountState, Portfolio)
FIELDS = {
    "ShardState": [
        *("table", "accounts", "fee_tiers", "policy", "settlement_nano", "default_limits"),
        *("kill_switches", "requests", "expiring", "admin_version", "model", "parameters"),
        *("parameters_digest", "other_models", "collateral", "open_order_count", "last_seq"),
    ],
    "AccountState": [
        *("account", "fee_tier", "opened_ns", "portfolio", "version", "model", "experience_tier"),
        *("unqualified_since_ns", "liquidation_not_before_ns", "margin_state"),
        *("known_margin_state", "margin_state_since_ns", "is_suspended"),
        *("limits", "orders", "closed_orders", "closed_earlier"),
    ],
    "Portfolio": ["fees", "cash", "positions", "legs", "amendments", "wallets"],
}
