"""The pages of analytics: right numbers, nobody else's, whatever they are asked."""

import csv
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analytics import spans
from analytics.pages import frame
from keys.services import create_key, rotate_key
from orgs import scope
from tests.analytics.conftest import Pour
from tests.analytics.shared import MARK, PAGES, counted, marked_requests_of, records_of, requests_of
from tests.analytics.traffic import fields
from tests.conftest import SiteClient, World, signed_in
from tests.dashboard import rows

WEEK = "span=7d"


@pytest.fixture
def served(world: World, pour: Pour) -> World:
    pour(requests_of(world.acme))
    pour(marked_requests_of(world.globex))
    return world


def body(client: SiteClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return str(answer.content.decode())


def table(client: SiteClient, path: str) -> list[tuple[str, ...]]:
    """Return (name, count) of the page's first list, and of what is left beside it."""
    return [(row[1], row[5]) for row in client.get(path).context["tables"][0]["rows"]]


def test_overview_says_what_a_count_of_the_records_says(served: World) -> None:
    records = records_of(served.acme)
    context = signed_in(served.ann).get(f"/analytics/?{WEEK}").context
    errors = sum(record.status >= 400 for record in records)
    stats = {stat["label"]: stat["value"] for stat in context["stats"]}
    assert (stats["Requests"], stats["Error share"]) == (str(len(records)), f"{errors / len(records) * 100:.1f}%")
    by_api = [int(row[5]) for row in context["tables"][0]["rows"]]
    assert by_api == sorted(counted(records, "api").values(), reverse=True)
    assert [sum(int(row[5]) for row in table["rows"]) for table in context["tables"]] == [
        len(records), len(records), errors, len(records),
    ]  # fmt: skip


@pytest.mark.parametrize(("path", "column"), [("apis", "api"), ("keys", "key"), ("paths", "endpoint")])
def test_lists_are_a_count_of_the_records(served: World, path: str, column: str) -> None:
    found = counted(records_of(served.acme), column)
    shown = [int(count) for name, count in table(signed_in(served.ann), f"/analytics/{path}/?{WEEK}")]
    without = [found.pop(0)] if 0 in found else []
    assert shown == sorted(found.values(), reverse=True)[:100] + without


def test_series_is_the_same_in_the_file_as_on_the_page(served: World) -> None:
    client = signed_in(served.ann)
    lines = list(csv.DictReader(StringIO(body(client, f"/analytics/?{WEEK}&format=csv"))))
    found = json.loads(body(client, f"/analytics/?{WEEK}&format=json"))["rows"]
    assert [int(line["requests"]) for line in lines] == [row["requests"] for row in found]
    assert sum(row["requests"] for row in found) == len(records_of(served.acme))
    assert "418" in body(signed_in(served.gus), f"/analytics/errors/?{WEEK}&format=csv")


def test_file_of_paths_says_which_api_each_is_of(world: World, pour: Pour) -> None:
    pour(fields(OrgID=world.acme.id, APIID=api, APIName=api.title(), Path="/orders") for api in ("one", "two"))
    lines = csv.DictReader(StringIO(body(signed_in(world.ann), "/analytics/paths/?format=csv")))
    found = {(line["name"], line["api_id"], line["api"]) for line in lines}
    assert found == {("GET /orders", "one", "One"), ("GET /orders", "two", "Two")}


@pytest.mark.parametrize("length", spans.LENGTHS)
def test_every_page_shows_every_span(served: World, length: str) -> None:
    client = signed_in(served.ann)
    assert {path: client.get(f"{path}?span={length}").status_code for path in PAGES} == dict.fromkeys(PAGES, 200)


@pytest.mark.parametrize("format", ["", "csv", "json"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_of_another_organisation_is_on_a_page(served: World, path: str, format: str) -> None:
    page = f"{path}?{WEEK}&format={format}"
    assert path == "/analytics/countries/" or format or MARK in body(signed_in(served.gus), page)
    assert MARK not in body(signed_in(served.ann), page)
    errors = re.sub(r"<svg.*?</svg>", "", body(signed_in(served.ann), "/analytics/errors/"), flags=re.S)
    assert re.search(r"\b418\b", errors) is None


@pytest.mark.parametrize("path", [f"apis/{MARK}-api/", f"keys/?api={MARK}-api", f"paths/?api={MARK}-api",
                                  f"errors/?api={MARK}-api", "apis/nothing/", "keys/?api=nothing"])  # fmt: skip
def test_api_of_another_organisation_is_as_one_that_never_was(served: World, path: str) -> None:
    assert signed_in(served.ann).get(f"/analytics/{path}").status_code == 404
    if MARK in path:
        assert signed_in(served.gus).get(f"/analytics/{path}").status_code == 200


def test_visit_sees_the_organisation_and_nobody_else(served: World) -> None:
    client = signed_in(served.uma, prefix="/all/o/acme")
    assert all(MARK not in body(client, f"{path}?{WEEK}") for path in PAGES)
    assert "/all/o/acme/analytics/apis/" in body(client, f"/analytics/?{WEEK}")


def test_every_link_keeps_what_was_asked(served: World) -> None:
    asked = {"span": ["30d"], "zone": ["Asia/Kolkata"], "resolution": ["day"]}
    for path in PAGES:
        text = body(signed_in(served.ann), f"{path}?span=30d&zone=Asia/Kolkata&resolution=day")
        main = text[text.index('class="tabs"') :]
        links = [unescape(link) for link in re.findall(r'href="([^"]*(?:/analytics/|\?)[^"]*)"', main)]
        assert len(links) > 10
        for link in links:
            query = parse_qs(urlsplit(link).query)
            changed = {"span": query.get("span")} if "span=30d" not in link else {}
            assert {name: query.get(name) for name in asked} == asked | changed, (path, link)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("span=1y", "There is no span “1y”"),
        ("zone=Moon", "There is no time zone “Moon”"),
        ("resolution=week", "There are no steps of “week”"),
        ("from=x", "“x” is no time"),
        ("to=2026-01-01", "Say from when on as well."),
        ("from=2024-01-02&to=2024-01-01", "The end has to come after the beginning."),
        ("from=2098-01-01&to=2099-01-01", "The beginning has to lie in the past."),
        ("from=0001-01-01", "is too far away"),
        ("from=<script>", "“&lt;script&gt;” is no time"),
    ],
)
def test_what_makes_no_sense_is_answered_with_a_sentence(served: World, query: str, sentence: str) -> None:
    text = body(signed_in(served.ann), f"/analytics/?{query}")
    assert sentence in text
    assert 'aria-current="true">24h' in text


def test_day_that_is_the_end_is_the_whole_of_it(served: World) -> None:
    today = datetime.now(UTC).date()
    found = json.loads(body(signed_in(served.ann), f"/analytics/?from={today}&to={today}&format=json"))["rows"]
    expected = sum(record.at.date() == today for record in records_of(served.acme))
    assert sum(row["requests"] for row in found) == expected


HOSTILE = st.one_of(
    st.sampled_from(
        ["' OR 1=1 --", "%", "\0", "%00", "{}", "-1", "9" * 400, "1e400", "٣", "\ud83d", "../..", "Ünïcode"]
    ),
    st.text(max_size=40),
)
NAMES = (
    "span", "from", "to", "resolution", "zone", "api", "key", "status", "method", "path", "address", "latency",
    "after", "before", "format",
)  # fmt: skip


@given(query=st.dictionaries(st.sampled_from(NAMES), HOSTILE, max_size=6), page=st.sampled_from(PAGES))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_query_breaks_a_page_or_shows_another_organisation(served: World, query: dict[str, str], page: str) -> None:
    text = "&".join(f"{name}={quote(value, safe='', errors='replace')}" for name, value in query.items())
    answer = signed_in(served.ann).get(f"{page}?{text}")
    assert answer.status_code in (200, 302, 404)
    assert MARK not in answer.content.decode()


def one_of_each(world: World, number: int) -> dict[str, object]:
    return fields(
        OrgID=world.acme.id, APIID=f"api{number}", APIName=f"API {number}", APIKey=f"hash{number}",
        Alias=f"key {number}",
        Path=f"/path{chr(97 + number)}", Tags=[f"tag{number}"], OauthID=f"app{number}", country="DE",
        ResponseCode=500 + number,
    )  # fmt: skip


@pytest.mark.parametrize("page", [*PAGES, "/analytics/apis/api0/"])
def test_more_rows_need_no_more_queries(world: World, pour: Pour, page: str) -> None:
    client, numbers = signed_in(world.ann), []
    for some in ([0], [1, 2]):
        for number in some:
            rows.key(world.acme, f"of {number}")
        pour(one_of_each(world, number) for number in some)
        with CaptureQueriesContext(connection) as asked:
            body(client, page)
        numbers.append(len([one for one in asked if "analytics_" in one["sql"] or "keys_key" in one["sql"]]))
    assert numbers[0] == numbers[1]
    assert numbers[0] <= 8


def test_rotated_key_has_the_requests_of_both_its_secrets(world: World, pour: Pour) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, _ = create_key(alias="shop", has_all_apis=True)
        key, _ = rotate_key(key=key, revision=key.revision, grace=timedelta(days=1))
    hashes = [key.hash, key.hash, key.previous_hash]
    pour(fields(OrgID=world.acme.id, APIKey=hash) for hash in hashes)
    context = signed_in(world.ann).get(f"/analytics/keys/{key.pk}/").context
    assert context["stats"][0]["value"] == "3"
    assert [(row[1], row[5]) for row in context["tables"][1]["rows"]] == [("Secret", "2"), ("Previous secret", "1")]
    assert "Last used" in context["facts_line"]
    assert table(signed_in(world.ann), "/analytics/keys/") == [("shop", "2"), ("shop", "1")]
    use = signed_in(world.ann).get(f"/keys/{key.pk}/use/").context["stats"]
    assert [stat["value"] for stat in use[1:]] == ["3", "3", "3"]


def test_key_that_is_gone_is_listed_and_leads_to_its_requests(world: World, pour: Pour) -> None:
    pour(
        [
            fields(OrgID=world.acme.id, APIKey="0" * 64, Alias="once a shop"),
            fields(OrgID=world.acme.id, APIKey="1" * 64),
        ]
    )
    page = body(signed_in(world.ann), "/analytics/keys/")
    assert "once a shop" in page
    assert "111111111111…" in page
    assert f"/analytics/requests/?span=24h&amp;key={'0' * 64}" in page


def test_api_that_is_gone_still_has_its_page(world: World, pour: Pour) -> None:
    pour([fields(OrgID=world.acme.id, APIID="gone", APIName="Old shop")])
    page = body(signed_in(world.ann), "/analytics/apis/gone/")
    assert "Old shop" in page
    assert "This API is gone" in page


def test_api_shows_its_use_on_its_own_page(world: World, pour: Pour) -> None:
    api = rows.api(world.acme, "Shop")
    pour(
        [fields(OrgID=world.acme.id, APIID=api.api_id), fields(OrgID=world.acme.id, APIID=api.api_id, ResponseCode=500)]
    )
    stats = signed_in(world.ann).get(f"/apis/{api.pk}/use/").context["stats"]
    assert [(stat["value"], stat["note"]) for stat in stats[1:]] == [("2", "50% errors")] * 3
    assert signed_in(world.gus).get(f"/apis/{api.pk}/use/").status_code == 404


def test_file_runs_no_formula(world: World, pour: Pour) -> None:
    pour([fields(OrgID=world.acme.id, APIName="=HYPERLINK(1)", Path="/x", Alias="+1", APIKey="a" * 64, UserAgent="@x")])
    client = signed_in(world.ann)
    assert "'=HYPERLINK(1)" in body(client, "/analytics/apis/?format=csv")
    log = body(client, "/analytics/requests/?format=csv")
    assert all(text in log for text in ("'=HYPERLINK(1)", "'+1", "'@x"))


def test_organisation_without_requests_has_pages_too(world: World, close: Callable[[], None]) -> None:
    for path in PAGES:
        body(signed_in(world.ann), path)


def test_where_nothing_was_counted_a_page_says_what_has_to_happen(world: World, pour: Pour) -> None:
    client = signed_in(world.ann)
    for path in ("/analytics/", "/analytics/requests/"):
        assert frame.WHAT_COUNTS in body(client, path)
    assert "?span=12m" in client.get("/analytics/?from=2026-01-01").context["nothing"]["action_url"]
    pour([fields(OrgID=world.acme.id)])
    assert client.get("/analytics/").context["nothing"] is None


def test_nothing_before_is_no_number(world: World, pour: Pour) -> None:
    pour([fields(OrgID=world.acme.id)])
    stats = signed_in(world.ann).get("/analytics/").context["stats"]
    assert {stat["note"] for stat in stats} == {"nothing before"}


def test_what_narrows_another_page_is_told(served: World) -> None:
    """Errors are narrowed to an API, and not to a key."""
    api_id = signed_in(served.ann).get("/analytics/apis/").context["tables"][0]["rows"][0][0].split("/")[-2]
    page = body(signed_in(served.ann), f"/analytics/errors/?api={api_id}&key=x")
    assert frame.NOT_NARROWED["api"] not in page
    assert frame.NOT_NARROWED["key"] in page
