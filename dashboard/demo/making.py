"""Fills organisations through the services, each change in the name of whoever would make it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.urls import get_urlconf, set_urlconf

from dashboard.demo.apis import make_apis, move_to_second_version
from dashboard.demo.beside import (
    give_domain,
    make_certificates,
    make_domain,
    make_oauth_clients,
    make_policies,
    make_webhook,
)
from dashboard.demo.content import GROUPS, UNBOUNDED_EMAIL, UNBOUNDED_NAME, DemoOrganisation
from dashboard.demo.keys import make_key, raise_limits
from dashboard.demo.portal import make_portal
from gateways.tags.services import create_tag
from orgs import audit, scope
from orgs.http import OrgRequest
from orgs.middleware import script_prefix
from orgs.models import AuditEntry, Organisation
from orgs.services import create_organisation
from orgs.sites import Kind, Site
from portal.addresses import places_of
from users import mail
from users.models import Group, User
from users.services import create_unbounded_user, create_user, disable_user
from users.services.access_keys import create_access_key
from users.services.groups import create_group
from users.services.invitations import invite

ACTOR = audit.Actor(id="", name="manage.py demo")
Tell = Callable[[str], None]


class NotOurs(Exception):
    """There is something of the demo's name that the demo did not make; the text is a sentence."""


def is_there(demos: Iterable[DemoOrganisation]) -> bool:
    """Whether the demo has been made before. Raises NotOurs."""
    found = [organisation for demo in demos if (organisation := find(demo.slug))]
    for organisation in found:
        if not made_by_demo(organisation):
            raise NotOurs(f"There is an organisation {organisation.slug} that is not the demo's.")
    if not found and has_unbounded_user():
        raise NotOurs(f"There is an unbounded user {UNBOUNDED_EMAIL} who is not the demo's.")
    return bool(found)


def has_unbounded_user() -> bool:
    with scope.opened(scope.INSTALLATION):
        return User.objects.filter(email=UNBOUNDED_EMAIL, organisation=None).exists()


def find(slug: str) -> Organisation | None:
    with scope.opened(scope.by_slug(slug)):
        return Organisation.objects.filter(slug=slug).first()


def made_by_demo(organisation: Organisation) -> bool:
    """The audit trail cannot be changed, and no user acts without an id."""
    with scope.opened(scope.of(organisation.id)):
        lines = AuditEntry.objects.filter(object_id=organisation.id, action="created")
        return lines.filter(actor=ACTOR.name, actor_id="").exists()


@transaction.atomic
def make(demos: Iterable[DemoOrganisation], *, password: str, tell: Tell) -> list[str]:
    """Make everything or nothing; every user and developer gets the same password. Return the organisations' ids."""
    made = []
    with audit.acting(ACTOR):
        for demo in demos:
            organisation = create_organisation(slug=demo.slug, name=demo.name, colour=demo.colour, contact=demo.contact)
            with scope.opened(scope.of(organisation.id)):
                fill(organisation, demo, password, tell)
            create_tag(name=demo.slug, owner_id=organisation.id, is_automatic=True)
            made.append(organisation.id)
        create_tag(name="public")
        with scope.opened(scope.INSTALLATION):
            create_unbounded_user(email=UNBOUNDED_EMAIL, name=UNBOUNDED_NAME, password=password)
    return made


def fill(organisation: Organisation, demo: DemoOrganisation, password: str, tell: Tell) -> None:
    tell(f"{demo.name}: users")
    groups = {name: make_group(name) for name in GROUPS}
    team = make_people(demo, groups, password)
    administrator = team[0]
    pending_invitation(organisation, demo, groups, by=administrator)
    publishers, issuers = members(team, "API team"), members(team, "Key desk")
    give_domain(demo)
    tell(f"{demo.name}: APIs")
    with acting(publishers[0]):
        apis = make_apis(demo)
    with acting(publishers[-1]):
        move_to_second_version(apis)
        create_access_key(user=publishers[-1], label="nightly release")
    with acting(administrator):
        policies = make_policies(demo, apis)
        make_certificates(demo)
        make_webhook(demo)
        make_domain(demo)
        make_oauth_clients(apis)
    keys = []
    names = [user.name.partition(" ")[0].lower() for user in team]
    for number in range(demo.key_count):
        if number % 10 == 0:
            tell(f"{demo.name}: {number} of {demo.key_count} keys")
        with acting(issuers[number % len(issuers)]):
            keys.append(make_key(demo, number, apis, policies, names))
    with acting(administrator):
        raise_limits(keys)
        tell(f"{demo.name}: developer portal")
        with a_request(organisation) as request:
            make_portal(demo, apis, policies, places_of(request), password=password)


def make_group(name: str) -> Group:
    description, permissions = GROUPS[name]
    return create_group(name=name, description=description, permissions=permissions, by=None)


def make_people(demo: DemoOrganisation, groups: dict[str, Group], password: str) -> list[User]:
    """Make the users, the first by this command and the others by the first; return those who can act."""
    team: list[User] = []
    for person in demo.people:
        by = team[0] if team else None
        with acting(by):
            user = create_user(
                email=demo.email(person),
                name=person.name,
                password=password,
                is_administrator=person.is_administrator,
                groups=[groups[name] for name in person.groups],
                by=by,
            )
            if person.is_disabled:
                disable_user(user=user, by=by)
            else:
                team.append(user)
    return team


def members(team: list[User], group: str) -> list[User]:
    return [user for user in team if user.groups.filter(name=group).exists()]


@contextmanager
def acting(user: User | None) -> Iterator[None]:
    with audit.acting(audit.Actor(id=user.pk, name=user.email) if user else ACTOR):
        yield


def pending_invitation(
    organisation: Organisation, demo: DemoOrganisation, groups: dict[str, Group], *, by: User
) -> None:
    """Leave an invitation open; none where mail is real, since the address is not."""
    if mail.is_real():
        return
    chosen = [groups[name] for name in demo.invited.groups]
    with acting(by), a_request(organisation) as request:
        invite(request=request, by=by, email=demo.email(demo.invited), name=demo.invited.name, groups=chosen)


@contextmanager
def a_request(organisation: Organisation) -> Iterator[OrgRequest]:
    """A request as the middleware makes it: the service builds a link, which nobody needs here."""
    site = Site(Kind.ORGANISATION, prefix=f"/o/{organisation.slug}", slug=organisation.slug, organisation=organisation)
    request = OrgRequest()
    request.META.update(SERVER_NAME="localhost", SERVER_PORT="80")
    request.site, request.organisation = site, organisation
    outer = get_urlconf()
    set_urlconf(site.urlconf)
    try:
        with script_prefix(site.prefix):
            yield request
    finally:
        set_urlconf(outer)
