"""What makes the portal quick to use: for those who publish, and for those who call."""

import re

from apis import definition as definitions
from apis.models import Api
from apis.services import update_api
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs import scope
from portal.models import Application, Developer, Entry, KeyRequest
from portal.services import publishing, requests
from portal.services.settings import update_portal
from tests.conftest import World, signed_in, user
from tests.keys.test_services import make_api
from tests.portal.shared import Shop, a_request


def navigation_of(html: str) -> str:
    return html.partition('<nav id="navigation"')[2].partition("</nav>")[0]


def test_navigation_says_how_many_requests_wait_here_to_those_who_may_see_them(
    world: World, shop: Shop, other_shop: Shop
) -> None:
    with scope.opened(scope.of(world.globex.id)):
        a_request(other_shop)
    ann = signed_in(world.ann)
    assert "waiting" not in navigation_of(ann.get("/catalogue/").content.decode())
    with scope.opened(scope.of(world.acme.id)):
        a_request(shop)
        a_request(shop, application="Second")
    assert '>2<span class="visually-hidden"> waiting' in navigation_of(ann.get("/catalogue/").content.decode())
    keeper = signed_in(user("keys@acme.example", world.acme, permissions={"keys": "read"}))
    seen = navigation_of(keeper.get("/keys/").content.decode())
    assert ("Keys" in seen, "waiting" in seen) == (True, False)


def test_page_of_an_api_leads_into_the_catalogue(world: World, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        other = make_api("Letters")
    ann = signed_in(world.ann)
    assert f'href="/o/acme/catalogue/{shop.entry.pk}/"' in ann.get(f"/apis/{shop.api.pk}/").content.decode()
    assert f'href="/o/acme/catalogue/create/?api={other.pk}"' in ann.get(f"/apis/{other.pk}/").content.decode()
    al = signed_in(world.al)
    assert f"/catalogue/{shop.entry.pk}/" in al.get(f"/apis/{shop.api.pk}/").content.decode()
    assert "/catalogue/create/" not in al.get(f"/apis/{other.pk}/").content.decode()
    keeper = signed_in(user("apis@acme.example", world.acme, permissions={"apis": "read"}))
    html = keeper.get(f"/apis/{shop.api.pk}/").content.decode()
    assert ("Parcels" in html, "/catalogue/" in html) == (True, False)


def test_form_for_an_api_chooses_the_one_policy_that_opens_it(world: World, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        other = make_api("Letters")
        opens = create_policy(name="Post", accesses=[ApiAccess(other.pk)])
    html = signed_in(world.ann).get(f"/catalogue/create/?api={other.pk}").content.decode()
    assert f'<option value="{other.pk}" selected>' in html
    assert f'<option value="{opens.pk}" selected>Post</option>' in html
    assert html.index('label="Open this API"') < html.index('label="Do not open it"')


def test_form_does_not_choose_between_policies(world: World, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        create_policy(name="Silver", accesses=[ApiAccess(shop.api.pk)])
    html = signed_in(world.ann).get(f"/catalogue/create/?api={shop.api.pk}").content.decode()
    assert f'<option value="{shop.policy.pk}">Gold</option>' in html


PLANS = {"plans-TOTAL_FORMS": "3", "plans-INITIAL_FORMS": "0"}


def test_plan_that_is_named_without_a_policy_is_not_dropped(world: World, shop: Shop) -> None:
    form = {"title": "Letters", "audience": Entry.EVERYONE, "plans-0-name": "Bronze", **PLANS}
    html = signed_in(world.ann).post("/catalogue/create/", form).content.decode()
    assert "A plan cannot be saved so" in html
    assert "Choose a policy for it, or empty the row." in html
    assert 'value="Bronze"' in html
    with scope.opened(scope.of(world.acme.id)):
        assert not Entry.objects.filter(title="Letters").exists()


def test_names_that_others_have_typed_are_text_in_hints(world: World, shop: Shop) -> None:
    with scope.opened(scope.of(world.acme.id)):
        Developer.objects.update(groups=["<b>partners</b>"])
    html = signed_in(world.ann).get("/developers/invite/").content.decode()
    assert "There are: &lt;b&gt;partners&lt;/b&gt;." in html


def test_settings_say_what_is_missing_until_nothing_is(world: World, shop: Shop) -> None:
    ann = signed_in(world.ann)
    assert "4 of 5 done" in ann.get("/portal-settings/").content.decode()
    with scope.opened(scope.of(world.acme.id)):
        update_portal(notified=["ann@acme.example"])
    assert "Before developers can come" not in ann.get("/portal-settings/").content.decode()
    gus = signed_in(world.gus)
    assert "0 of 5 done" in gus.get("/portal-settings/").content.decode()


def test_request_is_for_the_newest_application_unless_another_is_named(shop: Shop) -> None:
    with scope.opened(scope.of(shop.organisation.id)):
        for name in ("Zebra", "Aardvark"):
            newest = Application.objects.create(developer=shop.dev, name=name)
    dev, address = shop.client(), f"/apis/parcels/plans/{shop.plan.pk}/"
    html = dev.get(address).content.decode()
    assert f'<option value="{newest.pk}" selected>Aardvark</option>' in html
    dev.post(address, {"application": newest.pk, "new_application": "Third"})
    with scope.opened(scope.of(shop.organisation.id)):
        assert KeyRequest.objects.get().application.name == "Third"


def test_key_page_says_how_to_call_without_its_secret(shop: Shop) -> None:
    with scope.opened(scope.of(shop.organisation.id)):
        asked = a_request(shop, state=KeyRequest.APPROVED)
        _, token = requests.take_key(asked=asked)
        listen_path = shop.api.listen_path
    html = shop.client().get(f"/keys/{asked.pk}/").content.decode()
    [call] = re.findall(r'id="key-call"[^>]*>([^<]+)<', html)
    assert call == f"curl -H &#x27;Authorization: YOUR-KEY&#x27; https://api.acme.example{listen_path}"
    assert token not in html


def test_key_page_of_what_is_no_longer_shown_calls_something_that_the_key_opens(shop: Shop) -> None:
    with scope.opened(scope.of(shop.organisation.id)):
        asked = a_request(shop, state=KeyRequest.APPROVED)
        requests.take_key(asked=asked)
        publishing.delete_entry(entry=shop.entry)
    html = shop.client().get(f"/keys/{asked.pk}/").content.decode()
    assert f"YOUR-KEY&#x27; https://api.acme.example{shop.api.listen_path}" in html


def test_entry_tells_its_editors_that_browsers_may_not_read_the_answers(world: World, shop: Shop) -> None:
    ann, told = signed_in(world.ann), "does not allow <code>http://testserver</code> under CORS"
    assert told in ann.get(f"/catalogue/{shop.entry.pk}/").content.decode()
    for origins in (["https://elsewhere.example"], ["http://testserver"]):
        with scope.opened(scope.of(world.acme.id)):
            api = Api.objects.get(pk=shop.api.pk)
            definition = definitions.parse(api.definition) | {"CORS": {"enable": True, "allowed_origins": origins}}
            update_api(api=api, definition=definition, revision=api.revision)
        html = ann.get(f"/catalogue/{shop.entry.pk}/").content.decode()
        assert (told in html) is (origins == ["https://elsewhere.example"])
