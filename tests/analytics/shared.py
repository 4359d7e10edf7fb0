"""Requests of acme and globex that cannot be told from each other by their shape, but by their words."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics.models import Record
from orgs import scope
from orgs.models import Organisation
from tests.analytics.traffic import traffic

# In everything of globex's that a page could show.
MARK = "globexes"
PAGES = (
    "/analytics/", "/analytics/apis/", "/analytics/keys/", "/analytics/paths/", "/analytics/errors/",
    "/analytics/countries/", "/analytics/tags/", "/analytics/oauth-clients/", "/analytics/requests/",
)  # fmt: skip


def requests_of(
    organisation: Organisation, *, count: int = 400, days: float = 2, **given: Any
) -> Iterator[dict[str, Any]]:
    end = datetime.now(UTC)
    for record in traffic(organisation.id, count=count, start=end - timedelta(days=days), end=end):
        yield record | given


def marked_requests_of(globex: Organisation, *, count: int = 100) -> Iterator[dict[str, Any]]:
    for number, record in enumerate(requests_of(globex, count=count)):
        yield record | {
            "APIID": f"{MARK}-api", "APIName": f"{MARK} API", "APIKey": f"{MARK}-hash", "Alias": f"{MARK} alias",
            "Path": f"/{MARK}", "Tags": [MARK], "OauthID": MARK, "Host": MARK, "UserAgent": MARK,
            "ResponseCode": 418 if number % 2 else 200, "APIVersion": MARK,
        }  # fmt: skip


def records_of(organisation: Organisation) -> list[Record]:
    with scope.opened(scope.of(organisation.id)):
        return list(Record.objects.all())


def counted(records: list[Record], name: str) -> Counter[Any]:
    return Counter(getattr(record, name) for record in records)
