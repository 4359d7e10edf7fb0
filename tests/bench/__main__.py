"""`make bench`: figures as ratios, both sides of each measured in turn, request by request, in one run."""

import argparse
import json
import os
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Callable
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

BASE_DIR = Path(__file__).resolve().parent.parent.parent
VAR_DIR = Path(os.environ.setdefault("VAR_DIR", str(BASE_DIR / "var" / "bench")))
os.environ["DJANGO_SETTINGS_MODULE"] = "dashboard.settings"
os.environ["LOG_LEVEL"] = "ERROR"

from dashboard import embedded, secret_settings
from tests.bench import gateways, over_http
from tests.bench.seed import LARGEST, MIDDLING, WIDE, WIRE, seed, seed_definitions

DOCUMENT = BASE_DIR.parent / "shared" / "data" / "openapi" / "digitalocean.com.json"
PARTS = ["pages", "portal", "http", "gateways", "analytics"]
SEARCHES = (
    ("keys", "q=production"), ("keys", "q=mob"), ("keys", "q=mobile+production"), ("keys", "q=4242"), ("keys", "q=nothing"),
    ("keys", "q=%23team-7"), ("keys", "tag=team-7"), ("keys", f"api={7:024x}"), ("keys", "state=active"),
    ("keys", "state=expiring"), ("keys", "state=expired"), ("keys", "state=disabled"), ("keys", "state=revoked"),
    ("keys", "state=expired&q=mobile"), ("keys", "sort=alias"), ("keys", "sort=-alias"), ("keys", "sort=oldest"),
    ("apis", "q=payments"), ("apis", "q=payments+partner"), ("apis", "tag=region-1"), ("apis", "state=inactive"),
    ("apis", "authentication=keyless"), ("apis", "sort=name"), ("apis", "sort=path"),
)  # fmt: skip


class Worker:
    def __init__(self, kind: str, database_url: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.bench.worker", kind],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "DATABASE_URL": database_url},
            cwd=BASE_DIR,
        )

    def __call__(self, name: str, *arguments: Any) -> float:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps([name, *arguments]) + "\n")
        self.process.stdin.flush()
        return float(json.loads(self.process.stdout.readline()))


Action = Callable[[], float]


def paired(one: Action, other: Action, *, rounds: int) -> tuple[float, float, float]:
    """Return the median of the ratios one/other, and both medians in milliseconds; the order changes each round."""
    for _ in range(max(3, rounds // 10)):
        one(), other()
    pairs = [(one(), other()) if turn % 2 else (other(), one())[::-1] for turn in range(rounds)]
    ratio = median(first / second for first, second in pairs)
    return ratio, median(first for first, _ in pairs) * 1000, median(second for _, second in pairs) * 1000


def say(what: str, ratio: float, most: float, detail: str) -> None:
    verdict = "  " if ratio <= most else "> "
    print(f"{verdict}{what:<58} {ratio:8.2f}   at most {most:<6} {detail}", flush=True)


def say_least(what: str, ratio: float, least: float, detail: str) -> None:
    verdict = "  " if ratio >= least else "> "
    print(f"{verdict}{what:<58} {ratio:8.2f}  at least {least:<6} {detail}", flush=True)


def compare(what: str, one: Action, other: Action, *, most: float, rounds: int) -> None:
    ratio, first, second = paired(one, other, rounds=rounds)
    say(what, ratio, most, f"{first:.2f} ms / {second:.2f} ms")


def page_before_the_oldest() -> str:
    """The query string of the last page of a list: what comes, backwards, from before every row."""
    cursor = urlsafe_b64encode(json.dumps(["1970-01-01T00:00:00+00:00", ""]).encode()).decode()
    return f"?sort=newest&before={cursor}"


def measure(walls: Worker, hand_filtered: Worker, bare: Worker, rounds: int) -> None:
    for name, slug in (("middling", MIDDLING), ("largest", LARGEST)):
        for url in ("/keys/", "/apis/"):
            for without, baseline in (("walls", hand_filtered), ("walls and transaction", bare)):
                compare(
                    f"{url} of the {name} organisation, with / without {without}",
                    lambda slug=slug, url=url: walls("page", slug, url),  # type: ignore[misc]
                    lambda slug=slug, url=url, baseline=baseline: baseline("page", slug, url),  # type: ignore[misc]
                    most=1.05,
                    rounds=rounds,
                )
    owned = {"keys": "100 thousand keys", "apis": "2 thousand APIs"}
    for kind, query in SEARCHES:
        compare(
            f"/{kind}/?{query}, rows and count, with / without walls",
            lambda kind=kind, query=query: walls("rows", LARGEST, kind, query),  # type: ignore[misc]
            lambda kind=kind, query=query: hand_filtered("rows", LARGEST, kind, query),  # type: ignore[misc]
            most=1.5,
            rounds=max(10, rounds // 5),
        )
        read = walls("plan", LARGEST, kind, query)
        say("    most rows that a step of its plan reads, in thousands", read / 1000, 50, f"of {owned[kind]}")
    deepest = page_before_the_oldest()
    compare(
        "/keys/ of the largest: the deepest page / the first",
        lambda: walls("page", LARGEST, f"/keys/{deepest}"),
        lambda: walls("page", LARGEST, "/keys/"),
        most=1.2,
        rounds=rounds,
    )
    for url in ("/keys/", "/apis/"):
        compare(
            f"{url}, 50 rows / a bare view of constant bytes",
            lambda url=url: walls("page", LARGEST, url),  # type: ignore[misc]
            lambda: walls("bare_view"),
            most=25,
            rounds=rounds,
        )
        say(f"{url}: statements, with BEGIN and COMMIT", walls("statements", LARGEST, url), 8, "")
    compare(
        "creating a key by the service / a bare insert of one row",
        lambda: walls("create_key", MIDDLING),
        lambda: bare("insert_row", MIDDLING),
        most=3,
        rounds=rounds,
    )
    if DOCUMENT.exists():
        say(
            "importing an OpenAPI document of 1 MB, in seconds",
            median(walls("import_document", MIDDLING, str(DOCUMENT)) for _ in range(3)),
            2,
            "",
        )
    else:
        print(f"  {DOCUMENT} is missing: the import is not measured")
    say("resident memory of a web process after all this, in MB", walls("resident_mb"), 150, "")


def superuser_url() -> str:
    web, _ = embedded.database_urls(VAR_DIR)
    return web.replace("commonhold_web", "postgres")


def superuser() -> "psycopg.Connection[tuple[object, ...]]":
    from django.db import connection

    return psycopg.connect(host=str(connection.settings_dict["HOST"]), user="postgres", dbname="commonhold")


def give_room() -> None:
    """Give PostgreSQL what one gives it where this much is kept: by itself it takes an eighth of this memory."""
    with superuser() as connection:
        connection.autocommit = True
        if connection.execute("SHOW shared_buffers").fetchone() == ("1GB",):
            return
        connection.execute("ALTER SYSTEM SET shared_buffers = '1GB'")
        connection.execute("ALTER SYSTEM SET max_wal_size = '6GB'")
    embedded.stop(VAR_DIR)
    embedded.start(VAR_DIR)


def prepare(organisations: int, apis: int, keys: int) -> None:
    """Start the bench's own database, and fill it the first time."""
    import django

    secret_settings.generate_missing()
    embedded.start(VAR_DIR)
    django.setup()
    give_room()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with superuser() as connection:
        if not connection.execute("SELECT 1 FROM orgs_organisation LIMIT 1").fetchone():
            print("Filling the database: this takes some minutes, once.", flush=True)
            seed(connection, organisations=organisations, apis=apis, keys=keys)
        if not connection.execute("SELECT 1 FROM orgs_organisation WHERE slug = %s", [WIDE]).fetchone():
            seed_definitions(connection)


def measure_over_http(rounds: int) -> None:
    tokens, api_ids = machines(WIRE, WIDE, MIDDLING, LARGEST)
    with TemporaryDirectory() as scratch:
        over_http.measure(tokens, api_ids, superuser_url(), say, say_least, rounds, Path(scratch))


def measure_gateways(rounds: int) -> None:
    with TemporaryDirectory() as scratch, superuser() as server:
        gateways.measure(server, VAR_DIR, say, say_least, rounds, Path(scratch))


def measure_portal(web: str, rounds: int) -> None:
    from tests.bench import portal

    portal.seed(DOCUMENT)
    portal.measure(Worker("walls", web), compare, say, rounds, DOCUMENT)


def measure_analytics(web: str, rounds: int) -> None:
    from tests.bench import analytics

    with TemporaryDirectory(dir=VAR_DIR) as scratch, superuser() as server:
        analytics.measure_pages(server, Worker("walls", web), say, rounds, Path(scratch))
        analytics.measure_ingest(server, VAR_DIR, say, say_least)


def machines(*slugs: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return an administrator's access key and the `api_id` of an API of each organisation."""
    from apis.models import Api
    from orgs import scope
    from orgs.models import Organisation
    from users.models import User
    from users.services.access_keys import create_access_key

    tokens, api_ids = {}, {}
    for slug in slugs:
        with scope.opened(scope.EVERYTHING):
            organisation = Organisation.objects.get(slug=slug)
        with scope.opened(scope.of(organisation.id)):
            user = User.objects.filter(email="machine@commonhold.example").first()
            user = user or User.objects.create(
                email="machine@commonhold.example", name="Machine", organisation=organisation, is_administrator=True
            )
            _, tokens[slug] = create_access_key(user=user, label="bench")
            api_ids[slug] = Api.objects.values_list("api_id", flat=True)[0]
    return tokens, api_ids


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--organisations", type=int, default=1_000)
    parser.add_argument("--apis", type=int, default=20_000)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--only", choices=PARTS, help="leave the other parts out")
    options = parser.parse_args()
    prepare(options.organisations, options.apis, options.keys)
    try:
        web, _ = embedded.database_urls(VAR_DIR)
        print(f"{date.today()}: {options.organisations:,} organisations, {options.apis:,} APIs, {options.keys:,} keys")
        if options.only in (None, "pages"):
            workers = Worker("walls", web), Worker("filter", superuser_url()), Worker("bare", superuser_url())
            measure(*workers, options.rounds)
        if options.only in (None, "portal"):
            measure_portal(web, options.rounds)
        if options.only in (None, "http"):
            measure_over_http(max(3, options.rounds // 40))
        if options.only in (None, "gateways"):
            measure_gateways(max(3, options.rounds // 40))
        if options.only in (None, "analytics"):
            measure_analytics(web, max(3, options.rounds // 40))
    finally:
        embedded.stop(VAR_DIR)


if __name__ == "__main__":
    main()
