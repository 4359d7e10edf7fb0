import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apis import services as apis
from apis.definition import Authentication
from apis.models import Api, OAuthClient
from apis.oauth_clients import services
from apis.oauth_clients.checking import OAuthClientError
from keys.models import Policy, PolicyAccess
from orgs import scope, sealing
from orgs.ids import new_id
from orgs.models import AuditEntry, Organisation
from tests.apis.test_services import definition
from tests.conftest import World, signed_in

SECRET = "correct-horse-battery"
URI = "https://app.example/callback"


def oauth_api(name: str = "Orders", **changes: Any) -> Api:
    basics = {"name": name, "listen_path": f"/{new_id()}/", "authentication": Authentication.OAUTH2}
    return apis.create_api(definition=definition(**(basics | changes)))


def policy_of(api: Api, name: str = "Gold") -> Policy:
    policy = Policy.objects.create(name=name)
    PolicyAccess.objects.create(policy=policy, api=api)
    return policy


def made(of: Organisation, **fields: Any) -> OAuthClient:
    with scope.opened(scope.of(of.id)):
        return services.create_oauth_client(api=oauth_api(), secret=SECRET, description="Shop", **fields)[0]


def stored(of: Organisation) -> list[OAuthClient]:
    with scope.opened(scope.of(of.id)):
        return list(OAuthClient.objects.all())


def lines() -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(kind="oauth_clients").order_by("at", "id"))


def text_of(response: Any) -> str:
    return str(response.content.decode())


# Services


def test_create_oauth_client_makes_an_id_and_a_secret_that_is_kept_encrypted(in_acme: World) -> None:
    client, secret = services.create_oauth_client(api=oauth_api(), redirect_uri=URI, metadata={"team": "hunter2"})
    kept = OAuthClient.objects.get()
    assert re.fullmatch("[0-9a-f]{32}", client.client_id)
    assert len(secret) >= 43
    assert (sealing.unseal(kept.sealed), kept.redirect_uri, kept.metadata) == (secret, URI, {"team": "hunter2"})
    assert secret not in str(vars(kept))
    (line,) = lines()
    assert (line.action, line.object_name) == ("created", client.client_id)
    assert line.changes["metadata"] == [None, ["team"]]
    assert not {word for word in (secret, "hunter2") if word in json.dumps(line.changes)}


def test_create_oauth_client_takes_what_a_client_chose(in_acme: World) -> None:
    client, secret = services.create_oauth_client(api=oauth_api(), client_id="shop_1", secret=SECRET)
    assert (client.client_id, secret) == ("shop_1", SECRET)
    with pytest.raises(OAuthClientError, match="There is already an OAuth client with this ID") as refused:
        services.create_oauth_client(api=oauth_api("Other"), client_id="shop_1")
    assert refused.value.field == "client_id"
    assert OAuthClient.objects.count() == 1


def test_two_organisations_may_have_one_client_id(world: World) -> None:
    made(world.acme, client_id="shop")
    made(world.globex, client_id="shop")
    assert [client.client_id for client in stored(world.acme) + stored(world.globex)] == ["shop", "shop"]


def test_create_oauth_client_is_for_apis_of_oauth_2_alone(in_acme: World) -> None:
    token = oauth_api(authentication=Authentication.TOKEN)
    with pytest.raises(OAuthClientError, match=r"Orders does not use OAuth 2\.0"):
        services.create_oauth_client(api=token)
    several = definition(listen_path="/several/") | {"use_oauth2": True, "use_standard_auth": True}
    api = apis.create_api(definition=several)
    assert api.authentication == Authentication.MULTIPLE
    assert services.create_oauth_client(api=api)[0].api == api
    neither = definition(listen_path="/neither/") | {"use_basic_auth": True, "use_standard_auth": True}
    assert not services.takes_clients(apis.create_api(definition=neither))


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"client_id": "a b"}, "client_id", "1 to 64 letters"),
    ({"client_id": "x" * 65}, "client_id", "1 to 64 letters"),
    ({"client_id": "shop\n"}, "client_id", "1 to 64 letters"),
    ({"secret": "hunter2"}, "secret", "16 to 200 printable"),
    ({"secret": "x" * 201}, "secret", "16 to 200 printable"),
    ({"secret": "correct horse battery"}, "secret", "without spaces"),
    ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri", "must begin with"),
    ({"redirect_uri": "data:text/html,x"}, "redirect_uri", "must begin with"),
    ({"redirect_uri": "//app.example/"}, "redirect_uri", "must begin with"),
    ({"redirect_uri": "https:///callback"}, "redirect_uri", "must begin with"),
    ({"redirect_uri": "https://[::1/"}, "redirect_uri", "must begin with"),
    ({"redirect_uri": f"{URI}#code"}, "redirect_uri", "“#”"),
    ({"redirect_uri": f"{URI}\r\n"}, "redirect_uri", "control characters"),
    ({"redirect_uri": f"{URI},javascript:x"}, "redirect_uri", "must begin with"),
    ({"redirect_uri": f"{URI}?x=env://SECRET"}, "redirect_uri", "“env://”"),
    ({"redirect_uri": f"https://app.example/{'x' * 2000}"}, "redirect_uri", "more than 2,000"),
    ({"description": "x" * 201}, "description", "at most 200"),
    ({"metadata": {"x": "y" * 10_000}}, "metadata", "longer than 10,000"),
    ({"metadata": {"policies": []}}, "metadata", "'policies' is reserved"),
    ({"metadata": {"rate_limit_pattern": "$tyk_meta.x"}}, "metadata", "'rate_limit_pattern' is reserved"),
    ({"metadata": {"x": "\0"}}, "metadata", "NUL"),
    ({"policy_id": "0" * 24}, "policy_id", "one of this organisation that opens the API"),
    ({"policy_id": "\0' or 1=1"}, "policy_id", "one of this organisation that opens the API"),
]


@pytest.mark.parametrize(("field", "sentence", "change"), [(field, text, change) for change, field, text in REFUSED])
def test_what_cannot_be_is_refused(in_acme: World, field: str, sentence: str, change: dict[str, Any]) -> None:
    api = oauth_api()
    kept, _ = services.create_oauth_client(api=api, description="Kept")
    with pytest.raises(OAuthClientError, match=sentence) as refused:
        services.create_oauth_client(api=api, **change)
    assert refused.value.field == field
    if field not in ("client_id", "secret"):
        with pytest.raises(OAuthClientError, match=sentence):
            services.update_oauth_client(client=kept, **change)
    assert [client.description for client in OAuthClient.objects.all()] == ["Kept"]


@pytest.mark.parametrize("uri", ["", URI, f"{URI},http://localhost:8080/", "com.example.app:/callback"])
def test_a_redirect_uri_leads_to_the_web_or_to_an_app(in_acme: World, uri: str) -> None:
    assert services.create_oauth_client(api=oauth_api(), redirect_uri=uri)[0].redirect_uri == uri


def test_a_policy_is_one_of_the_organisation_that_opens_the_api(world: World) -> None:
    with scope.opened(scope.of(world.globex.id)):
        theirs = policy_of(oauth_api())
    with scope.opened(scope.of(world.acme.id)):
        api, other = oauth_api(), oauth_api("Other")
        own, elsewhere = policy_of(api), policy_of(other, "Silver")
        client, _ = services.create_oauth_client(api=api, policy_id=own.pk)
        refusals = set()
        for id in (theirs.pk, elsewhere.pk, new_id()):
            with pytest.raises(OAuthClientError) as refused:
                services.update_oauth_client(client=client, policy_id=id)
            refusals.add(str(refused.value))
        assert refusals == {"The policy must be one of this organisation that opens the API."}
        assert OAuthClient.objects.get().policy_id == own.pk
        gone = own.pk
        own.delete()  # the client may still be changed
        assert services.update_oauth_client(client=client, policy_id=gone, description="x").policy_id == gone
        assert services.update_oauth_client(client=client, policy_id="").policy_id == ""


def test_update_oauth_client_changes_what_is_named_and_says_so(in_acme: World) -> None:
    client, secret = services.create_oauth_client(api=oauth_api(), redirect_uri=URI, metadata={"team": "a"})
    services.update_oauth_client(client=client, description="Shop", metadata={"team": "hunter2"})
    kept = OAuthClient.objects.get()
    assert (kept.description, kept.redirect_uri, kept.metadata) == ("Shop", URI, {"team": "hunter2"})
    assert sealing.unseal(kept.sealed) == secret
    assert lines()[1].changes == {"description": ["", "Shop"], "metadata": ["…", "…"]}


def test_rotate_secret_replaces_it_and_does_not_tell_the_trail(in_acme: World) -> None:
    client, before = services.create_oauth_client(api=oauth_api())
    _, after = services.rotate_secret(client=client)
    assert after != before
    assert sealing.unseal(OAuthClient.objects.get().sealed) == after
    assert (lines()[1].action, lines()[1].changes) == ("rotated the secret of", {})


def test_clients_go_with_themselves_and_with_their_api(in_acme: World) -> None:
    first, _ = services.create_oauth_client(api=oauth_api())
    services.create_oauth_client(api=first.api)
    services.delete_oauth_client(client=first)
    assert OAuthClient.objects.count() == 1
    assert lines()[2].changes == {"client ID": [first.client_id, None]}
    apis.delete_api(api=first.api)
    assert not OAuthClient.objects.exists()


# Pages


def test_a_client_is_created_and_its_secret_is_shown_once(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        api = oauth_api()
        policy = policy_of(api)
    client, path = signed_in(world.ann), f"/apis/{api.pk}/oauth-clients/"
    assert f'<option value="{policy.pk}">Gold</option>' in text_of(client.get(f"{path}create/"))
    form = {"description": "Shop", "redirect_uri": URI, "policy_id": policy.pk, "metadata": '{"team": "a"}'}
    shown = client.post(f"{path}create/", form)
    (kept,) = stored(world.acme)
    secret = sealing.unseal(kept.sealed)
    assert secret in text_of(shown)
    assert kept.client_id in text_of(shown)
    assert (kept.description, kept.policy_id, kept.metadata) == ("Shop", policy.pk, {"team": "a"})
    later = [client.get(page) for page in (path, f"/oauth-clients/{kept.pk}/edit/", "/audit/")]
    later.append(client.get(f"/admin/apis/oauthclient/{kept.pk}/change/"))
    assert [page.status_code for page in later] == [200] * 4
    assert [page for page in later if secret in text_of(page) or kept.sealed in text_of(page)] == []


def test_a_client_is_edited_rotated_and_deleted(world: World) -> None:
    kept, client = made(world.acme), signed_in(world.ann)
    path = f"/oauth-clients/{kept.pk}/"
    back = f"/o/acme/apis/{kept.api_id}/oauth-clients/"
    edited = client.post(f"{path}edit/", {"description": "Store", "redirect_uri": URI, "metadata": ""})
    assert edited.headers["Location"] == back
    refused = client.post(f"{path}edit/", {"description": "Store", "redirect_uri": "nowhere", "metadata": "["})
    assert set(refused.context["form"].errors) == {"metadata"}
    assert "at once" in text_of(client.get(f"{path}rotate/"))
    shown = client.post(f"{path}rotate/")
    (after,) = stored(world.acme)
    assert (after.description, after.redirect_uri) == ("Store", URI)
    assert sealing.unseal(after.sealed) != SECRET
    assert sealing.unseal(after.sealed) in text_of(shown)
    assert client.post(f"{path}delete/").headers["Location"] == back
    assert stored(world.acme) == []


def test_the_tab_is_there_for_apis_of_oauth_2(world: World) -> None:
    with scope.opened(scope.of(world.acme.id)):
        tokens, keys = oauth_api(), oauth_api(authentication=Authentication.TOKEN)
    client = signed_in(world.ann)
    assert "/oauth-clients/" in text_of(client.get(f"/apis/{tokens.pk}/"))
    assert "/oauth-clients/" not in text_of(client.get(f"/apis/{keys.pk}/"))
    page = text_of(client.get(f"/apis/{keys.pk}/oauth-clients/"))
    assert "This API does not use OAuth 2.0." in page
    assert "oauth-clients/create/" not in page
    refused = client.post(f"/apis/{keys.pk}/oauth-clients/create/", {"description": "x"})
    assert "does not use OAuth 2.0" in text_of(refused)
    assert stored(world.acme) == []


def test_a_reader_and_a_visitor_change_nothing(world: World) -> None:
    kept = made(world.acme)
    for client in (signed_in(world.al), signed_in(world.uma, prefix="/all/o/acme")):
        page = text_of(client.get(f"/apis/{kept.api_id}/oauth-clients/"))
        assert kept.client_id in page
        assert [word for word in ("/edit/", "create/", "rotate/") if word in page] == []
        assert client.post(f"/apis/{kept.api_id}/oauth-clients/create/", {"description": "x"}).status_code == 403
        for path in ("edit/", "rotate/", "delete/"):
            assert client.get(f"/oauth-clients/{kept.pk}/{path}").status_code == 403
            assert client.post(f"/oauth-clients/{kept.pk}/{path}", {"description": "x"}).status_code == 403
    (after,) = stored(world.acme)
    assert (after.description, after.sealed) == ("Shop", kept.sealed)


def test_another_organisations_client_is_as_one_that_never_was(world: World) -> None:
    kept, client = made(world.acme), signed_in(world.gus)
    for id, api_id in ((kept.pk, kept.api_id), (new_id(), new_id())):
        assert client.get(f"/apis/{api_id}/oauth-clients/").status_code == 404
        assert client.post(f"/apis/{api_id}/oauth-clients/create/", {"description": "x"}).status_code == 404
        for path in ("edit/", "rotate/", "delete/"):
            assert client.get(f"/oauth-clients/{id}/{path}").status_code == 404
            assert client.post(f"/oauth-clients/{id}/{path}", {"description": "x"}).status_code == 404
    (after,) = stored(world.acme)
    assert (after.description, after.sealed) == ("Shop", kept.sealed)


def test_the_list_takes_as_many_queries_for_one_client_as_for_three(world: World) -> None:
    kept = made(world.acme)
    client = signed_in(world.ann)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"/apis/{kept.api_id}/oauth-clients/").status_code == 200
        return len(asked)

    before = queries()
    with scope.opened(scope.of(world.acme.id)):
        for _ in range(2):
            services.create_oauth_client(api=kept.api)
    assert queries() == before
