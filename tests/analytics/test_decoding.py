"""Whatever a gateway writes is either counted as it should be, or refused with a reason; nothing else happens."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import histogram, naming
from analytics.decoding import PROTOBUF, Malformed, Request, decoded, read
from tests.analytics.traffic import fields, record

NOW = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
OLDEST = NOW - timedelta(days=30)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def got(data: bytes) -> Request:
    return read(decoded(data), now=NOW, oldest=OLDEST)


def of(**given: Any) -> Request:
    return got(record(at=given.pop("at", NOW), **given))


def refusal(**given: Any) -> str:
    with pytest.raises(Malformed) as refused:
        of(**given)
    return str(refused.value)


def test_record_of_a_gateway_is_read() -> None:
    request = of(
        OrgID="b" * 24, APIKey="c" * 64, Alias="kiosk", Tags=["key-cc", "org-bb", "api-aa", "blue"], country="gb"
    )
    assert (request.organisation_id, request.api_id, request.api_name) == ("b" * 24, "a" * 32, "Shop")
    assert (request.key, request.alias, request.version) == ("c" * 64, "kiosk", "")
    assert (request.at, request.status, request.latency, request.upstream) == (NOW, 200, 12, 10)
    assert (request.endpoint, request.tags, request.country) == ("GET /orders/{id}", ["blue"], "GB")


def test_record_of_a_keyless_request_has_no_key() -> None:
    assert of(APIKey="00000000").key == ""


@pytest.mark.parametrize("at", [NOW + timedelta(days=900), NOW - timedelta(days=900), NOW + timedelta(minutes=11)])
def test_clock_that_is_years_off_is_refused(at: datetime) -> None:
    assert refusal(at=at).startswith("Its clock is too far")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ([1774747800, 500_000_000], NOW.replace(microsecond=500_000)),
        (1774747800, NOW),
        ("2026-03-29T01:30:00Z", NOW),
        ("2026-03-29T03:30:00+02:00", NOW),
        (msgspec.msgpack.Ext(-1, (1774747800).to_bytes(4, "big")), NOW),
    ],
)
def test_times_of_other_versions_are_read(at: Any, expected: datetime) -> None:
    assert of(TimeStamp=at).at == expected


@pytest.mark.parametrize(
    "at", [None, "yesterday", [1], [1, 2, 3], [2**60, 0], float("nan"), float("inf"), True, {}, [-1, -1]]
)
def test_time_that_makes_no_sense_is_refused(at: Any) -> None:
    assert refusal(TimeStamp=at).startswith("Its ")


@pytest.mark.parametrize("status", [None, 0, 99, 600, -1, "200", 2**40])
def test_status_that_is_none_is_refused(status: Any) -> None:
    assert refusal(ResponseCode=status) == "Its status is no status of HTTP."


def test_negative_latency_counts_as_none() -> None:
    request = of(latency=-40, Latency={"Total": -40, "Upstream": -50})
    assert (request.latency, request.upstream) == (0, 0)


def test_older_gateways_tell_the_latency_alone() -> None:
    without = fields(at=NOW, latency=31)
    del without["Latency"]
    request = got(msgspec.msgpack.encode(without))
    assert (request.latency, request.upstream) == (31, 0)


def test_path_of_ten_megabytes_is_cut() -> None:
    request = of(Path="/" + "x" * 10_000_000)
    assert (len(request.path), len(request.endpoint) < 300) == (2_000, True)


def test_nul_bytes_are_replaced() -> None:
    request = of(Path="/a\0b", UserAgent="\0", Tags=["a\0b"], APIName="\0")
    assert "\0" not in "".join((request.path, request.agent, request.endpoint, *request.tags, request.api_name))


def test_unknown_and_missing_fields_do_not_matter() -> None:
    some = {name: value for name, value in fields(at=NOW).items() if name in ("TimeStamp", "APIID", "ResponseCode")}
    request = got(msgspec.msgpack.encode(some | {"GraphQLStats": {"a": [1]}, "MCPStats": None, 7: "number"}))
    assert (request.status, request.method, request.key, request.tags) == (200, "", "", [])


def test_protobuf_is_refused_with_what_to_do() -> None:
    with pytest.raises(Malformed, match="serializer_type"):
        got(b"\n\x0bexample.com\x12\x03GET\x1a\x01/")
    assert "msgpack" in PROTOBUF


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81", b"not a record", record(at=NOW)[:-1]])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match="no MessagePack map"):
        got(data)


@given(name=st.sampled_from(sorted(fields())), value=ANYTHING)
def test_a_field_of_any_kind_is_read_or_refused(name: str, value: Any) -> None:
    try:
        request = got(msgspec.msgpack.encode(fields(at=NOW) | {name: value}))
    except Malformed:
        return
    assert all(isinstance(part, str) and "\0" not in part for part in (request.path, request.agent, request.key))
    assert 0 <= request.latency < 2**31
    assert 0 <= request.size < 2**31


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_and_nothing_else(data: bytes) -> None:
    with pytest.raises(Malformed):
        got(data)


def test_tags_that_a_gateway_adds_are_left_out_and_the_rest_kept_once() -> None:
    assert of(Tags=["org-forged", "blue", "blue", ""]).tags == ["blue"]
    assert of(Tags=["blue", 7]).tags == []


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("/orders/17/items", "GET /orders/{id}/items"),
        ("/users/123e4567-e89b-12d3-a456-426614174000", "GET /users/{id}"),
        ("/users/ann@acme.example/keys", "GET /users/{id}/keys"),
        ("/v2/reports/2024-01-01", "GET /v2/reports/2024-01-01"),
        ("/" + "a" * 70, "GET /{id}"),
        ("/", "GET /"),
        ("", "GET "),
        ("/x" * 40, "GET " + "/x" * 11 + "/…"),
    ],
)
def test_objects_in_paths_count_as_one(path: str, counted: str) -> None:
    assert naming.endpoint("GET", path) == counted


def at_rank(latencies: list[tuple[int, int]], rank: float) -> int:
    below = 0
    for latency, count in latencies:
        below += count
        if below >= rank:
            return latency
    raise AssertionError


@given(st.lists(st.tuples(st.integers(0, 200_000), st.integers(1, 10**6)), max_size=30))
def test_histograms_add_up_and_quantiles_are_right_to_an_eighth(latencies: list[tuple[int, int]]) -> None:
    long = sum(count * histogram.LATENCY_UNITS[histogram.step_of(latency)] for latency, count in latencies)
    assert sum(histogram.counts(long)) == sum(count for _, count in latencies)
    total = sum(count for _, count in latencies)
    for share in (0.5, 0.95, 0.99):
        [found] = histogram.quantiles(long, [share])
        if not total:
            assert found is None
            continue
        latency = at_rank(sorted(latencies), share * total)
        assert found is not None
        if latency <= histogram.EDGES[-1]:
            step = histogram.step_of(latency)
            assert (histogram.EDGES[step - 1] if step else 0) <= found <= histogram.EDGES[step]


def test_codes_keep_their_places() -> None:
    """Rows of years ago count by them."""
    assert [histogram.place_of(code) for code in (100, 200, 404, 429, 499, 500, 511, 299, 599)] == [
        22, 0, 7, 8, 55, 9, 62, 96, 99,
    ]  # fmt: skip
    long = 3 * histogram.CODE_UNITS[histogram.place_of(404)] + histogram.CODE_UNITS[histogram.place_of(599)]
    assert histogram.by_code(long) == {404: 3, 5: 1}
