from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from orgs import scope
from orgs.domains import services as domains
from orgs.models import Domain, Organisation
from tests.conftest import World, organisation, signed_in, user
from tests.dashboard import rows
from tests.portal.shared import make_developer, open_shop


def shown(world: World, query: str = "") -> list[tuple[Any, ...]]:
    """Return (slug, users, APIs, active keys, expiring keys, last action, state) of each row."""
    response = signed_in(world.uma).get(f"/{query}")
    return [(row[2], *row[4:10]) for row in response.context["rows"]]


def fill_portal(of: Organisation) -> None:
    """A portal that is on with two developers, one proven domain and two that are not."""
    open_shop(of)
    with scope.opened(scope.of(of.id)):
        make_developer("second@example.com")
        domains.vouch(host="portal.acme.example", purpose=Domain.Purpose.PORTAL)
        for host in ("apis.acme.example", "www.acme.example"):
            domains.claim_domain(host=host, purpose=Domain.Purpose.DASHBOARD)


def fill(world: World) -> None:
    now = timezone.now()
    rows.api(world.acme, "Pets")
    rows.key(world.acme, "lasting")
    rows.key(world.acme, "soon", expires_at=now + timedelta(days=29))
    rows.key(world.acme, "later", expires_at=now + timedelta(days=31))
    rows.key(world.acme, "expired", expires_at=now - timedelta(days=1))
    rows.key(world.acme, "disabled", is_disabled=True, expires_at=now + timedelta(days=1))
    rows.key(world.acme, "revoked", revoked_at=now, expires_at=now + timedelta(days=1))
    rows.key(world.globex, "theirs")


def test_each_organisation_has_its_own_numbers(world: World) -> None:
    fill(world)
    by_ann = rows.entry(world.ann)
    rows.entry(world.al)
    assert shown(world) == [
        ("acme", 2, 1, 3, 1, f"{by_ann.at:%Y-%m-%d %H:%M}", "active"),
        ("globex", 1, 0, 1, 0, "never", "active"),
    ]


def test_each_organisation_has_its_own_portal_and_domains(world: World) -> None:
    fill_portal(world.acme)
    client = signed_in(world.uma)
    table = {row[2]: row[15:] for row in client.get("/").context["rows"]}
    assert table == {"acme": ("2", "portal on", "1", "2 unproven"), "globex": ("0", "portal off", "0", "")}
    lines = [line.split(",") for line in client.get("/organisations.csv").content.decode().splitlines()[1:]]
    assert {line[1]: line[-4:] for line in lines} == {"acme": ["2", "on", "1", "2"], "globex": ["0", "off", "0", "0"]}


COLUMNS = ["users", "apis", "keys", "expiring", "developers", "domains", "last", "state", "name"]


@pytest.mark.parametrize("sort", COLUMNS)
def test_every_column_sorts_both_ways(world: World, sort: str) -> None:
    fill(world)
    fill_portal(world.acme)
    rows.entry(world.ann)
    with scope.opened(scope.of(world.acme.id)):
        Organisation.objects.update(is_suspended=True)
    up, down = shown(world, f"?sort={sort}"), shown(world, f"?sort=-{sort}")
    expected = ["acme", "globex"] if sort == "name" else ["globex", "acme"]
    assert ([row[0] for row in up], [row[0] for row in down]) == (expected, expected[::-1])


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("q=ACM", ["acme"]),
        ("q=glo", ["globex"]),
        ("q=%25", []),
        ("q=%00", ["acme", "globex"]),
        ("state=active", ["acme", "globex"]),
        ("state=suspended", []),
    ],
)
def test_organisations_are_narrowed(world: World, query: str, slugs: list[str]) -> None:
    assert [row[0] for row in shown(world, f"?{query}")] == slugs


def test_a_page_has_fifty_organisations_and_leads_to_the_next(world: World) -> None:
    for number in range(50):
        organisation(f"more-{number:02}")
    client = signed_in(world.uma)
    first, second = client.get("/").context, client.get("/?after=50").context
    assert (len(first["rows"]), first["pager"]["next_url"], first["pager"]["previous_url"]) == (
        50,
        "?after=50",
        None,
    )
    assert [row[2] for row in second["rows"]] == ["more-48", "more-49"]
    assert second["pager"]["text"] == "2 of 52"


@pytest.mark.parametrize("query", ["?after=x", "?after=-1", "?sort=password", "?after=99999999999999999999"])
def test_a_query_that_nobody_wrote_is_as_none(world: World, query: str) -> None:
    assert [row[0] for row in shown(world, query)] == ["acme", "globex"]


def test_numbers_lead_to_the_lists_that_they_count(world: World) -> None:
    page = signed_in(world.uma).get("/").content.decode()
    for path in ("users/", "apis/", "keys/?state=active", "keys/?state=expiring", "developers/", "domains/", "audit/"):
        assert f'href="/all/o/acme/{path}"' in page
    assert "Read-only" in page


@pytest.mark.parametrize("path", ["/", "/?sort=-keys", "/organisations.csv", "/search/?q=a"])
def test_more_organisations_need_no_more_queries(world: World, path: str) -> None:
    client = signed_in(world.uma)
    counts = []
    for numbers in ((1,), (2, 3)):
        for number in numbers:
            own = organisation(f"a{number}")
            user(f"a{number}@a.example", own, is_administrator=True)
            rows.api(own, "a")
            rows.key(own, "a")
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_the_csv_has_every_organisation_and_runs_no_formula(world: World) -> None:
    organisation("evil", name='=HYPERLINK("http://x")')
    lines = signed_in(world.uma).get("/organisations.csv?sort=-name").content.decode().splitlines()
    assert [line.split(",", 1)[1] for line in lines] == [
        "slug,name,users,apis,active_keys,keys_expiring_in_30_days,last_administrator_action,state,"
        "requests_in_24_h,error_share_in_24_h,developers,portal,proven_domains,unproven_domains",
        "globex,Globex,1,0,0,0,,active,0,0,0,off,0,0",
        "acme,Acme,2,0,0,0,,active,0,0,0,off,0,0",
        'evil,"\'=HYPERLINK(""http://x"")",0,0,0,0,,active,0,0,0,off,0,0',
    ]


@pytest.mark.parametrize("path", ["/all/", "/all/organisations.csv", "/all/search/"])
def test_people_of_an_organisation_are_sent_to_sign_in(world: World, path: str) -> None:
    response = signed_in(world.ann, prefix="/all").get(path)
    assert (response.status_code, response.headers["Location"]) == (302, f"/all/sign-in/?next={path}")


def test_the_table_takes_no_post(world: World) -> None:
    client = signed_in(world.uma)
    assert [client.post(path).status_code for path in ("/", "/organisations.csv")] == [405, 405]


def hits(world: World, text: str) -> dict[str, list[tuple[str, str, str]]]:
    """Return {kind: [(name, organisation, address)]}."""
    response = signed_in(world.uma).post("/search/", {"q": text}, follow=True)
    return {
        kind.label: [(hit.name, hit.organisation, hit.href) for hit in kind.hits] for kind in response.context["kinds"]
    }


def test_search_finds_words_of_every_organisation(world: World) -> None:
    pets, other = rows.api(world.acme, "Pet shop"), rows.api(world.globex, "Pet hotel")
    mobile = rows.key(world.globex, "Petra's mobile")
    assert hits(world, "pet") == {
        "APIs": [
            ("Pet hotel", "Globex", f"/all/o/globex/apis/{other.id}/"),
            ("Pet shop", "Acme", f"/all/o/acme/apis/{pets.id}/"),
        ],
        "Keys": [("Petra's mobile", "Globex", f"/all/o/globex/keys/{mobile.id}/")],
    }
    assert hits(world, "sho PET") == {"APIs": [("Pet shop", "Acme", f"/all/o/acme/apis/{pets.id}/")]}


def test_search_finds_organisations_and_users_by_their_beginnings(world: World) -> None:
    assert hits(world, "gl") == {"Organisations": [("Globex", "Globex", "/all/o/globex/")]}
    assert hits(world, "GUS@") == {"Users": [("gus@globex.example", "Globex", f"/all/o/globex/users/{world.gus.id}/")]}
    assert hits(world, "uma@") == {}


def test_a_pasted_key_is_found_and_never_repeated(world: World) -> None:
    token = rows.token_of(world.globex)
    found = rows.key(world.globex, "theirs", token)
    rows.key(world.acme, "ours")
    assert hits(world, f'curl -H "Authorization: {token}"') == {
        "Keys": [("theirs", "Globex", f"/all/o/globex/keys/{found.id}/")]
    }
    response = signed_in(world.uma).post("/search/", {"q": token})
    assert (response.status_code, token in response.content.decode()) == (200, False)


def test_a_search_leaves_the_organisations_trail_alone_and_a_visit_does_not(world: World) -> None:
    rows.api(world.acme, "Pets")
    client = signed_in(world.uma)
    client.get("/search/?q=pets")
    assert rows.audit_lines(world.acme) == []
    client.get("/o/acme/apis/")
    assert rows.audit_lines(world.acme) == [("uma@hosting.example", "visited", "/apis/")]
    assert rows.audit_lines(world.globex) == []


def test_an_organisation_is_suspended_with_a_reason_and_resumed(world: World) -> None:
    client = signed_in(world.uma)
    path = f"/organisations/{world.acme.id}"
    assert client.get(f"{path}/suspend/").status_code == 200
    assert client.post(f"{path}/suspend/", {"reason": ""}).context["confirm"]["form"].errors
    assert client.post(f"{path}/suspend/", {"reason": "unpaid"}).headers["Location"] == "/all/"
    assert [(row[0], row[6]) for row in shown(world)] == [("acme", "suspended"), ("globex", "active")]
    assert "unpaid" in client.get(f"{path}/resume/").content.decode()
    client.post(f"{path}/resume/")
    assert [(row[0], row[6]) for row in shown(world)] == [("acme", "active"), ("globex", "active")]
    uma = "uma@hosting.example"
    assert rows.audit_lines(world.acme) == [(uma, "resumed", "Acme"), (uma, "suspended", "Acme")]


@pytest.mark.parametrize("action", ["suspend", "resume"])
def test_an_organisation_that_never_was_cannot_be_suspended(world: World, action: str) -> None:
    client = signed_in(world.uma)
    assert client.get(f"/organisations/{world.ann.id}/{action}/").status_code == 404
    assert client.put(f"/organisations/{world.acme.id}/{action}/").status_code == 405
