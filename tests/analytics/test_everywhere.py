"""What unbounded users see of all organisations together."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.analytics.conftest import Pour
from tests.analytics.shared import records_of, requests_of
from tests.analytics.traffic import fields
from tests.conftest import World, organisation, signed_in

SECRET = "a body that was recorded"


def test_organisations_are_beside_each_other_with_their_own_numbers(world: World, pour: Pour) -> None:
    pour(requests_of(world.acme, count=90))
    pour(requests_of(world.globex, count=40))
    context = signed_in(world.uma).get("/analytics/?span=7d").context
    shown = {row[1]: row[5] for row in context["tables"][0]["rows"]}
    assert shown == {"Acme": str(len(records_of(world.acme))), "Globex": str(len(records_of(world.globex)))}
    assert context["stats"][0]["value"] == str(len(records_of(world.acme)) + len(records_of(world.globex)))


def test_overview_has_the_last_day_of_each(world: World, pour: Pour) -> None:
    now = datetime.now(UTC)
    pour(fields(OrgID=world.acme.id, at=now, ResponseCode=code) for code in (200, 200, 500, 404))
    pour([fields(OrgID=world.globex.id, at=now)])
    client = signed_in(world.uma)
    assert [(row[2], row[12], row[14]) for row in client.get("/?sort=-requests").context["rows"]] == [
        ("acme", "4", "50%"), ("globex", "1", "0%"),
    ]  # fmt: skip
    assert [row[2] for row in client.get("/?sort=errors").context["rows"]] == ["globex", "acme"]
    assert "acme,Acme,2,0,0,0,,active,4,0.5" in client.get("/organisations.csv").content.decode()


@pytest.mark.parametrize("path", ["/", "/analytics/", "/analytics/dead-letters/"])
def test_more_organisations_need_no_more_queries(world: World, pour: Pour, path: str) -> None:
    client, numbers = signed_in(world.uma), []
    for slugs in (["one"], ["two", "three"]):
        for slug in slugs:
            made = organisation(slug)
            pour([fields(OrgID=made.id), fields(OrgID=world.acme.id)])
        with CaptureQueriesContext(connection) as asked:
            assert client.get(path).status_code == 200
        numbers.append(len(asked))
    assert numbers[0] == numbers[1]


def test_dead_letters_say_why_and_whose_they_say_they_are(world: World, pour: Pour) -> None:
    other = organisation("unserved")
    pour([fields(OrgID=other.id, RawRequest=SECRET), fields(OrgID="f" * 24, UserAgent="<script>"), b"\x0a"])
    answer = signed_in(world.uma).get("/analytics/dead-letters/")
    rows = {(row["claimed"], row["group"], row["count"]) for row in answer.context["rows"]}
    assert rows == {("Unserved", "Gateways", "1"), ("f" * 24, "Gateways", "1"), ("", "Gateways", "1")}
    text = answer.content.decode()
    assert SECRET not in text
    assert "<script>" not in text
    assert signed_in(world.uma).get("/analytics/dead-letters/?after=x%00").status_code == 200


def test_no_organisation_has_pages_of_everybody(world: World) -> None:
    for path in ("/all/analytics/", "/all/analytics/dead-letters/"):
        assert signed_in(world.ann, prefix="/all").get(path).status_code == 302
