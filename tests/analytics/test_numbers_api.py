"""Our own analytics API: totals, series, rankings and single requests."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orgs import scope
from tests.analytics.conftest import Pour
from tests.analytics.traffic import fields, traffic
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read

SHOP, BANK, THEIRS = "a" * 32, "b" * 32, "c" * 32
KEY, THEIR_KEY = "1" * 64, "3" * 64
NOW = datetime.now(UTC)
HOUR = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)


def said(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def ask(machine: Machine, what: str, **query: Any) -> Any:
    query = {name.rstrip("_"): said(value) if isinstance(value, datetime) else value for name, value in query.items()}
    answer = machine.get(f"/api/analytics/{what}?{urlencode(query)}")
    assert answer.status_code == 200, answer.content
    return read(answer)


@pytest.fixture
def poured(world: World, pour: Pour) -> World:
    theirs = {"OrgID": world.globex.id, "APIID": THEIRS, "APIName": "Theirs", "APIKey": THEIR_KEY}
    pour(fields(at=HOUR, **theirs) for _ in range(40))
    ours = {"OrgID": world.acme.id, "APIID": SHOP, "APIName": "Shop", "APIKey": KEY, "Alias": "till"}
    pour(fields(at=HOUR, latency=10, ContentLength=100, **ours) for _ in range(3))
    pour([fields(at=HOUR + timedelta(hours=1), latency=90, ResponseCode=404, **ours)])
    pour(fields(at=HOUR, OrgID=world.acme.id, APIID=BANK, APIName="Bank", ResponseCode=502) for _ in range(2))
    return world


@pytest.fixture
def ann(poured: World) -> Machine:
    return machine_of(poured.ann)


def test_totals_say_what_was_counted_and_when(ann: Machine) -> None:
    found = ask(ann, "totals", from_=HOUR, to=HOUR + timedelta(hours=1))
    assert found == {
        "requests": 5, "client_errors": 0, "server_errors": 2, "latency_ms": 10.8, "upstream_ms": 8.8,
        "p50_ms": found["p50_ms"], "p95_ms": found["p95_ms"], "p99_ms": found["p99_ms"], "slowest_ms": 12,
        "bytes": 300, "last_at": said(HOUR), "from": said(HOUR), "to": said(HOUR + timedelta(hours=1)),
        "statuses": {"200": 3, "502": 2},
    }  # fmt: skip
    assert 8 < found["p50_ms"] <= found["p99_ms"] <= 13


def test_totals_of_nothing_have_no_times(ann: Machine) -> None:
    found = ask(ann, "totals", api="d" * 32)
    assert (found["requests"], found["latency_ms"], found["p99_ms"], found["last_at"]) == (0, None, None, None)


def test_without_a_time_it_is_the_last_day(ann: Machine) -> None:
    assert ask(ann, "totals")["requests"] == 6


@pytest.mark.parametrize(
    ("query", "requests"),
    [
        ({"api": SHOP}, 4),
        ({"api": BANK}, 2),
        ({"key": KEY}, 4),
        ({"key": f"{KEY},{THEIR_KEY}"}, 4),
        ({"key": KEY, "api": SHOP}, 4),
        ({"key": KEY, "api": BANK}, 0),
        ({"key": THEIR_KEY}, 0),
        ({"api": THEIRS}, 0),
    ],
)
def test_numbers_and_single_requests_of_an_api_and_a_key_agree(
    ann: Machine, query: dict[str, str], requests: int
) -> None:
    assert ask(ann, "totals", **query)["requests"] == requests
    assert sum(bucket["requests"] for bucket in ask(ann, "series", **query)["buckets"]) == requests
    assert len(ask(ann, "requests", **query)["requests"]) == requests


def test_series_by_the_hour_and_the_minute(ann: Machine) -> None:
    found = ask(ann, "series", from_=HOUR, to=HOUR + timedelta(hours=2), resolution="hour")
    assert (found["resolution"], found["zone"]) == ("hour", "UTC")
    assert [(bucket["at"], bucket["requests"]) for bucket in found["buckets"]] == [
        (said(HOUR), 5),
        (said(HOUR + timedelta(hours=1)), 1),
    ]
    found = ask(ann, "series", from_=HOUR, to=HOUR + timedelta(hours=2))
    assert (found["resolution"], len(found["buckets"]), found["buckets"][0]["requests"]) == ("minute", 120, 5)


def test_a_key_is_counted_by_the_hour_at_least(ann: Machine) -> None:
    found = ask(ann, "series", from_=HOUR, to=HOUR + timedelta(hours=2), resolution="minute", key=KEY)
    assert (found["resolution"], [bucket["requests"] for bucket in found["buckets"]]) == ("hour", [3, 1])


def test_days_are_those_of_the_zone(ann: Machine) -> None:
    found = ask(ann, "series", from_=NOW - timedelta(days=3), resolution="day", zone="Asia/Kathmandu")
    assert found["zone"] == "Asia/Kathmandu"
    assert {bucket["at"][10:] for bucket in found["buckets"]} == {"T23:45:00+05:45"}  # the whole hour of UTC before


def test_a_series_has_at_most_four_hundred_buckets(ann: Machine) -> None:
    for long in (1, 10, 100, 1_000, 10_000):
        for resolution in ("minute", "hour", "day", "month"):
            found = ask(ann, "series", from_=NOW - timedelta(days=min(long, 9_000)), resolution=resolution)
            assert len(found["buckets"]) <= 401, (long, resolution)


def test_rankings(ann: Machine) -> None:
    values = ask(ann, "top/apis")["values"]
    assert [(each["id"], each["name"], each["requests"]) for each in values] == [(SHOP, "Shop", 4), (BANK, "Bank", 2)]
    values = ask(ann, "top/apis", by="errors", limit=1)["values"]
    assert [(each["id"], each["server_errors"]) for each in values] == [(BANK, 2)]
    assert [(each["id"], each["name"]) for each in ask(ann, "top/keys")["values"]] == [(KEY, "till")]
    paths = ask(ann, "top/endpoints", api=SHOP)["values"]
    assert [(each["id"], each["api"], each["requests"]) for each in paths] == [("GET /orders/{id}", SHOP, 4)]
    for facet in ("versions", "countries", "clients", "tags"):
        assert ask(ann, f"top/{facet}")["values"] == []
    assert ann.get("/api/analytics/top/colours").status_code == 404
    assert ask(ann, "top/keys", api=THEIRS)["values"] == []


def test_single_requests_come_a_page_after_the_other_each_once(world: World, pour: Pour) -> None:
    """Many at the same moment, so that only their numbers tell them apart."""
    pour(fields(at=HOUR, OrgID=world.globex.id) for _ in range(5))
    at = HOUR.replace(microsecond=123456)
    pour(fields(at=at, OrgID=world.acme.id, Path=f"/{number}") for number in range(25))
    pour(traffic(world.acme.id, start=HOUR - timedelta(hours=9), end=HOUR, count=25))
    ann, seen, after = machine_of(world.ann), [], ""
    while True:
        found = ask(ann, "requests", limit=7, after=after, from_=HOUR - timedelta(hours=10))
        seen += found["requests"]
        after = found["next"]
        if not after:
            break
        assert len(found["requests"]) == 7
    assert len({request["id"] for request in seen}) == len(seen) == 50
    assert [request["at"] for request in seen] == sorted((request["at"] for request in seen), reverse=True)


def test_a_single_request_says_all_but_what_it_held(world: World, pour: Pour) -> None:
    pour([fields(at=HOUR, OrgID=world.acme.id, APIKey=KEY, Alias="till", RawRequest="secret", RawResponse="secret")])
    [found] = ask(machine_of(world.ann), "requests")["requests"]
    assert found == {
        "id": found["id"], "at": said(HOUR), "api": SHOP, "api_name": "Shop", "version": "", "key": KEY,
        "alias": "till", "client": "", "endpoint": "GET /orders/{id}", "method": "GET", "host": "api.example.com",
        "path": "/orders/17", "status": 200, "latency_ms": 12, "upstream_ms": 10, "bytes": 0, "address": "192.0.2.7",
        "country": "", "agent": "curl/8.5.0", "tags": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-11-28T09:00:00",  # of which zone?
        "from=2026-11-28T09:00:00%2B99:00",
        "from=0001-01-01T00:00:00Z",
        "to=9999-01-01T00:00:00Z",
        "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "zone=Europe/Atlantis",
        "zone=../../etc/passwd",
        "resolution=week",
        "key=,",
    ],
)
def test_what_makes_no_sense_is_refused(ann: Machine, query: str) -> None:
    assert ann.get(f"/api/analytics/series?{query}").status_code == 400


@pytest.mark.parametrize("after", ["x", "1", "-", "1-", "-1", "1-x", "9" * 30 + "-1", "1-" + "9" * 5_000, "1-\u0661"])
def test_a_place_that_was_never_given_is_refused(ann: Machine, after: str) -> None:
    assert ann.get(f"/api/analytics/requests?{urlencode({'after': after})}").status_code == 400


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many"])
def test_a_page_has_at_most_a_thousand_requests(ann: Machine, limit: str) -> None:
    assert ann.get(f"/api/analytics/requests?limit={limit}").status_code == 400


def test_an_unbounded_user_names_the_organisation(poured: World) -> None:
    uma = machine_of(poured.uma)
    for what in ("totals", "series", "top/apis", "requests"):
        assert uma.get(f"/api/analytics/{what}").status_code == 400
    assert ask(uma, "totals", org_id=poured.globex.id)["requests"] == 40
    assert len(ask(uma, "requests", org_id=poured.acme.id)["requests"]) == 6


def test_another_organisation_is_refused(poured: World, ann: Machine) -> None:
    for what in ("totals", "series", "top/apis", "requests"):
        assert ann.get(f"/api/analytics/{what}?org_id={poured.globex.id}").status_code == 400


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(("what", "queries"), [("top/apis", 8), ("requests", 6)])
def test_the_number_of_queries_is_the_same_for_any_number_of_rows(
    world: World, pour: Pour, rows: int, what: str, queries: int
) -> None:
    pour(fields(at=HOUR, OrgID=world.acme.id, APIID=f"{number:032}") for number in range(rows))
    ann = machine_of(world.ann)
    ann.get("/api/users/me")
    with CaptureQueriesContext(connection) as captured:
        [found] = [each for each in ask(ann, what).values() if isinstance(each, list)]
    assert (len(found), len(captured)) == (rows, queries), [query["sql"] for query in captured]


TEXT = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ("'", "' OR 1=1--", "%s", "\0", "{}", "1-1")
)
NAMES = st.sampled_from(
    ("from", "to", "resolution", "zone", "api", "key", "limit", "after", "by", "errors", "org_id", "x")
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    what=st.sampled_from(("totals", "series", "top/apis", "top/keys", "top/endpoints", "requests")),
    query=st.dictionaries(NAMES, TEXT | st.integers().map(str) | st.datetimes().map(lambda at: f"{at.isoformat()}Z")),
)
def test_whatever_is_asked_is_data(ann: Machine, what: str, query: dict[str, str]) -> None:
    answer = ann.get(f"/api/analytics/{what}?{urlencode(query)}")
    assert answer.status_code in (200, 400, 404), answer.content
    text = answer.content.decode()
    assert THEIRS not in text
    assert THEIR_KEY not in text


def test_analytics_need_their_permission(poured: World) -> None:
    al = machine_of(poured.al)
    assert al.get("/api/analytics/totals").status_code == 200
    with scope.opened(scope.of(poured.acme.id)):
        type(poured.al).objects.filter(pk=poured.al.pk).update(permissions={"keys": "write"})
    for what in ("totals", "series", "top/apis", "requests"):
        assert al.get(f"/api/analytics/{what}").status_code == 403
