"""Every URL of every site, and objects of two organisations to put in them."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.urls import URLPattern, URLResolver
from django.urls.resolvers import RegexPattern

from analytics.alerts.models import AlertRule
from analytics.alerts.services import create_rule
from analytics.log.finding import FORMAT
from analytics.models import Record
from apis import definition as definitions
from apis.certificates.services import add_certificate
from apis.definition import Authentication
from apis.models import Api, Certificate, OAuthClient, SegmentTag, Webhook
from apis.oauth_clients.services import create_oauth_client
from apis.services import create_api, import_text
from apis.webhooks.services import create_webhook
from gateways.models import GatewayGroup, Node, Serving
from gateways.services import create_group
from gateways.tags.services import create_tag
from keys.models import Key, Policy
from keys.policies.services import create_policy
from keys.services import create_key
from orgs import scope
from orgs.domains.services import claim_domain
from orgs.models import AuditEntry, Domain, Organisation
from portal.branding import check_logo
from portal.models import Application, Developer, Entry, KeyRequest, Page, Plan, SignUp
from portal.services.applications import create_application
from portal.services.pages import create_page
from portal.services.publishing import create_entry, set_plans
from portal.services.settings import set_logo, update_portal
from portal.services.signing_up import create
from tests.apis.pem import self_signed
from tests.conftest import World
from users.models import AccessKey, Group, Invitation, Mail, User
from users.services.access_keys import create_access_key

Objects = dict[type[models.Model], models.Model]

DOCUMENT = """
openapi: 3.0.3
info: {title: Orders, version: "1"}
servers: [{url: "https://orders.example"}]
paths: {/orders: {get: {responses: {"200": {description: ok}}}}}
"""
LOGO = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>'
# What the id of a URL is, by the beginning of its name; the longest that fits decides.
OBJECT_OF: dict[str, type[models.Model]] = {
    "users:": User,
    "users:group": Group,
    "users:edit_group": Group,
    "users:delete_group": Group,
    "users:reset_access_key": AccessKey,
    "users:revoke_access_key": AccessKey,
    "users:revoke_invitation": Invitation,
    "users:mail": Mail,
    "apis:": Api,
    "keys:": Key,
    "policies:": Policy,
    "certificates:": Certificate,
    "webhooks:": Webhook,
    "alerts:": AlertRule,
    "domains:": Domain,
    "delete_domain": Domain,
    "oauth_clients:": OAuthClient,
    "tags:": SegmentTag,
    "gateways:": Node,
    "api_gateways": Api,
    "gateway_groups:": GatewayGroup,
    "analytics:api": Api,
    "analytics:key": Key,
    "analytics:request": Record,
    "api_use": Api,
    "api_delete": Api,
    "policy_delete": Policy,
    "policy_deactivate": Policy,
    "key_use": Key,
    "portal_managing:": Entry,
    "portal_managing:developer": Developer,
    "portal_managing:edit_developer": Developer,
    "portal_managing:disable_developer": Developer,
    "portal_managing:enable_developer": Developer,
    "portal_managing:delete_developer": Developer,
    "portal_managing:revoke_invitation": SignUp,
    "portal_managing:request": KeyRequest,
    "portal_managing:edit_page": Page,
    "portal_managing:preview_page": Page,
    "portal_managing:delete_page": Page,
    "portal:": KeyRequest,
    "portal:application": Application,
    "portal:edit_application": Application,
    "portal:delete_application": Application,
    "portal:reset_password": Developer,
    "portal:ask": Plan,
    "suspend": Organisation,
    "resume": Organisation,
}


@dataclass(frozen=True)
class Url:
    """One pattern of a site: its full name, its route with %(name)s for each parameter, and its view."""

    name: str
    route: str
    parameters: tuple[str, ...]
    view: Any

    @property
    def takes_id(self) -> bool:
        return bool({"id", "object_id", "api_id"} & set(self.parameters))

    def path(self, objects: Objects) -> str:
        found = objects[self.model] if self.takes_id else None
        values = {
            "id": getattr(found, "id", ""),
            "api_id": getattr(found, "api_id", ""),
            "at": f"{found.at:{FORMAT}}" if isinstance(found, Record) else "",
            "object_id": found.pk if found else "",
            "token": "no-such-token",
            "app_label": "users",
            "url": "no-such-page",
            "slug": "getting-started" if self.name == "portal:page" else "parcels",
        }
        return "/" + self.route % {name: values[name] for name in self.parameters}

    @property
    def model(self) -> type[models.Model]:
        if self.route.startswith("admin/"):
            app, model = self.route.split("/")[1:3]
            return apps.get_model(app, model)
        fitting = [start for start in OBJECT_OF if self.name.startswith(start)]
        if not fitting:
            raise AssertionError(f"The URL {self.name} names an object: add what it is to OBJECT_OF.")
        return OBJECT_OF[max(fitting, key=len)]


def urls(urlconf: str) -> list[Url]:
    return list(_walk(import_module(urlconf).urlpatterns, "", ""))


def _walk(patterns: list[URLPattern | URLResolver], namespace: str, before: str) -> Iterator[Url]:
    for pattern in patterns:
        route = before + _route(pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, inner, route)
        else:
            parameters = tuple(re.findall(r"%\((\w+)\)s", route))
            yield Url(f"{namespace}{pattern.name}", route, parameters, pattern.callback)


def _route(pattern: URLPattern | URLResolver) -> str:
    """Turn `users/<id:id>/` into `users/%(id)s/`; the admin's regular expressions have one parameter each."""
    route = str(pattern.pattern)
    if isinstance(pattern.pattern, RegexPattern):
        return "%(app_label)s/" if "app_label" in route else "%(url)s" if "url" in route else ""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"%(\1)s", route)


def fill(organisation: Organisation | None, person: User) -> Objects:
    """Make one object of every kind that a URL names, as a user would."""
    with scope.opened(scope.of(organisation.id) if organisation else scope.INSTALLATION):
        owner = organisation.id if organisation else None
        objects: Objects = {
            User: person,
            AccessKey: create_access_key(user=person, label="laptop")[0],
            Invitation: Invitation.objects.create(
                organisation_id=owner,
                email="new@acme.example",
                digest=person.pk,
                invited_by=person.pk,
                expires_at="2100-01-01T00:00Z",
            ),
            Mail: Mail.objects.create(organisation_id=owner, kind="reset", to=person.email, subject="A new password"),
        }
        if organisation:
            listen_path = f"/{organisation.slug}/"
            objects |= {
                Organisation: organisation,
                Group: Group.objects.create(name="Support"),
                Api: import_text(DOCUMENT, listen_path=listen_path),
                Certificate: add_certificate(pem=self_signed().pem),
                Webhook: create_webhook(name="Alerts", target_url="https://alerts.example/"),
                AlertRule: create_rule(name="Errors", kind="errors", threshold=5, emails=["ops@acme.example"])[0],
                Domain: claim_domain(host=f"{organisation.slug}.example", purpose=Domain.Purpose.DASHBOARD),
                OAuthClient: create_oauth_client(api=oauth_api(f"{listen_path}tokens/"))[0],
                Key: create_key(alias="shop", has_all_apis=True)[0],
                Policy: create_policy(name="Gold", metadata={"plan": "gold"}),
            }
        else:
            objects[SegmentTag] = create_tag(name="eu")
        objects |= gateways(organisation)
        if organisation:
            objects |= portal(organisation, objects)
            objects[Record] = a_record(organisation)
        objects[AuditEntry] = AuditEntry.objects.filter(organisation=organisation).latest("id")
    return objects


def a_record(organisation: Organisation) -> Record:
    """Write a request as the intake does; no organisation may."""
    with scope.opened(scope.INTAKE), connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO analytics_record (organisation_id, at, id, api, version, key, client, endpoint, method, host,
                path, status, latency, upstream, size, address, country, agent, tags, request, response)
            VALUES (%s, date_trunc('day', now()), %s, 1, 0, 0, 0, 1, 'GET', '', '/', 200,
                1, 1, 1, '', '', '', '{}', '', '')
            """,
            [organisation.id, int(organisation.id[-12:], 16)],
        )
    return Record.objects.get()


def portal(organisation: Organisation, objects: Objects) -> Objects:
    """A portal that is on, with a developer who has a key, and waits for another one."""
    update_portal(is_on=True, sign_up="open", variables="--portal-accent: #0b6bcb;", terms="Be kind.")
    set_logo(logo=check_logo(LOGO, "logo.svg"))
    policy = objects[Policy]
    assert isinstance(policy, Policy)
    entry = create_entry(title="Parcels", api=objects[Api], is_published=True)
    [plan] = set_plans(entry=entry, plans=[{"policy": policy, "name": "Standard"}])
    developer = create(Developer(email="dev@example.com", name="Dev", terms_revision=1), password=None)
    application = create_application(developer=developer, name="Tracker")
    names = {"entry_title": "Parcels", "plan_name": "Standard"}
    request = KeyRequest.objects.create(
        application=application, plan=plan, policy=policy, state="approved",
        key=create_key(alias="Tracker", policies=[policy.pk])[0], **names,
    )  # fmt: skip
    page = create_page(slug="getting-started", title="Getting started", body="Begin.", is_published=True)
    sign_up = SignUp.objects.create(email="new@example.com", digest=organisation.id, invited_by="ann@acme.example",
                                    expires_at="2100-01-01T00:00Z")  # fmt: skip
    return {Entry: entry, Plan: plan, Developer: developer, Application: application, KeyRequest: request, Page: page,
            SignUp: sign_up}  # fmt: skip


def gateways(organisation: Organisation | None) -> Objects:
    """Make a group that serves this organisation alone, with a node; one that serves nobody where there is none."""
    served = [organisation.id] if organisation else []
    group, _ = create_group(name=f"Of {organisation}", organisation_ids=served)
    if organisation:
        Serving.objects.create(group_id=group.pk)
    with scope.opened(scope.INSTALLATION):
        node = Node.objects.create(id=str(uuid.uuid4()), group=group, host_name=f"node of {organisation}")
    return {GatewayGroup: group, Node: node}


def oauth_api(listen_path: str) -> Api:
    return create_api(
        definition=definitions.build(
            name="Tokens", listen_path=listen_path, target_url="https://tokens.example",
            authentication=Authentication.OAUTH2, rate=0, per=0, tags=[], active=True,
        )
    )  # fmt: skip


def fill_all(world: World) -> dict[str, Objects]:
    return {
        "acme": fill(world.acme, world.ann),
        "globex": fill(world.globex, world.gus),
        "none": fill(None, world.uma),
    }
