"""From what is counted one gets to the requests that were counted, and they are as many."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.analytics.conftest import Pour
from tests.analytics.traffic import fields
from tests.conftest import World, signed_in
from tests.dashboard import rows

SHOP = "5" * 32


@pytest.mark.parametrize("query", ["", "?span=7d", "?from=2026-01-01&zone=Asia/Kolkata"])
@pytest.mark.parametrize("page", ["", "errors/", f"apis/{SHOP}/", "keys/", "paths/"])
def test_what_is_counted_leads_to_as_many_requests(world: World, pour: Pour, page: str, query: str) -> None:
    """Also where nobody chose a span: three days ago is not in the last 24 hours."""
    days = [datetime.now(UTC) - timedelta(days=days, minutes=1) for days in (0, 0, 3)]
    shared = {"OrgID": world.acme.id, "APIID": SHOP, "APIKey": "0" * 64, "ResponseCode": 500}
    pour(fields(at=at, Path="/orders", **shared) for at in days)
    pour([fields(**{**shared, "ResponseCode": 200}, at=days[-1], Path="/carts")])
    client = signed_in(world.ann)
    context = client.get(f"/analytics/{page}{query}").context
    found = [(row[0], row[5]) for shown in context["tables"] for row in shown["rows"]]
    found += [(row[0], row[5]) for row in context.get("codes", {"rows": ()})["rows"]]
    counts = [(count, len(client.get(own_path(href)).context["rows"])) for href, count in found if "/requests/" in href]
    assert counts
    assert [(count, str(rows)) for count, rows in counts if count != str(rows)] == []


def test_failing_path_leads_to_its_errors_alone(world: World, pour: Pour) -> None:
    codes = (200, 404, 500)
    pour(fields(OrgID=world.acme.id, APIID=SHOP, Path="/orders", ResponseCode=code) for code in codes)
    client = signed_in(world.ann)
    for page in ("", "errors/", f"apis/{SHOP}/"):
        tables = client.get(f"/analytics/{page}").context["tables"]
        [failing] = [shown for shown in tables if shown["title"] == "Failing paths"]
        [row] = failing["rows"]
        assert (row[5], {one["status"] for one in client.get(own_path(row[0])).context["rows"]}) == ("2", {404, 500})


@pytest.mark.parametrize(("typed", "chosen"), [("{id}", "Shop"), ("shop", "Shop"), ("nothing", "")])
def test_log_leads_to_errors_of_its_api_however_that_was_named(
    world: World, pour: Pour, typed: str, chosen: str
) -> None:
    api = rows.api(world.acme, "Shop")
    pour([fields(OrgID=world.acme.id, APIID=api.api_id)])
    client = signed_in(world.ann)
    log = client.get(f"/analytics/requests/?api={typed.format(id=api.api_id)}").context
    [errors] = [href for label, href, _ in log["tabs"] if label == "Errors"]
    answer = client.get(own_path(errors))
    assert answer.status_code == 200
    assert (answer.context["chosen"] or {"name": ""})["name"] == chosen


def own_path(href: str) -> str:
    return href.removeprefix("/o/acme")
