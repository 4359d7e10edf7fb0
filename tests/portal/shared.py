"""A portal with something in it, and browsers of its developers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from typing import Any, cast

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext

from apis.models import Api
from keys.models import Policy
from keys.policies.services import create_policy
from keys.rights import ApiAccess
from orgs import scope
from orgs.models import Organisation
from portal.models import Application, Developer, Entry, KeyRequest, Plan, Portal
from portal.services import publishing, signing_up
from portal.services.settings import update_portal
from portal.sessions import SessionStore, belongs_to
from tests.conftest import PASSWORD, SiteClient, hashed
from tests.keys.test_services import make_api
from tests.users.mailbox import delivered

DOCUMENT = """{"openapi": "3.0.3", "info": {"title": "Parcels", "version": "1"},
"servers": [{"url": "https://inner.example/secret"}],
"paths": {"/parcels": {"get": {"summary": "All parcels", "responses": {"200": {"description": "ok"}}}}}}"""


@dataclass(frozen=True)
class Shop:
    """What an organisation has published, and a developer of it."""

    organisation: Organisation
    portal: Portal
    api: Api
    policy: Policy
    entry: Entry
    plan: Plan
    dev: Developer

    @property
    def prefix(self) -> str:
        return f"/o/{self.organisation.slug}/portal"

    def client(self) -> SiteClient:
        return developer_client(self.dev, self.prefix)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Run the block in the organisation's scope."""
        with scope.opened(scope.of(self.organisation.id)):
            yield

    def change(self, **settings: Any) -> None:
        with self.inside():
            update_portal(**settings)


def open_shop(organisation: Organisation, **portal: Any) -> Shop:
    """Switch the portal on, with one API in it and a developer with the same address in every organisation."""
    with scope.opened(scope.of(organisation.id)):
        options = {"is_on": True, "sign_up": Portal.OPEN, "gateway_url": "https://api.acme.example", **portal}
        opened = update_portal(**options)
        api = make_api("Parcels")
        api.openapi = DOCUMENT
        api.save(update_fields=["openapi"])
        policy = create_policy(name="Gold", accesses=[ApiAccess(api.pk)], rate=10, per_s=1, quota_max=100)
        entry = publishing.create_entry(
            title="Parcels", api=api, summary="Where parcels are", is_published=True, categories=["logistics"]
        )
        [plan] = publishing.set_plans(entry=entry, plans=[{"policy": policy, "name": "Standard"}])
        return Shop(organisation, opened, api, policy, entry, plan, make_developer("dev@example.com"))


def make_developer(email: str, **fields: Any) -> Developer:
    made = signing_up.create(Developer(email=email, name=email.partition("@")[0].capitalize(), **fields), password=None)
    made.password = hashed(PASSWORD)
    made.save(update_fields=["password"])
    return made


def developer_client(developer: Developer, prefix: str) -> SiteClient:
    """Return a browser with a real session of this developer, made as a sign-in makes it."""
    with scope.opened(scope.of(developer.organisation_id)):
        session = SessionStore()
        belongs_to(session, developer)
        session.create()
    client = SiteClient(prefix)
    slug = prefix.split("/")[2]
    client.cookies[f"{settings.SESSION_COOKIE_NAME}_p-{slug}"] = cast(str, session.session_key)
    return client


def a_request(shop: Shop, **fields: Any) -> KeyRequest:
    """A request that waits, in an application of the shop's developer."""
    application = Application.objects.create(developer=shop.dev, name=fields.pop("application", "Tracker"))
    columns = {"plan": shop.plan, "policy": shop.policy, "entry_title": "Parcels", "plan_name": "Standard"}
    return KeyRequest.objects.create(application=application, **columns | fields)


def text_of(answer: Any) -> str:
    """Return what a page says, without its markup."""
    markup = cast(HttpResponse, answer).content.decode()
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))


def newest_mail() -> EmailMessage:
    return delivered()[-1]


def link_in(mail: EmailMessage) -> str:
    return str(re.findall(r"https?://\S+", str(mail.body))[0])


def shown_secret(answer: Any) -> str:
    html = cast(HttpResponse, answer).content.decode()
    return str(re.findall(r'id="secret-value"[^>]* value="([^"]+)"', html)[0])


@contextmanager
def counted() -> Iterator[list[str]]:
    """Collect the statements of the block, but those that open scopes."""
    statements: list[str] = []
    with CaptureQueriesContext(connection) as asked:
        yield statements
    statements += [query["sql"] for query in asked.captured_queries if "set_config" not in query["sql"]]
