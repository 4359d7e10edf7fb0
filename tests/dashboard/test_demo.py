from collections import Counter
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from analytics.models import DeadLetter, Facet, Hour, Record
from analytics.pages.subjects import number_of_key
from apis import openapi
from apis.models import Api
from dashboard.demo import content, making, traffic
from dashboard.demo.documents import document_of
from dashboard.demo.portal import emails
from dashboard.management.commands import demo
from gateways.services import create_group
from keys.models import Key
from keys.states import LABELS, in_state
from orgs import scope
from orgs.models import AuditEntry, Organisation
from portal.catalogue import visible
from portal.models import Developer, KeyRequest
from tests.conftest import World, organisation, user
from users.models import Group, Invitation, User

# One with keys of every state, and one beside it.
SMALL = (
    replace(content.INITECH, resources=content.INITECH.resources[:8], key_count=24),
    replace(content.GLOBEX, resources=content.GLOBEX.resources[:2], key_count=1),
)

OF_PORTALS = ("portal", "portal_pages", "catalogue", "developers", "applications", "key_requests")


def shown_password(text: str) -> str:
    return text.partition("password is ")[2].partition(" ")[0]


@pytest.fixture
def run(db: None, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> str:
    """What a smaller demo prints, where mail reaches nobody."""
    monkeypatch.setattr(demo, "ORGANISATIONS", SMALL)
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    return printed()


def printed() -> str:
    out = StringIO()
    call_command("demo", stdout=out)
    return out.getvalue()


def opened(slug: str) -> scope.Scope:
    found = making.find(slug)
    assert found
    return scope.of(found.id)


def counts() -> dict[str, int]:
    with scope.opened(scope.EVERYTHING):
        models = (Organisation, User, Group, Invitation, Api, Key, Developer, AuditEntry)
        return {model.__name__: model.objects.count() for model in models}


def test_demo_fills_its_organisations(run: str) -> None:
    assert counts() | {"AuditEntry": 0} == {
        "Organisation": 2, "User": 5 + 7 + 1, "Group": 10, "Invitation": 2,
        "Api": 8 + 4, "Key": 25 + 9 + 7, "Developer": 7 + 7, "AuditEntry": 0,
    }  # fmt: skip


def test_demo_has_requests_where_gateways_serve_its_organisations(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    create_group(name="Gateways", serves_all=True)
    monkeypatch.setattr(demo, "ORGANISATIONS", SMALL)
    printed()
    with scope.opened(opened("initech-logistics")):
        assert Record.objects.count() == 24 * traffic.REQUESTS_OF_A_KEY
        keys = Hour.objects.filter(facet=Facet.KEY).values("value").distinct().count()
        developers = KeyRequest.objects.filter(key__is_disabled=False).values_list("key__hash", flat=True)
        called = {hash: Hour.objects.filter(facet=Facet.KEY, value=number_of_key(hash)).count() for hash in developers}
        assert [hash for hash, hours in called.items() if hours < 10] == []
        assert 6 < keys - len(called) < 16  # of those that name APIs, without every fourth
    with scope.opened(scope.INSTALLATION):
        assert DeadLetter.objects.count() == 0


def test_demo_is_of_a_believable_size() -> None:
    sizes = [
        (made.slug, len(made.environments) * len(made.resources), made.key_count) for made in content.ORGANISATIONS
    ]
    assert sizes == [("acme-payments", 60, 250), ("globex-retail", 34, 120), ("initech-logistics", 15, 60)]


def test_demo_has_keys_of_every_state(run: str) -> None:
    with scope.opened(opened("initech-logistics")):
        dawn = timezone.now() + timedelta(seconds=1)
        states = {state: Key.objects.filter(in_state(state, now=dawn)).count() for state in LABELS}
        assert states == {"active": 21 + 8, "expiring": 1, "expired": 1, "disabled": 1 + 1, "revoked": 1}
        assert Key.objects.filter(previous_until__gt=dawn).count() == 1
        assert Key.objects.filter(has_all_apis=True).count() == 1


def test_demo_writes_its_history_in_the_names_of_those_who_may(run: str) -> None:
    with scope.opened(opened("initech-logistics")):
        own = AuditEntry.objects.exclude(kind__in=OF_PORTALS).exclude(actor__in=emails())
        lines = Counter(own.values_list("actor", "action"))
    administrator, editor = "peter.gibson@initech-logistics.example", "samira.nagy@initech-logistics.example"
    assert lines == {
        ("manage.py demo", "created"): 1 + 5 + 1,  # the organisation, its groups, its first user
        ("manage.py demo", "changed"): 1,  # the tag that it is given
        ("manage.py demo", "proven"): 1,  # the domain that it is given
        (administrator, "created"): 4 + 4 + 2 + 1 + 1,  # users, policies, certificates, a webhook, a domain
        (administrator, "disabled"): 1 + 1,  # a user, and the key of a developer
        (administrator, "invited"): 1,
        (administrator, "changed"): 3,
        (editor, "created"): 8 + 1 + 24,  # APIs, an access key, keys
        (editor, "deactivated"): 1,
        (editor, "changed"): 2,
        (editor, "disabled"): 1,
        (editor, "revoked"): 1,
        (editor, "rotated"): 1,
    }


def test_demo_has_developers_who_have_asked_for_their_keys(run: str) -> None:
    with scope.opened(opened("initech-logistics")):
        lines = Counter(AuditEntry.objects.filter(actor__in=emails()).values_list("action", "kind"))
        by_state = Counter(KeyRequest.objects.values_list("state", flat=True))
        unseen = [
            asked
            for asked in KeyRequest.objects.select_related("application__developer")
            if not visible(asked.application.developer).filter(plans__requests=asked)
        ]
    assert lines == {
        ("signed up", "developers"): 7,
        ("created", "applications"): 7,
        ("asked for", "key_requests"): 9 + 4,
        ("created", "keys"): 9,
    }
    assert (by_state, unseen) == ({"approved": 9, "pending": 3, "refused": 1}, [])


def test_demo_documents_what_it_publishes(run: str) -> None:
    visitor = Client()
    page = visitor.get("/o/initech-logistics/portal/apis/tracking/").content.decode()
    assert "/{id}/history" in page
    assert ".internal." not in page


def test_demo_writes_documents_that_can_be_imported() -> None:
    resources = [resource for made in content.ORGANISATIONS for resource in made.resources]
    documents = [openapi.document_of(document_of(resource), is_served=True) for resource in resources]
    assert [(made.title, made.operations) for made in documents] == [(resource.name, 6) for resource in resources]


def test_demo_prints_what_signs_in(run: str) -> None:
    people = {
        "/o/initech-logistics/": "peter.gibson@initech-logistics.example",
        "/o/initech-logistics/portal/": "amara@northwind.example",
        "/o/globex-retail/": "lena.fischer@globex-retail.example",
        "/all/": content.UNBOUNDED_EMAIL,
    }
    assert [email for email in people.values() if email not in run] == []
    form = {"password": shown_password(run)}
    answers = {path: Client().post(f"{path}sign-in/", form | {"email": people[path]}) for path in people}
    assert {path: answer.headers.get("Location") for path, answer in answers.items()} == {p: p for p in people}


def test_demo_run_again_changes_nothing_and_shows_no_password(run: str) -> None:
    before, password = counts(), shown_password(run)
    again = printed()
    assert counts() == before
    assert (password in again, content.UNBOUNDED_EMAIL in again, "peter.gibson@" in again) == (
        False,
        True,
        True,
    )


def test_demo_leaves_an_organisation_of_that_name_alone(world: World) -> None:
    organisation("globex-retail")
    before = counts()
    with pytest.raises(CommandError, match="organisation globex-retail that is not the demo's"):
        printed()
    assert counts() == before


def test_demo_leaves_an_unbounded_user_of_that_name_alone(world: World) -> None:
    user(content.UNBOUNDED_EMAIL, None)
    before = counts()
    with pytest.raises(CommandError, match=r"unbounded user uma.lindqvist@.* who is not"):
        printed()
    assert counts() == before


def test_demo_invites_nobody_where_mail_is_real(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "ORGANISATIONS", SMALL[1:])
    printed()
    assert counts()["Invitation"] == 0
