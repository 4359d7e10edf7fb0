"""The board as a page and a file: page by page, for who may read keys and analytics, and of one organisation alone."""

import csv
import re
from base64 import urlsafe_b64encode
from io import StringIO
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics.board import pages
from gateways import serving
from gateways.models import GatewayGroup
from gateways.outbox import QUOTA
from gateways.services import create_group
from keys.models import Key
from orgs import scope
from orgs.models import Organisation
from tests.analytics.board import BOARD, ago, groups, in_group, key, use
from tests.conftest import READS_EVERYTHING, SiteClient, World, signed_in, user

NAMES = ("expiring", "quota", "unused", "never", "broad")


def one_in_each(of: Organisation, number: int, valkey: redis.Redis) -> None:
    """Make a key of every group."""
    key(of, f"expiring {number}", expires_at=ago(-number - 1), days=1)
    use(of, key(of, f"unused {number}").hash, 200)
    key(of, f"never {number}")
    key(of, f"broad {number}", days=1, has_all_apis=True)
    valkey.set(f"{QUOTA}{key(of, f'quota {number}', quota_max=100, days=1).hash}", 90 + number)


def test_a_group_is_read_to_its_end_and_back(world: World) -> None:
    for number in range(120):
        key(world.acme, f"key {number}", days=300 - number)
    client, address, seen = signed_in(world.ann), f"{BOARD}?group=never", []
    assert client.get(BOARD).context["groups"][3]["all_url"].endswith("?group=never")
    while address:
        group = client.get(address).context["groups"][0]
        seen.append([row[1] for row in group["rows"]])
        address = f"{BOARD}{group['pager']['next_url']}" if group["pager"]["next_url"] else ""
    assert [alias for page in seen for alias in page] == [f"key {number}" for number in range(120)]
    assert [len(page) for page in seen] == [50, 50, 20]
    assert group["pager"]["text"] == "20 of 120"
    before = client.get(f"{BOARD}{group['pager']['previous_url']}").context["groups"][0]
    assert [row[1] for row in before["rows"]] == seen[1]


def test_quotas_are_read_to_their_end(world: World, group: GatewayGroup, valkey: redis.Redis) -> None:
    for number in range(60):
        valkey.set(f"{QUOTA}{key(world.acme, f'key {number}', quota_max=100, days=1).hash}", 150 - number)
    client = signed_in(world.ann)
    first = client.get(f"{BOARD}?group=quota").context["groups"][0]
    rest = client.get(f"{BOARD}{first['pager']['next_url']}").context["groups"][0]
    assert [row[1] for row in [*first["rows"], *rest["rows"]]] == [f"key {number}" for number in range(60)]


def test_a_cursor_that_nobody_wrote_breaks_nothing(world: World) -> None:
    client = signed_in(world.ann)
    for name in NAMES:
        for written in (
            "x",
            "{}",
            '["2026", 1]',
            '["2026-01-01", "\'--"]',
            '["\' OR 1=1 --", "x"]',
            '["\\u0000", "x"]',
        ):
            query = {"group": name, "after": urlsafe_b64encode(written.encode()).decode()}
            assert client.get(f"{BOARD}?{urlencode(query)}").status_code == 200, query


def test_a_group_that_is_none_is_not_found(world: World) -> None:
    assert signed_in(world.ann).get(f"{BOARD}?group=nothing").status_code == 404


@pytest.mark.parametrize("query", ["", *(f"?group={name}" for name in NAMES)])
def test_more_keys_need_no_more_queries(world: World, group: GatewayGroup, valkey: redis.Redis, query: str) -> None:
    client, numbers = signed_in(world.ann), []
    for some in ([0], [1, 2]):
        for number in some:
            one_in_each(world.acme, number, valkey)
        client.get(BOARD)
        with CaptureQueriesContext(connection) as asked:
            shown = client.get(f"{BOARD}{query}").context["groups"]
        numbers.append(len(asked))
        assert {len(one["rows"]) for one in shown} == {some[-1] + 1}
    assert numbers[0] == numbers[1]


def test_the_files_have_what_the_page_has(world: World, group: GatewayGroup, valkey: redis.Redis) -> None:
    one_in_each(world.acme, 0, valkey)
    client = signed_in(world.ann)
    lines = list(csv.DictReader(StringIO(client.get(f"{BOARD}?format=csv").content.decode())))
    assert [(line["group"], line["alias"]) for line in lines] == [(name, f"{name} 0") for name in NAMES]
    near = lines[1]
    assert (near["quota"], near["quota_used"], near["last_used"]) == ("100", "90", "")
    assert lines[2]["last_used"][:10] == f"{ago(200):%Y-%m-%d}"
    found = client.get(f"{BOARD}?group=broad&format=json").json()
    assert [(row["alias"], row["apis_opened"]) for row in found["rows"]] == [("broad 0", "all")]
    assert found["note"] == ""


def test_a_file_says_what_is_left_out_and_runs_no_formula(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "EXPORT_MOST", 2)
    for number in range(3):
        key(world.acme, f"=HYPERLINK({number})")
    lines = signed_in(world.ann).get(f"{BOARD}?format=csv").content.decode().splitlines()
    assert [line.split(",")[1] for line in lines[1:3]] == ["'=HYPERLINK(0)", "'=HYPERLINK(1)"]
    assert lines[3:] == ["Only the first 2 are here of: Never used."]


def test_who_may_not_read_keys_or_analytics_is_refused(world: World) -> None:
    key(world.acme, "never")
    for missing in ("keys", "analytics"):
        permissions = READS_EVERYTHING | {missing: ""}
        person = user(f"no-{missing}@acme.example", world.acme, permissions=permissions)
        client = signed_in(person)
        assert client.get(BOARD).status_code == 403
        assert client.get(f"{BOARD}?group=never&format=csv").status_code == 403
        for page in ("/keys/", "/analytics/keys/"):
            assert BOARD not in client.get(page).content.decode()
    assert signed_in(world.al).get(BOARD).status_code == 200
    for page in ("/keys/", "/analytics/keys/"):
        assert f"/o/acme{BOARD}" in signed_in(world.al).get(page).content.decode()


def test_nothing_of_another_organisation_is_on_the_board(
    world: World, group: GatewayGroup, valkey: redis.Redis
) -> None:
    """Globex has keys with the same secrets' hashes and aliases, and traffic that would move acme's between groups."""
    theirs, ours = ([twin(of, number) for number in (0, 1)] for of in (world.globex, world.acme))
    assert theirs == ours
    client = signed_in(world.ann)
    assert groups(client)["Never used"] == ["twin 0", "twin 1"]
    use(world.globex, ours[0], 200)
    use(world.globex, ours[1], 1)
    assert groups(client)["Never used"] == ["twin 0", "twin 1"]
    assert in_group(client, "unused") == []
    use(world.acme, ours[0], 200)
    use(world.acme, ours[1], 1)
    assert in_group(client, "unused") == ["twin 0"]
    assert in_group(client, "never") == []
    text = "".join(client.get(f"{BOARD}{query}").content.decode() for query in ("", "?format=csv", "?format=json"))
    assert all(id not in text for id in ids_of(world.globex))
    assert ids_of(world.acme)[0] in text
    list_of_keys = client.get("/keys/").content.decode()
    assert ["200 days ago" in list_of_keys, "1 day ago" in list_of_keys] == [True, True]
    key_id = ids_of(world.globex)[0]
    assert client.get(f"/keys/{key_id}/use/").status_code == 404


def twin(of: Organisation, number: int) -> str:
    """Make a key whose hash another organisation's has too; return it."""
    made = key(of, f"twin {number}")
    with scope.opened(scope.of(of.id)):
        Key.objects.filter(pk=made.pk).update(hash=f"{number:064}")
    return f"{number:064}"


def ids_of(of: Organisation) -> list[str]:
    with scope.opened(scope.of(of.id)):
        return list(Key.objects.order_by("id").values_list("id", flat=True))


def test_a_visit_sees_the_organisations_board(world: World) -> None:
    key(world.acme, "ours")
    key(world.globex, "theirs")
    client = signed_in(world.uma, prefix="/all/o/acme")
    assert groups(client)["Never used"] == ["ours"]
    assert "/all/o/acme/keys/" in client.get(BOARD).content.decode()


def test_the_board_needs_no_javascript(world: World) -> None:
    """All that one can do on it are links with an address."""
    for number in range(11):
        key(world.acme, f"never {number}")
    text = signed_in(world.ann).get(BOARD).content.decode()
    main = text[text.index("<main") : text.index("</main>")]
    assert re.findall(r"<(?:form|button|script|input)\b", main) == []
    links = re.findall(r'<a\b[^>]*href="([^"]+)"', main)
    assert len(links) == main.count("<a ")
    assert {name for link in links for name in parse_qs(urlsplit(link).query).get("group", [])} == set(NAMES)


def last_used(client: SiteClient, alias: str) -> str:
    text = client.get("/keys/").content.decode()
    [row] = [row for row in text.split("<tr>") if f'/">{alias}</a>' in row]
    found = re.search(r'data-label="Last used" class="when">([^<]*)<', row)
    return found[1] if found else "no such column"


def test_the_list_of_keys_says_when_each_was_used_last(world: World) -> None:
    made = key(world.acme, "rotated", previous_hash="before")
    use(world.acme, made.hash, 200, 40)
    use(world.acme, "before", 3)
    use(world.acme, key(world.acme, "today").hash, 5, 0)
    key(world.acme, "idle")
    client = signed_in(world.al)
    assert [last_used(client, alias) for alias in ("rotated", "idle")] == ["3 days ago", "never"]
    assert re.fullmatch(r"now|\d+ s ago", last_used(client, "today"))
    without = user("no@acme.example", world.acme, permissions=READS_EVERYTHING | {"analytics": ""})
    assert last_used(signed_in(without), "rotated") == "no such column"


def test_the_tab_use_says_how_much_of_its_quota_a_key_has_used(
    world: World, group: GatewayGroup, valkey: redis.Redis
) -> None:
    near, free = key(world.acme, "near", quota_max=10_000), key(world.acme, "free")
    valkey.set(f"{QUOTA}{near.hash}", 1_234)
    client = signed_in(world.ann)
    quota = client.get(f"/keys/{near.pk}/use/").context["quota"]
    assert (quota["value"], quota["note"]) == ("12%", "1,234 of 10,000 in this window")
    assert "Quota used" not in client.get(f"/keys/{free.pk}/use/").content.decode()
    create_group(name="Away", organisation_ids=[world.acme.id], redis_url="redis://127.0.0.1:1/0")
    serving.write_out()
    assert "The counters of quotas cannot be read now" in client.get(f"/keys/{near.pk}/use/").content.decode()
    assert "cannot be read" not in client.get(f"/keys/{free.pk}/use/").content.decode()
