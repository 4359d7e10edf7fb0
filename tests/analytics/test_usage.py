"""The analytics of the Tyk Dashboard's API, for machines, against what was poured in."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import Settings as DjangoSettings

from apis.services import import_text
from keys.services import create_key, rotate_key
from orgs import scope
from orgs.models import AuditEntry
from tests.analytics.conftest import Pour
from tests.analytics.traffic import fields
from tests.conftest import World
from tests.machines.client import Machine, machine_of, read
from tests.walls.walk import DOCUMENT

SHOP, BANK, THEIRS = "a" * 32, "b" * 32, "c" * 32
KEY, OTHER_KEY, THEIR_KEY = "1" * 64, "2" * 64, "3" * 64
SQL = ("'", "%27%20OR%201=1--", "%25", "_", "{}", "%s", "1;DROP%20TABLE%20x", "$$", "\\")


def noon(days_ago: int = 1) -> datetime:
    return datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days_ago)


def days(first: int = 5, last: int = 0) -> str:
    """Return the path between the day so many days ago and another one."""
    start, end = noon(first), noon(last)
    return f"{start.day}/{start.month}/{start.year}/{end.day}/{end.month}/{end.year}"


@pytest.fixture
def poured(world: World, pour: Pour) -> World:
    """Globex's requests first: 40 of an API, key, country, client and tag of its own; then nine of acme's."""
    theirs = {"OrgID": world.globex.id, "APIID": THEIRS, "APIName": "Theirs", "APIKey": THEIR_KEY, "Alias": "them"}
    more = {"country": "FR", "OauthID": "their-app", "Tags": ["their-tag"], "ResponseCode": 503}
    pour(fields(at=noon(), **theirs, **more) for _ in range(40))
    ours = {"OrgID": world.acme.id, "APIID": SHOP, "APIName": "Shop", "APIKey": KEY, "Alias": "till"}
    pour(fields(at=noon(), latency=10, country="DE", Tags=["blue"], **ours) for _ in range(3))
    pour(fields(at=noon(2), latency=20, country="GB", ResponseCode=404, OauthID="app", **ours) for _ in range(2))
    bank = ours | {"APIID": BANK, "APIName": "Bank", "APIKey": OTHER_KEY, "Alias": "safe", "APIVersion": "v2"}
    pour(fields(at=noon(2), ResponseCode=500, Path="/pay", Method="POST", **bank) for _ in range(4))
    return world


@pytest.fixture
def ann(poured: World) -> Machine:
    return machine_of(poured.ann)


def data(machine: Machine, path: str) -> list[dict[str, Any]]:
    answer = machine.get(path)
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = read(answer)["data"]
    return found


def by(rows: list[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [(*(row["id"][name] for name in names), row["hits"], row["success"], row["error"]) for row in rows]


def on(days_ago: int) -> tuple[int, int, int]:
    return noon(days_ago).day, noon(days_ago).month, noon(days_ago).year


def test_usage_is_a_row_a_day_that_has_any(ann: Machine) -> None:
    rows = data(ann, f"/api/usage/{days()}")
    assert by(rows, "day", "month", "year") == [(*on(2), 6, 0, 6), (*on(1), 3, 3, 0)]
    assert rows[1] == {
        "id": rows[1]["id"],
        "hits": 3, "success": 3, "error": 0, "last_hit": noon().isoformat().replace("+00:00", "Z"),
        "request_time": 10.0, "latency": 10.0, "upstream_latency": 8.0, "max_latency": 10, "min_latency": 0,
        "max_upstream_latency": 0, "min_upstream_latency": 0,
    }  # fmt: skip
    assert rows[1]["id"] == {
        "day": on(1)[0], "month": on(1)[1], "year": on(1)[2], "hour": 0, "code": 0, "path": "", "key": "", "alias": "",
        "url": "", "iso_country": "", "api_id": "", "api_name": "",
    }  # fmt: skip


def test_usage_by_the_hour_and_by_the_month(ann: Machine) -> None:
    assert by(data(ann, f"/api/usage/{days()}?res=hour"), "day", "hour") == [
        (on(2)[0], 12, 6, 0, 6),
        (on(1)[0], 12, 3, 3, 0),
    ]
    months = data(ann, f"/api/usage/{days(40)}?res=month")
    assert {row["id"]["day"] for row in months} == {0}
    assert sum(row["hits"] for row in months) == 9


def test_days_are_those_of_the_installations_zone(ann: Machine, settings: DjangoSettings) -> None:
    settings.TIME_ZONE = "Pacific/Kiritimati"  # fourteen hours ahead: noon is two o'clock of the next day
    rows = data(ann, f"/api/usage/{days()}?res=hour")
    assert [(row["id"]["day"], row["id"]["hour"]) for row in rows] == [(on(1)[0], 2), (on(0)[0], 2)]
    assert [row["id"]["day"] for row in data(ann, f"/api/usage/{days()}")] == [on(1)[0], on(0)[0]]


def test_a_day_that_begins_at_half_past_an_hour_of_utc_has_its_own_number(
    ann: Machine, settings: DjangoSettings
) -> None:
    settings.TIME_ZONE = "Asia/Kolkata"
    assert by(data(ann, f"/api/usage/{days()}"), "day") == [(on(2)[0], 6, 0, 6), (on(1)[0], 3, 3, 0)]


def test_the_last_day_belongs_to_the_span(ann: Machine) -> None:
    assert by(data(ann, f"/api/usage/{days(2, 2)}")) == [(6, 0, 6)]
    assert data(ann, f"/api/usage/{days(0, 0)}") == []


@pytest.mark.parametrize(
    ("query", "hits"),
    [
        (f"api_id={SHOP}", 5),
        (f"api_id={BANK}", 4),
        (f"api_id={BANK}&api_version=v2", 4),
        (f"api_id={BANK}&api_version=Non+Versioned", 4),
        (f"api_id={BANK}&api_version=v3", 0),
        ("tags=blue", 3),
        ("tags=their-tag", 0),
        (f"api_id={THEIRS}", 0),
    ],
)
def test_usage_of_one_api_version_or_tag(ann: Machine, query: str, hits: int) -> None:
    assert sum(row["hits"] for row in data(ann, f"/api/usage/{days()}?{query}")) == hits


def test_apis_by_their_hits(ann: Machine) -> None:
    path = f"/api/usage/apis/{days()}"
    expected = [(SHOP, "Shop", 5, 3, 2), (BANK, "Bank", 4, 0, 4)]
    assert by(data(ann, f"{path}?by=Hits&sort=1&p=-1"), "api_id", "api_name") == expected
    assert by(data(ann, path), "api_id", "api_name") == expected
    assert by(data(ann, f"{path}?by=Hits&sort=-1"), "api_id", "api_name") == expected[::-1]
    assert by(data(ann, f"{path}?by=Error"), "api_id", "api_name") == expected[::-1]
    assert by(data(ann, f"{path}?api_id={BANK}"), "api_id", "api_name") == expected[1:]


def test_pages_are_numbered_from_one_and_everything_without_a_number(ann: Machine) -> None:
    path = f"/api/usage/apis/{days()}"
    whole = read(ann.get(path))
    assert (len(whole["data"]), whole["pages"]) == (2, 1)
    for page in (1, 2):
        found = read(ann.get(f"{path}?p={page}&page_size=1"))
        assert (found["data"], found["pages"]) == ([whole["data"][page - 1]], 2)
    assert read(ann.get(f"{path}?p=3&page_size=1"))["data"] == []


def test_an_api_goes_by_its_api_id_and_by_its_id(world: World, pour: Pour) -> None:
    with scope.opened(scope.of(world.acme.id)):
        api = import_text(DOCUMENT, listen_path="/orders/")
    pour([fields(at=noon(), OrgID=world.acme.id, APIID=api.api_id)])
    ann = machine_of(world.ann)
    for name in (api.api_id, api.pk):
        assert by(data(ann, f"/api/usage/apis/{name}/{days()}")) == [(1, 1, 0)]
        assert by(data(ann, f"/api/usage/{days()}?api_id={name}")) == [(1, 1, 0)]


def test_keys_by_their_hits_and_each_over_time(ann: Machine) -> None:
    keys = data(ann, f"/api/activity/keys/{days()}?p=-1")
    assert by(keys, "key", "alias") == [(KEY, "till", 5, 3, 2), (OTHER_KEY, "safe", 4, 0, 4)]
    assert by(data(ann, f"/api/activity/keys/{days()}?api_id={BANK}"), "key") == [(OTHER_KEY, 4, 0, 4)]
    path = f"/api/activity/keys/{KEY}/{days()}?res=day&p=-1"
    assert by(data(ann, path), "day") == [(on(2)[0], 2, 0, 2), (on(1)[0], 3, 3, 0)]
    assert data(ann, f"{path}&api_id={BANK}") == []


def test_several_keys_together(ann: Machine) -> None:
    path = f"/api/activity/keys/aggregate/{KEY},{OTHER_KEY},{THEIR_KEY},/{days()}?p=-1&res=day"
    assert by(data(ann, path), "day") == [(on(2)[0], 6, 0, 6), (on(1)[0], 3, 3, 0)]
    many = ",".join(f"{number:064}" for number in range(51))
    assert ann.get(f"/api/activity/keys/aggregate/{many}/{days()}").status_code == 400


def test_a_key_that_was_rotated_has_what_it_did_before(world: World, pour: Pour) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="till", has_all_apis=True)
        before = key.hash
        rotated, _ = rotate_key(key=key, revision=key.revision, grace=timedelta(hours=1))
    assert rotated.hash != before
    pour(fields(at=noon(), OrgID=world.acme.id, APIKey=hash) for hash in (before, rotated.hash))
    ann = machine_of(world.ann)
    for name in (rotated.hash, before, key.pk):
        assert by(data(ann, f"/api/activity/keys/{name}/{days()}")) == [(2, 2, 0)]


def test_errors_countries_clients_and_paths(ann: Machine) -> None:
    activity = "/api/activity"
    assert by(data(ann, f"{activity}/errors/{days()}"), "code") == [(500, 4, 0, 4), (404, 2, 0, 2)]
    assert by(data(ann, f"{activity}/errors/{days()}?api_id={SHOP}"), "code") == [(404, 2, 0, 2)]
    assert by(data(ann, f"{activity}/geo/{days()}"), "iso_country") == [("DE", 3, 3, 0), ("GB", 2, 0, 2)]
    assert by(data(ann, f"{activity}/oauthid/app/{days()}")) == [(2, 0, 2)]
    assert by(data(ann, f"{activity}/endpoint/{days()}"), "api_id", "path", "url") == [
        (SHOP, "/orders/{id}", "GET /orders/{id}", 5, 3, 2),
        (BANK, "/pay", "POST /pay", 4, 0, 4),
    ]
    assert by(data(ann, f"{activity}/endpoint/{days()}?api_id={BANK}"), "path") == [("/pay", 4, 0, 4)]


GUESSED = (
    f"/api/usage/apis/{THEIRS}/{{}}",
    f"/api/activity/keys/{THEIR_KEY}/{{}}",
    f"/api/activity/keys/aggregate/{THEIR_KEY}/{{}}",
    "/api/activity/oauthid/their-app/{}",
    f"/api/usage/{{}}?api_id={THEIRS}",
    "/api/usage/{}?tags=their-tag",
    f"/api/activity/errors/{{}}?api_id={THEIRS}",
    f"/api/activity/endpoint/{{}}?api_id={THEIRS}",
    f"/api/activity/keys/{{}}?api_id={THEIRS}",
    f"/api/logs/{{}}?api_id={THEIRS}",
    f"/api/logs/{{}}?key={THEIR_KEY}",
)


@pytest.mark.parametrize("path", GUESSED)
def test_names_of_another_organisation_lead_to_nothing_and_its_own_to_all(poured: World, path: str) -> None:
    assert data(machine_of(poured.ann), path.format(days())) == []
    theirs = data(machine_of(poured.gus), path.format(days()))
    assert sum(row.get("hits", 4) for row in theirs) == 40


def test_an_organisation_is_the_credentials_alone(poured: World, ann: Machine) -> None:
    assert by(data(ann, f"/api/usage/{days()}?org_id={poured.acme.id}")) == [(6, 0, 6), (3, 3, 0)]
    for other in (poured.globex.id, "0" * 24, "everything", "installation"):
        assert ann.get(f"/api/usage/{days()}?org_id={other}").status_code == 400


def test_an_unbounded_user_names_the_organisation_whose_trail_says_so(poured: World) -> None:
    uma = machine_of(poured.uma)
    answer = uma.get(f"/api/usage/{days()}")
    assert (answer.status_code, "org_id" in read(answer)["Message"]) == (400, True)
    assert uma.get(f"/api/usage/{days()}?org_id={'0' * 24}").status_code == 404
    assert uma.get(f"/api/usage/{days()}?org_id=everything").status_code == 404
    assert by(data(uma, f"/api/usage/{days()}?org_id={poured.globex.id}")) == [(40, 0, 40)]
    assert by(data(uma, f"/api/activity/keys/{THEIR_KEY}/{days()}?org_id={poured.globex.id}")) == [(40, 0, 40)]
    assert len(data(uma, f"/api/logs/{days()}?p=-1&org_id={poured.acme.id}")) == 9
    with scope.opened(scope.of(poured.globex.id)):
        lines = list(AuditEntry.objects.filter(action="visited", actor_id=poured.uma.pk).order_by("id"))
    assert [line.object_name.rpartition("/")[0] for line in lines] == ["/api/usage", "/api/activity"]
    assert lines[1].object_name == "/api/activity/keys"  # without the hash, which might be a key


def test_analytics_need_their_permission(poured: World) -> None:
    nobody = machine_of(poured.al)
    with scope.opened(scope.of(poured.acme.id)):
        type(poured.al).objects.filter(pk=poured.al.pk).update(permissions={"apis": "write"})
    assert nobody.get(f"/api/usage/{days()}").status_code == 403
    assert nobody.get(f"/api/logs/{days()}").status_code == 403


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("30/2/2026/1/3/2026", "There is no day 30/2/2026."),
        ("1/1/2026/31/12/2025", "The last day, 2025-12-31, comes before the first, 2026-01-01."),
        ("1/1/0001/1/1/2026", "The year 1 does not lie between 2000 and 2200."),
        ("x/1/2026/1/1/2026", "x/1/2026 is no day: it is written day/month/year, as 28/11/2026."),
        ("1/1/٢٠٢٦/1/1/2026", "1/1/٢٠٢٦ is no day: it is written day/month/year, as 28/11/2026."),
        ("-1/1/2026/1/1/2026", "-1/1/2026 is no day: it is written day/month/year, as 28/11/2026."),
    ],
)
def test_what_is_no_day_is_refused_with_a_sentence(ann: Machine, wrong: str, sentence: str) -> None:
    answer = ann.get(f"/api/usage/apis/{wrong}")
    assert answer.status_code == 400
    assert read(answer) == {"Status": "Error", "Message": sentence, "Meta": None}


@pytest.mark.parametrize(
    "path",
    [
        "/api/usage/{}?res=week",
        "/api/usage/{}?by=Colour",
        "/api/usage/{}?p=one",
        "/api/usage/{}?tags=blue,red",
        f"/api/usage/{{}}?tags=blue&api_id={SHOP}",
        "/api/usage/{}?api_version=v2",
        "/api/usage/apis/{}?tags=blue",
        f"/api/activity/keys/{KEY}/{{}}?tags=blue",
        f"/api/activity/keys/{KEY}/{{}}?api_version=v2",
        "/api/activity/geo/{}?api_id=x",
    ],
)
def test_what_cannot_be_followed_is_refused_and_not_ignored(ann: Machine, path: str) -> None:
    assert ann.get(path.format(days())).status_code == 400


@pytest.mark.parametrize(("res", "longest"), [("hour", 83), ("day", 2_000)])
def test_an_answer_has_at_most_two_thousand_buckets(ann: Machine, res: str, longest: int) -> None:
    assert ann.get(f"/api/usage/{days(longest - 1)}?res={res}").status_code == 200
    assert ann.get(f"/api/usage/{days(longest + 1)}?res={res}").status_code == 400


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize(
    ("path", "queries"), [("/api/usage/apis/{}", 8), ("/api/activity/endpoint/{}", 8), ("/api/logs/{}", 7)]
)
def test_the_number_of_queries_is_the_same_for_any_number_of_rows(
    world: World, pour: Pour, rows: int, path: str, queries: int
) -> None:
    pour(fields(at=noon(), OrgID=world.acme.id, APIID=f"{number:032}") for number in range(rows))
    ann = machine_of(world.ann)
    ann.get("/api/users/me")
    with CaptureQueriesContext(connection) as captured:
        assert len(data(ann, path.format(days()))) == rows
    assert len(captured) == queries, [query["sql"] for query in captured]


TEXTS = st.one_of(st.sampled_from(SQL), st.text(st.characters(codec="utf-8", exclude_characters="/?#\\"), max_size=20))
PATHS = st.sampled_from(
    (
        "/api/usage/{}",
        "/api/usage/apis/{}",
        f"/api/usage/apis/{SHOP}/{{}}",
        "/api/activity/keys/{}",
        "/api/activity/errors/{}",
        "/api/activity/geo/{}",
        "/api/activity/endpoint/{}",
        "/api/logs/{}",
    )
)
QUERIES = st.dictionaries(
    st.sampled_from(
        ("p", "page_size", "res", "by", "sort", "api_id", "api_version", "tags", "key", "code", "errors", "org_id")
    ),
    TEXTS | st.integers().map(str),
    max_size=4,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=PATHS,
    parts=st.lists(st.integers(-1, 10**6).map(str) | TEXTS.filter(bool), min_size=6, max_size=6),
    query=QUERIES,
)
def test_whatever_stands_in_a_path_and_query_is_data(
    ann: Machine, path: str, parts: list[str], query: dict[str, str]
) -> None:
    check(ann, path.format("/".join(parts)), query)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=PATHS, query=QUERIES, name=TEXTS.filter(bool))
def test_whatever_stands_in_a_query_is_data(ann: Machine, path: str, query: dict[str, str], name: str) -> None:
    check(ann, path.format(days()), query)
    for before in ("usage/apis", "activity/keys", "activity/keys/aggregate", "activity/oauthid"):
        check(ann, f"/api/{before}/{name}/{days()}", query)


def check(machine: Machine, path: str, query: dict[str, str]) -> None:
    answer = machine.get(f"{quote(path, safe='/%')}?{urlencode(query)}")
    assert answer.status_code in (200, 400, 404), answer.content
    found = read(answer)
    if answer.status_code == 200:
        assert sum(row.get("hits", 1) for row in found["data"]) <= 9
        assert all(row["id"]["api_id"] != THEIRS for row in found["data"] if "id" in row)
