"""What the tests of the admin have in common."""

import re
from typing import Any

from apis.models import Api, Certificate, OAuthClient, Webhook
from dashboard.admin_sites import MODELS
from keys.models import Policy
from orgs import scope
from orgs.ids import new_id
from orgs.models import Organisation
from portal.models import Application, Developer, Entry, KeyRequest
from tests.conftest import World, user
from tests.dashboard import rows
from users.models import AccessKey, Group, Invitation, User

TABLES = [f"{model._meta.app_label}/{model._meta.model_name}" for model in MODELS]


def one_of_each(of: Organisation, owner: User) -> dict[str, str]:
    """Make a row in each table; return {table: its id}."""
    api, key = rows.api(of, f"{of.slug}-api"), rows.key(of, f"{of.slug}-key")
    line = rows.entry(owner, object_name=f"{of.slug}-object", object_id=key.id)
    invitation, access, group = people_rows(of, stored(owner), f"{of.slug}-")
    portal = portal_rows(of, f"{of.slug}-")
    made = (of, line, owner, group, invitation, access, api, key, *gateway_rows(api, f"{of.slug}-"), *portal)
    return {f"{row._meta.app_label}/{row._meta.model_name}": row.pk for row in made}


def people_rows(of: Organisation, owner: User, name: str) -> tuple[Invitation, AccessKey, Group]:
    with scope.opened(scope.of(of.id)):
        return (
            Invitation.objects.create(
                organisation=of, email=f"{name}@new.example", digest=new_id(), expires_at=owner.created_at
            ),
            AccessKey.objects.create(
                organisation=of, user=owner, label=f"{name}script", visible="12345678", digest=new_id()
            ),
            Group.objects.create(name=f"{name}group"),
        )


def gateway_rows(api: Api, name: str) -> tuple[Certificate, Webhook, OAuthClient, Policy]:
    with scope.opened(scope.of(api.organisation_id)):
        return (
            Certificate.objects.create(fingerprint=new_id(), subject=f"CN={name}certificate"),
            Webhook.objects.create(name=f"{name}webhook", method="POST", target_url="https://hooks.example/"),
            OAuthClient.objects.create(api=api, client_id=new_id(), description=f"{name}client"),
            Policy.objects.create(name=f"{name}policy"),
        )


def portal_rows(of: Organisation, name: str) -> tuple[Developer, Entry, KeyRequest]:
    with scope.opened(scope.of(of.id)):
        developer = Developer.objects.create(email=f"{name}@developers.example", name=name)
        application = Application.objects.create(developer=developer, name=name)
        return (
            developer,
            Entry.objects.create(slug=name.strip("-"), title=f"{name}entry"),
            KeyRequest.objects.create(application=application, entry_title=f"{name}entry", plan_name=f"{name}plan"),
        )


def more_of_each(world: World, number: int) -> None:
    owner = stored(user(f"more{number}@acme.example", world.acme))
    gateway_rows(rows.api(world.acme, f"api {number}"), f"more{number}-")
    rows.key(world.acme, f"key {number}")
    rows.entry(owner)
    people_rows(world.acme, owner, f"more{number}")
    portal_rows(world.acme, f"more{number}")


def body(response: Any) -> str:
    """The page without the token that each one has of its own."""
    page: str = response.content.decode()
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", page)


def user_form(person: User, **changed: str) -> dict[str, str]:
    form = {"email": person.email, "name": person.name, "is_active": "on"}
    return form | ({"is_administrator": "on"} if person.is_administrator else {}) | changed


def stored(person: User) -> User:
    with scope.opened(scope.EVERYTHING):
        return User.objects.get(pk=person.pk)
