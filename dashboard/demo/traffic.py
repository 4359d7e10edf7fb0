"""Weeks of requests to the demo's APIs: more by day than by night, few keys with most, an API that fails for hours."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from analytics.decoding import Country, Geo, Latency, Raw
from analytics.ingest.writing import Writer
from dashboard.demo.content import DemoOrganisation
from gateways import serving
from gateways.models import Serving
from keys.models import KeyAccess
from orgs import scope
from portal.models import KeyRequest

LENGTH = timedelta(days=min(28, settings.RECORD_DAYS - 1))
FAILS_FOR = timedelta(hours=5)
REQUESTS_OF_A_KEY = 80
PATHS = ("GET /", "GET /{}", "GET /{}", "GET /search", "POST /", "PUT /{}", "GET /{}/history")
ANSWERS = {"GET": (200, 200, 200, 304), "POST": (201, 202), "PUT": (200, 204)}
REFUSED, FAILED = (400, 401, 403, 404, 404, 429, 500), (502, 503, 504)
COUNTRIES = (*["GB"] * 5, *["DE"] * 3, "IE", "FR", "US", "")
AGENTS = ("okhttp/4.12.0", "python-requests/2.32.3", "Go-http-client/2.0", "axios/1.7.9")


class Caller(NamedTuple):
    """A key with an API that it opens."""

    hash: str
    alias: str
    api_id: str
    api_name: str


def make_traffic(organisation_id: str, demo: DemoOrganisation) -> int:
    """Write them as a pump would; return how many. Without gateways that serve the organisation there are none."""
    serving.write_out()
    random = Random(demo.slug)  # noqa: S311 - no secret
    with scope.opened(scope.of(organisation_id)):
        group_ids = list(Serving.objects.order_by("group_id").values_list("group_id", flat=True)[:1])
        callers = callers_of(random)
    if not group_ids or not callers:
        return 0
    count = demo.key_count * REQUESTS_OF_A_KEY
    with scope.opened(scope.INTAKE):
        return Writer().write(group_ids, requests_of(organisation_id, callers, count, random)).written


def callers_of(random: Random) -> list[Caller]:
    """Return them in a random order, without every fourth: some keys are never used. Developers' keys are near the
    beginning, where the most requests are, so that each of them has a chart.
    """
    usable = KeyAccess.objects.filter(key__is_disabled=False, key__revoked_at=None).order_by("key_id", "api_id")
    found = [Caller(*row) for row in usable.values_list("key__hash", "key__alias", "api__api_id", "api__name")]
    hashes = sorted({caller.hash for caller in found})
    idle = set(random.sample(hashes, len(hashes) // 4))
    found = [caller for caller in found if caller.hash not in idle]
    random.shuffle(found)
    return [*found[:1], *callers_of_developers(), *found[1:]]


def callers_of_developers() -> list[Caller]:
    usable = KeyRequest.objects.filter(key__is_disabled=False, key__revoked_at=None, plan__entry__api__isnull=False)
    columns = ("key__hash", "key__alias", "plan__entry__api__api_id", "plan__entry__api__name")
    return [Caller(*row) for row in usable.order_by("key__alias", "key_id").values_list(*columns)]


def requests_of(organisation_id: str, callers: Sequence[Caller], count: int, random: Random) -> Iterator[Raw]:
    now = timezone.now()
    failing, fails_from = callers[0].api_id, now - timedelta(hours=30)
    for _ in range(count):
        caller = callers[int(len(callers) ** random.random()) - 1]
        at = moment(now, random)
        fails = caller.api_id == failing and fails_from < at < fails_from + FAILS_FOR and random.random() < 0.4
        method, _, path = random.choice(PATHS).partition(" ")
        status = random.choice(ANSWERS[method])
        if fails or random.random() < 0.02:
            status = random.choice(FAILED if fails else REFUSED)
        upstream = int(random.lognormvariate(3 + int(caller.api_id[:2], 16) / 170, 0.6)) * (8 if fails else 1)
        yield Raw(
            organisation_id=organisation_id, at=at, api_id=caller.api_id, api_name=caller.api_name, key=caller.hash,
            alias=caller.alias, method=method, path=path.format(random.randrange(10_000)), status=status,
            host="api.example", latency=Latency(upstream + 2, upstream), size=random.randrange(200, 9_000),
            address=f"192.0.2.{random.randrange(1, 250)}", geo=Geo(Country(random.choice(COUNTRIES))),
            agent=random.choice(AGENTS),
        )  # fmt: skip


def moment(now: datetime, random: Random) -> datetime:
    """Return a moment of the last weeks, most likely by day and during the week."""
    while True:
        at = now - LENGTH * random.random()
        busy = (1 - abs(at.hour - 13) / 14) * (0.4 if at.weekday() >= 5 else 1)
        if random.random() < busy:
            return at
