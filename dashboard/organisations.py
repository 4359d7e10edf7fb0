"""Organisations, for who holds the admin secret; each is shown with its APIs, so this stands above all apps."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
from django.db.models import Q

from apis.models import Api
from orgs import scope, services
from orgs.domains import services as domains
from orgs.machines import Access, Answer, Call, Paged, Refusal, Streamed, find, ok, operation, page_of
from orgs.machines.answers import Envelope
from orgs.machines.lists import sorted_by
from orgs.models import Domain, Organisation
from orgs.wire import OrganisationBody, OrganisationList, form_of, kept_of_organisation, organisation_document

ADMIN = Access.ADMIN_SECRET
MISSING = "Could not retrieve org detail"
SORTS = {"owner_name": "name", "owner_slug": "slug", "created_at": "created_at"}


class OrganisationQuery(Paged):
    """As for other lists, but all of them where no page is named; `q` begins the name or slug."""

    p: int = -1


class Deletion(msgspec.Struct):
    """`cascade` says that what the organisation owns shall go with it."""

    cascade: bool = False


def found(call: Call[Any, Any], id: str) -> Organisation:
    return find(call, Organisation.objects.all(), MISSING, pk=id)


def render(rows: Iterable[Organisation]) -> Iterator[bytes]:
    organisations = list(rows)
    ids = [organisation.id for organisation in organisations]
    apis: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    of_these = Api.objects.filter(organisation_id__in=ids)
    for owner, name, api_id in of_these.order_by("sort_name", "id").values_list("organisation_id", "name", "api_id"):
        apis[owner].append((name, api_id))
    given = domains.given(Domain.Purpose.DASHBOARD).filter(organisation_id__in=ids)
    hosts = dict(given.values_list("organisation_id", "host"))
    for organisation in organisations:
        document = organisation_document(organisation, apis[organisation.id], hosts.get(organisation.id))
        yield msgspec.json.encode(document)


@operation(
    "GET",
    "/admin/organisations",
    "The organisations",
    access=ADMIN,
    query=OrganisationQuery,
    answers=OrganisationList,
)
def list_organisations(call: Call[OrganisationQuery, None]) -> Answer | Streamed:
    rows = Organisation.objects.all()
    if begins := call.query.q:
        rows = rows.filter(Q(name__istartswith=begins) | Q(slug__istartswith=begins))
    return page_of(call, sorted_by(rows, call.query.sort, SORTS), render, name="organisations")


@operation(
    "GET",
    "/admin/organisations/{id}",
    "An organisation",
    access=ADMIN,
    answers=OrganisationBody,
    refusals=(404,),
)
def get_organisation(call: Call[Any, None], id: str) -> Answer:
    (document,) = render([found(call, id)])
    return Answer(document)


@operation(
    "POST",
    "/admin/organisations",
    "Create an organisation",
    access=ADMIN,
    body=OrganisationBody,
    answers=Envelope,
)
def create_organisation(call: Call[Any, OrganisationBody]) -> Answer:
    """Its address is made from `owner_slug`, else from `owner_name`, and differs from every other."""
    return ok("Org created", _make(call).id)


@operation(
    "POST",
    "/admin/organisations/import",
    "Create an organisation that has an id already",
    access=ADMIN,
    body=OrganisationBody,
    answers=Envelope,
    refusals=(403,),
)
def import_organisation(call: Call[Any, OrganisationBody]) -> Answer:
    if not call.body.id:
        raise Refusal(400, "id: say which id the organisation has.")
    return ok("Org imported", _make(call, id=call.body.id).id)


def _make(call: Call[Any, OrganisationBody], id: str = "") -> Organisation:
    sent = call.body
    organisation = services.create_with_free_slug(
        slug=sent.owner_slug or "", name=sent.name, id=id, extra=kept_of_organisation(call.document)
    )
    _place(organisation, sent)
    return organisation


@operation(
    "PUT",
    "/admin/organisations/{id}",
    "Replace what is said of an organisation",
    access=ADMIN,
    body=OrganisationBody,
    answers=Envelope,
    refusals=(404,),
)
def update_organisation(call: Call[Any, OrganisationBody], id: str) -> Answer:
    """Its id, its address and its APIs stay."""
    organisation, sent = found(call, id), call.body
    if sent.id not in (None, "", id):
        raise Refusal(400, "id: an organisation keeps its id.")
    with scope.opened(scope.of(id)):
        name, extra = sent.owner_name or organisation.name, kept_of_organisation(call.document)
        services.keep_fields(organisation=organisation, name=name, extra=extra)
    _place(organisation, sent)
    return ok("Org updated")


def _place(organisation: Organisation, sent: OrganisationBody) -> None:
    """Let its site stand at `cname` where that can be; else the name is kept, and `cname_enabled` says no."""
    with scope.opened(scope.of(organisation.id)), suppress(domains.DomainRefused):
        before = domains.given(Domain.Purpose.DASHBOARD).last()
        if sent.cname_enabled is False and before:
            domains.withdraw(host=before.host)
        elif sent.cname_enabled and sent.cname and (before is None or sent.cname != before.host):
            vouched = domains.vouch(host=sent.cname, purpose=Domain.Purpose.DASHBOARD)
            if before and before != vouched:
                domains.withdraw(host=before.host)


@operation(
    "DELETE",
    "/admin/organisations/{id}",
    "Delete an organisation",
    access=ADMIN,
    query=Deletion,
    answers=Envelope,
    refusals=(404, 409),
)
def delete_organisation(call: Call[Deletion, None], id: str) -> Answer:
    """`Meta` says how many of which things went with it."""
    return ok("Org deleted", services.delete_organisation(organisation=found(call, id), cascade=call.query.cascade))


@operation(
    "POST",
    "/admin/organisations/{id}/generate-portals",
    "Say where an organisation's portal shall be",
    access=ADMIN,
    body={"type": "object", "properties": {"domain": {"type": "string"}}},
    body_types=("application/x-www-form-urlencoded",),
    answers=Envelope,
    refusals=(404,),
)
def generate_portals(call: Call[Any, bytes], id: str) -> Answer:
    """The portal stands there where that can be; else the domain is kept."""
    organisation, domain = found(call, id), form_of(call.body).get("domain", "")
    if domain:
        host = domains.host_of(domain)
        extra = organisation.extra | {"portal_domain": host}
        with scope.opened(scope.of(id)):
            with suppress(domains.DomainRefused):
                domains.vouch(host=host, purpose=Domain.Purpose.PORTAL)
            services.keep_fields(organisation=organisation, name=organisation.name, extra=extra)
    return ok("Org updated")
