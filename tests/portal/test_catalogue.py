"""What of the catalogue who sees: listed, on its page, as a document, in the console, and when asking for a key."""

import json
from typing import Any

import pytest
from django.test import Client

from apis.models import Api
from apis.services import delete_api, set_active
from keys.models import Policy
from keys.policies.services import create_policy, delete_policy
from keys.policies.services import set_active as set_policy_active
from keys.rights import ApiAccess
from portal.models import Documentation, Entry, Plan
from portal.services import publishing
from portal.services.publishing import create_entry, set_plans
from tests.conftest import SiteClient, World, signed_in
from tests.keys.test_services import make_api
from tests.portal.shared import Shop, counted, developer_client, make_developer, text_of

TARGET = "https://target.example"
BEHIND = "https://node.example/a pod.example:81 http://pod.example old.example"


def paths(shop: Shop) -> list[str]:
    here = "/apis/parcels/"
    return [here, f"{here}console/", f"{here}openapi.json", f"{here}plans/{shop.plan.pk}/"]


def seen(client: SiteClient, shop: Shop) -> tuple[bool, set[int]]:
    """Return whether it is in the list, and the statuses of all that lies below its page."""
    listed = "Parcels" in client.get("/").content.decode()
    assert ("Parcels" in client.get("/?q=parcels&category=logistics").content.decode()) == listed
    return listed, {client.get(path).status_code for path in paths(shop)}


def change(shop: Shop, **settings: Any) -> Entry:
    with shop.inside():
        entry = Entry.objects.get(pk=shop.entry.pk)
        return publishing.update_entry(entry=entry, revision=entry.revision, **settings)


def partner(shop: Shop, *groups: str) -> SiteClient:
    with shop.inside():
        made = make_developer(f"{'-'.join(groups) or 'none'}@example.com", groups=[*groups])
    return developer_client(made, shop.prefix)


def test_what_is_for_everyone_is_seen_by_visitors_who_sign_in_to_ask(shop: Shop) -> None:
    assert seen(SiteClient(shop.prefix), shop) == (True, {200, 302})
    assert seen(shop.client(), shop) == (True, {200})


def test_what_is_for_the_signed_in_is_not_there_for_visitors(shop: Shop) -> None:
    change(shop, audience=Entry.SIGNED_IN)
    listed, statuses = seen(SiteClient(shop.prefix), shop)
    assert (listed, statuses) == (False, {404, 302})  # whoever asks is led to the sign-in, of whatever it is
    assert seen(shop.client(), shop) == (True, {200})


def test_what_is_for_groups_is_seen_by_those_in_one_of_them(shop: Shop) -> None:
    change(shop, audience=Entry.GROUPS, groups=["partners", "beta"])
    assert seen(SiteClient(shop.prefix), shop) == (False, {404, 302})
    assert seen(shop.client(), shop) == (False, {404})
    assert seen(partner(shop, "others", "part", "Partners"), shop) == (False, {404})
    assert seen(partner(shop, "x", "beta"), shop) == (True, {200})


def test_groups_of_another_organisations_developer_count_nothing(shop: Shop, other_shop: Shop) -> None:
    change(shop, audience=Entry.GROUPS, groups=["partners"])
    theirs = partner(other_shop, "partners")
    ours = Client()
    for name, morsel in theirs.cookies.items():
        ours.cookies[name.replace("globex", "acme")] = morsel.value
    assert "Parcels" not in ours.get(f"{shop.prefix}/").content.decode()
    assert ours.get(f"{shop.prefix}/apis/parcels/").status_code == 404


def test_two_who_are_in_different_groups_do_not_see_each_others(shop: Shop) -> None:
    """In turns, in one process: what is remembered of one is not the other's."""
    with shop.inside():
        create_entry(title="For red", api=shop.api, is_published=True, audience=Entry.GROUPS, groups=["red"])
        create_entry(title="For blue", api=shop.api, is_published=True, audience=Entry.GROUPS, groups=["blue"])
    red, blue = partner(shop, "red"), partner(shop, "blue")
    for client, mine, other in ((red, "red", "blue"), (blue, "blue", "red")) * 2:
        html = client.get("/").content.decode()
        assert (f"For {mine}" in html, f"For {other}" in html) == (True, False)
    assert "For " not in SiteClient(shop.prefix).get("/").content.decode().replace("APIs for ", "")


def test_draft_is_nobodys(shop: Shop) -> None:
    change(shop, is_published=False)
    for client in (SiteClient(shop.prefix), shop.client()):
        assert seen(client, shop) in [(False, {404, 302}), (False, {404})]


def test_entry_goes_with_its_api_and_says_why_to_administrators(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    with shop.inside():
        set_active(api=Api.objects.get(), is_active=False)
    assert seen(shop.client(), shop) == (False, {404})
    assert "Its API Parcels is inactive: nobody sees the entry" in text_of(ann.get(f"/catalogue/{shop.entry.pk}/"))
    assert "hidden" in text_of(ann.get("/catalogue/"))
    with shop.inside():
        set_active(api=Api.objects.get(), is_active=True)
    assert seen(shop.client(), shop) == (True, {200})
    with shop.inside():
        delete_api(api=Api.objects.get())
    assert seen(shop.client(), shop) == (False, {404})
    assert "Its API Parcels has been deleted: nobody sees the entry." in text_of(
        ann.get(f"/catalogue/{shop.entry.pk}/")
    )
    assert "Parcels (deleted)" in text_of(ann.get("/catalogue/"))


def test_plan_goes_with_its_policy_and_says_why_to_administrators(world: World, shop: Shop) -> None:
    ann, here = signed_in(world.ann), f"/apis/parcels/plans/{shop.plan.pk}/"
    client = shop.client()
    with shop.inside():
        set_policy_active(policy=Policy.objects.get(), is_active=False)
    assert ("Standard" in text_of(client.get("/apis/parcels/")), client.get(here).status_code) == (False, 404)
    assert "Its policy Gold is inactive." in text_of(ann.get(f"/catalogue/{shop.entry.pk}/"))
    with shop.inside():
        delete_policy(policy=Policy.objects.get())
    assert client.get(here).status_code == 404
    assert "Its policy Gold has been deleted" in text_of(ann.get(f"/catalogue/{shop.entry.pk}/"))
    assert client.get("/apis/parcels/").status_code == 200


def test_product_without_an_api_is_there_while_one_of_its_plans_is(shop: Shop) -> None:
    with shop.inside():
        product = create_entry(title="Bundle", is_published=True)
        [plan] = set_plans(entry=product, plans=[{"policy": shop.policy, "name": "All"}])
    client = shop.client()
    assert "Parcels" in text_of(client.get("/apis/bundle/"))
    assert client.get("/apis/bundle/openapi.json").status_code == 404
    with shop.inside():
        set_policy_active(policy=Policy.objects.get(), is_active=False)
    assert client.get("/apis/bundle/").status_code == 404
    assert client.get(f"/apis/bundle/plans/{plan.pk}/").status_code == 404


def test_plan_is_asked_for_at_its_own_entry(shop: Shop) -> None:
    with shop.inside():
        hidden = create_entry(title="Hidden", api=shop.api)
        [plan] = set_plans(entry=hidden, plans=[{"policy": shop.policy, "name": "Inner"}])
    assert shop.client().get(f"/apis/parcels/plans/{plan.pk}/").status_code == 404
    assert shop.client().post(f"/apis/parcels/plans/{plan.pk}/", {"new_application": "A"}).status_code == 404


def test_other_organisations_plan_is_not_there(shop: Shop, other_shop: Shop) -> None:
    assert shop.client().post(f"/apis/parcels/plans/{other_shop.plan.pk}/", {"new_application": "A"}).status_code == 404


def test_nothing_tells_where_the_target_is_or_what_is_not_published(shop: Shop) -> None:
    """In no page, JSON, header or error message, of a visitor or a developer."""
    with shop.inside():
        secret = make_api("Unpublished")
        create_policy(name="Hidden policy", accesses=[ApiAccess(secret.pk)])
        create_entry(title="A draft", api=secret, description="About the draft")
        api = Api.objects.get(pk=shop.api.pk)
        api.openapi = json.dumps(
            {
                "openapi": "3.0.3",
                "info": {"title": "Parcels", "version": "1", "description": f"At {TARGET}/v1 and target.example:8443."},
                "servers": [{"url": "https://inner.example/secret"}],
                "paths": {
                    "/a": {
                        "get": {
                            "summary": "See inner.example",
                            "description": BEHIND,
                            "responses": {"200": {"description": "ok"}},
                        }
                    }
                },
            }
        )
        definition = json.loads(api.definition)
        definition["proxy"] |= {
            "enable_load_balancing": True,
            "target_list": ["https://node.example", "pod.example:81"],
        }
        definition["version_data"]["versions"]["Default"]["override_target"] = "https://old.example/v0"
        api.definition = json.dumps(definition)
        api.revision += 1
        api.save(update_fields=["openapi", "definition", "revision"])
    hidden = ("target.example", "inner.example", "node.example", "pod.example", "old.example", "Unpublished",
              "Hidden policy", "A draft", secret.pk, "Gold",
              shop.policy.pk, shop.organisation.id)  # fmt: skip
    for client in (SiteClient(shop.prefix), shop.client()):
        for path in ["/", "/?q=draft", *paths(shop), "/apis/a-draft/", "/apis/nothing/", "/theme.css", "/sign-in/",
                     "/applications/", "/account/"]:  # fmt: skip
            answer = client.get(path)
            told = answer.content.decode() + repr(answer.headers)
            assert [word for word in hidden if word in told] == [], path
            assert "access-control-allow-origin" not in {name.lower() for name in answer.headers}
            assert "ETag" not in answer.headers
            if path not in ("/theme.css",):
                assert answer["Cache-Control"] == "no-store"


def test_document_that_two_entries_show_hides_the_target_of_each(shop: Shop) -> None:
    """Also where it has been shown for the other one before, which has nothing to hide."""
    text = json.dumps(
        {
            "openapi": "3.0.3",
            "info": {"title": "Both", "version": "1", "description": f"Once at {TARGET}/v1."},
            "paths": {},
        }
    )
    shop.change(gateway_url="")
    with shop.inside():
        documentation = Documentation.objects.create(text=text)
        product = create_entry(title="Bundle", is_published=True, documentation=documentation)
        set_plans(entry=product, plans=[{"policy": shop.policy, "name": "All"}])
        change(shop, documentation=documentation)
    client = SiteClient(shop.prefix)
    for end in ("", "openapi.json"):
        assert "target.example" in client.get(f"/apis/bundle/{end}").content.decode()
        assert "target.example" not in client.get(f"/apis/parcels/{end}").content.decode()


def test_document_is_anothers_once_the_api_has_another(shop: Shop) -> None:
    client = SiteClient(shop.prefix)
    assert "All parcels" in client.get("/apis/parcels/").content.decode()
    change(shop, shows_documentation=False)
    assert "All parcels" not in client.get("/apis/parcels/").content.decode()
    for end in ("console/", "openapi.json"):
        assert client.get(f"/apis/parcels/{end}").status_code == 404


def test_documents_of_two_organisations_are_kept_apart(shop: Shop, other_shop: Shop) -> None:
    with other_shop.inside():
        api = Api.objects.get()
        api.openapi = api.openapi.replace("All parcels", "Globex's own")
        api.save(update_fields=["openapi"])
    for mine, text, other in ((shop, "All parcels", "Globex"), (other_shop, "Globex&#x27;s own", "All parcels")) * 2:
        html = SiteClient(mine.prefix).get("/apis/parcels/").content.decode()
        assert (text in html, other in html.replace("· Globex", "").replace(">Globex<", "")) == (True, False)


@pytest.mark.parametrize(
    "query", ["%25", "_", "'", '"', "\\", "{}", "%s", "x" * 5_000, "%F0%9F%9A%80", "%5B%5D", "{0}", "parcels%20none"]
)
def test_search_takes_words_as_they_are(shop: Shop, query: str) -> None:
    answer = SiteClient(shop.prefix).get(f"/?q={query}&category={query}&page={query}")
    assert answer.status_code == 200
    assert "Nothing was found" in text_of(answer)


@pytest.mark.parametrize("query", ["page=99999", "page=-1", "page=²", "q=%00", "category=%00&q=PARCELS%20logistics"])
def test_list_takes_any_query(shop: Shop, query: str) -> None:
    assert SiteClient(shop.prefix).get(f"/?{query}").status_code == 200


XSS = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:7 }}{0}%s"


def test_no_text_of_an_administrator_becomes_markup(shop: Shop) -> None:
    change(shop, title=XSS[:100], summary=XSS, categories=[XSS[:60], "a</li>"], description=XSS)
    with shop.inside():
        set_plans(entry=Entry.objects.get(), plans=[{"policy": shop.policy, "name": XSS[:80], "description": XSS}])
        plan = Plan.objects.get()
    shop.change(title=XSS[:80], tagline=XSS, terms=XSS)
    client = shop.client()
    client.post("/terms/accept/", {"terms": "on"})
    for path in ("/", f"/?q={XSS}&category={XSS}", *paths(shop)[:2], f"/apis/parcels/plans/{plan.pk}/", "/terms/",
                 "/sign-in/", f"/sign-in/?next={XSS}", "/nothing/"):  # fmt: skip
        html = client.get(path).content.decode()
        assert "<script>alert" not in html, path
        assert "<img src=x" not in html, path
        assert "</li>&" not in html, path
        assert "14" not in html.split("</title>")[0], path


def test_no_text_of_a_document_becomes_markup(shop: Shop) -> None:
    document = {
        "openapi": "3.0.3",
        "info": {"title": XSS, "version": XSS, "description": XSS, "contact": {"url": "javascript:alert(1)"}},
        "tags": [{"name": XSS, "description": XSS, "externalDocs": {"url": "javascript:alert(1)"}}],
        "paths": {
            f"/{XSS}": {
                "get": {
                    "tags": [XSS], "summary": XSS, "description": XSS, "operationId": XSS,
                    "parameters": [{"name": XSS, "in": "query", "description": XSS, "schema": {"enum": [XSS]}}],
                    "responses": {"200": {"description": XSS, "content": {XSS: {"schema": {"title": XSS}}}}},
                }
            }
        },
    }  # fmt: skip
    with shop.inside():
        Api.objects.update(openapi=json.dumps(document), revision=99)
    client = SiteClient(shop.prefix)
    html = client.get("/apis/parcels/").content.decode()
    assert "alert(1)" in html
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "javascript:" not in html
    answer = client.get("/apis/parcels/openapi.json")
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/json", "nosniff")
    assert "javascript:" not in answer.content.decode()


def test_console_may_connect_to_the_gateway_and_nowhere_else(shop: Shop) -> None:
    answer = SiteClient(shop.prefix).get("/apis/parcels/console/")
    assert "connect-src 'self' https://api.acme.example;" in answer["Content-Security-Policy"]
    assert "script-src 'self';" in answer["Content-Security-Policy"]
    assert "https://api.acme.example" not in SiteClient(shop.prefix).get("/apis/parcels/")["Content-Security-Policy"]


def test_download_is_named_by_the_address(shop: Shop) -> None:
    answer = SiteClient(shop.prefix).get("/apis/parcels/openapi.json?download")
    assert answer["Content-Disposition"] == 'attachment; filename="parcels.json"'


def test_catalogue_takes_as_many_queries_for_three_entries_as_for_one(shop: Shop) -> None:
    client = shop.client()

    def queries(path: str) -> int:
        with counted() as asked:
            assert client.get(path).status_code == 200
        return len(asked)

    queries("/apis/parcels/")  # makes the reference
    first = queries("/"), queries("/apis/parcels/")
    with shop.inside():
        for name in ("Two", "Three"):
            policy = create_policy(name=name, accesses=[ApiAccess(shop.api.pk)])
            entry = create_entry(title=name, api=make_api(name), is_published=True, categories=["a", "b"])
            set_plans(entry=entry, plans=[{"policy": policy, "name": name}, {"policy": shop.policy, "name": "Gold"}])
        plans = [{"policy": policy, "name": policy.name} for policy in Policy.objects.all()]
        set_plans(entry=shop.entry, plans=plans)  # type: ignore[arg-type]
    assert (queries("/"), queries("/apis/parcels/")) == first
