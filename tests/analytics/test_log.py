"""Requests one by one: what is found, how far a look goes, and what of a request is shown."""

import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.db.models import Q

from analytics.log import finding
from analytics.log.filters import Filters
from keys.services import create_key
from orgs import scope
from tests.analytics.conftest import Pour
from tests.analytics.shared import MARK, marked_requests_of, records_of, requests_of
from tests.analytics.traffic import fields
from tests.conftest import SiteClient, World, signed_in

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def served(world: World, pour: Pour) -> World:
    pour(requests_of(world.acme, count=130))
    pour(marked_requests_of(world.globex))
    return world


def found(client: SiteClient, query: str = "") -> list[tuple[str, int]]:
    """Return (what was requested, status) of each row of each page, from the newest on."""
    rows: list[tuple[str, int]] = []
    url = f"/analytics/requests/?{query}"
    while url:
        context = client.get(url).context
        rows += [(row["what"], row["status"]) for row in context["rows"]]
        url = context["older_url"] and f"/analytics/requests/{context['older_url']}"
    return rows


@pytest.mark.parametrize(
    ("query", "is_meant"),
    [
        ("", lambda one: True),
        ("status=errors", lambda one: one.status >= 400),
        ("status=4xx", lambda one: 400 <= one.status < 500),
        ("status=2xx", lambda one: one.status < 300),
        ("status=404", lambda one: one.status == 404),
        ("status=304", lambda one: one.status == 304),
        ("method=post", lambda one: one.method == "POST"),
        ("path=/orders/1", lambda one: one.path.startswith("/orders/1")),
        ("path=%25", lambda one: False),
        ("address=192.0.2.7", lambda one: True),
        ("address=192.0.2", lambda one: False),
        ("latency=40", lambda one: one.latency >= 40),
        ("status=5xx&method=GET", lambda one: one.status >= 500 and one.method == "GET"),
    ],
)  # fmt: skip
def test_filters_find_what_a_look_at_every_record_finds(served: World, query: str, is_meant: object) -> None:
    records = sorted(records_of(served.acme), key=lambda one: (one.at, one.id), reverse=True)
    expected = [(f"{one.method} {one.path}", one.status) for one in records if is_meant(one)]  # type: ignore[operator]
    assert found(signed_in(served.ann), query) == expected


def test_api_and_key_are_found_by_name_and_by_id(served: World) -> None:
    client, hash = signed_in(served.ann), f"{served.acme.id[:8]}{1:056}"
    assert len(found(client, f"api={served.acme.id}00000000")) > 0
    assert len(found(client, f"key={hash}")) > 0
    with scope.opened(scope.of(served.acme.id)):
        create_key(alias="Shop", has_all_apis=True)
    assert client.get("/analytics/requests/?key=sho").context["asked"]["errors"] == ()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        (f"api={MARK}-api", "There is no API"),
        (f"key={MARK}-hash", "There is no key"),
        ("status=nice", "is no status"),
        ("latency=-1", "is no latency"),
        ("latency=99999999999999", "is no latency"),
    ],
)
def test_filter_that_makes_no_sense_finds_nothing_and_says_why(served: World, query: str, sentence: str) -> None:
    context = signed_in(served.ann).get(f"/analytics/requests/?{query}").context
    assert context["rows"] == []
    assert sentence in context["asked"]["errors"][0]


def test_pages_lead_back_to_the_newest(served: World) -> None:
    client = signed_in(served.ann)
    first = client.get("/analytics/requests/").context
    second = client.get(f"/analytics/requests/{first['older_url']}").context
    third = client.get(f"/analytics/requests/{second['older_url']}").context
    back = client.get(f"/analytics/requests/{third['newer_url']}").context
    assert [len(page["rows"]) for page in (first, second, third)] == [50, 50, 30]
    assert third["older_url"] == ""
    assert back["rows"] == second["rows"]
    assert first["newer_url"] == ""


def test_a_look_ends_and_goes_on_from_there(world: World, pour: Pour) -> None:
    """Of ten requests the oldest alone is meant, and a look takes three."""
    start = datetime.now(UTC) - timedelta(hours=1)
    pour(
        fields(OrgID=world.acme.id, at=start + timedelta(minutes=n), Method="PUT" if n == 0 else "GET")
        for n in range(10)
    )
    meant = Filters(Q(), Q(method="PUT"), {}, ())
    looks, after = [], None
    with scope.opened(scope.of(world.acme.id)):
        while True:
            look = finding.look(meant, after=after, before=None, looks_at=3)
            looks.append((len(look.rows), look.looked_to is not None))
            after = look.older
            if after is None:
                break
    assert looks == [(0, True), (0, True), (0, True), (1, False)]


def test_request_is_shown_with_what_was_recorded_and_runs_nothing(world: World, pour: Pour) -> None:
    recorded = b64encode(f"POST / HTTP/1.1\r\n\r\n{SCRIPT}\0".encode()).decode()
    pour(
        [
            fields(
                OrgID=world.acme.id, UserAgent=SCRIPT, Path=f"/{SCRIPT}", RawRequest=recorded, RawResponse="not base64!"
            )
        ]
    )
    client = signed_in(world.ann)
    [href] = re.findall(
        r'href="([^"]*/analytics/requests/\d{8}T[^"]*)"', client.get("/analytics/requests/").content.decode()
    )
    text = client.get(unescape(href)).content.decode()
    assert f'/analytics/apis/{"a" * 32}/?span=7d"' in client.get(f"{href}?span=7d&status=2xx").content.decode()
    assert SCRIPT not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 3
    assert "POST / HTTP/1.1" in text
    assert "not base64!" in text
    assert signed_in(world.gus).get(href.replace("/o/acme", "")).status_code == 404
    assert client.get(href.replace("T", "T9")).status_code == 404


def test_pasted_secret_is_in_no_address(world: World, pour: Pour) -> None:
    with scope.opened(scope.of(world.acme.id)):
        key, token = create_key(alias="shop", has_all_apis=True)
    pour([fields(OrgID=world.acme.id, APIKey=key.hash)])
    client = signed_in(world.ann)
    answer = client.post("/analytics/requests/search/", {"key": token, "status": "200"})
    assert answer.headers["Location"] == f"/o/acme/analytics/requests/?status=200&key={key.pk}"
    assert len(client.get(answer.headers["Location"]).context["rows"]) == 1
    by_hand = client.get(f"/analytics/requests/?key={token}", follow=True)
    assert "rotate it" in by_hand.content.decode()
    assert (
        signed_in(world.gus)
        .post("/analytics/requests/search/", {"key": token})
        .headers["Location"]
        .endswith("requests/")
    )
