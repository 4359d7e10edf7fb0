"""The list of certificates: what it can be narrowed to and sorted by."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import F, Func, Q, QuerySet, TextField, Value
from django.db.models.functions import Coalesce, Concat
from django.http import QueryDict
from django.utils import timezone

from apis.certificates.reading import EXPIRING_WITHIN_DAYS, state_at
from apis.models import Certificate
from orgs import paging
from orgs.display import when, when_of
from orgs.http import OrgRequest
from orgs.listing import Column, Select, listing, table_rows
from orgs.paging import Sort

# A public key has no end: it comes after all that have one.
LAST = datetime(9999, 12, 31, tzinfo=UTC)
SORTS = {
    "newest": Sort("-created_at", is_moment=True),
    "oldest": Sort("created_at", is_moment=True),
    "expiry": Sort("ends", is_moment=True),
    "-expiry": Sort("-ends", is_moment=True),
}
COLUMNS = (
    Column("Subject and DNS names"),
    Column("ID"),
    Column("State and expiry", "expiry", "-expiry"),
    Column("Added", "oldest", "newest"),
)
STATES = {"valid": "Valid", "expiring": f"Expires within {EXPIRING_WITHIN_DAYS} days", "expired": "Expired"}
SELECTS = (Select("state", "State", (("", "Any state"), *STATES.items())),)
FIELDS = ("id", "organisation_id", "subject", "dns_names", "fingerprint", "not_before", "not_after", "created")
MOST_DNS_NAMES, MOST_WORDS = 3, 5
ROW = """<tr><td class="breaks"><a href="{}">{}</a><span class="sub">{}</span></td>
<td data-label="ID" class="when"><span><code>…{}…</code></span>
<input id="id-{}" class="visually-hidden" value="{}" readonly tabindex="-1" aria-hidden="true">
<button class="btn btn-sm" type="button" data-copy="id-{}" hidden><span>Copy</span>
<span class="visually-hidden">the ID of {}</span></button></td>
<td data-label="State and expiry" class="when"><span class="state state-{}">{}</span><span class="sub">{}</span></td>
<td data-label="Added" class="when">{}</td></tr>
"""


# It may stand here: whose certificates these are is looked up when a page asks. But take `.all()` of it.
LISTED = Certificate.objects.annotate(
    created=when_of("created_at"),
    ends=Coalesce("not_after", Value(LAST)),
    text=Concat(
        "subject",
        Value(" "),
        Func(F("dns_names"), Value(" "), function="array_to_string", output_field=TextField()),
        Value(" "),
        "organisation_id",
        "fingerprint",
        output_field=TextField(),
    ),
)


def narrowed(query: QueryDict, *, now: datetime) -> "QuerySet[Certificate]":
    """Words are looked for anywhere in the names and the id: an organisation has few certificates."""
    certificates = LISTED.all()
    for word in query.get("q", "").replace("\0", "").split()[:MOST_WORDS]:
        certificates = certificates.filter(text__icontains=word)
    soon = now + timedelta(days=EXPIRING_WITHIN_DAYS)
    in_state = {
        "valid": Q(not_after__gt=now),
        "expiring": Q(not_after__gt=now, not_after__lte=soon),
        "expired": Q(not_after__lte=now),
    }.get(query.get("state", ""))
    return certificates.filter(in_state) if in_state else certificates


def certificate_list(request: OrgRequest, *, may_write: bool) -> dict[str, Any]:
    """Return the context of the page."""
    now = timezone.now()
    name, sort = paging.sort_of(request.GET, SORTS)
    page = paging.page(narrowed(request.GET, now=now), query=request.GET, sort=sort, fields=FIELDS)
    prefix = f"{request.site.prefix}/certificates/"
    empty = {
        "icon": "shield-lock",
        "title": "No certificates yet",
        "text": "APIs and keys name certificates: to show their own, and to know who calls and who answers.",
    }
    if may_write:
        empty |= {"action_url": f"{prefix}add/", "action_label": "Add a certificate"}
    context = listing(
        request,
        page,
        label="Certificates",
        columns=COLUMNS,
        sort=name,
        search="Subject, DNS name or ID",
        selects=SELECTS,
        empty=empty,
    )
    rows = table_rows(ROW, [_row(prefix, now, *values) for values in page.rows])
    return context | {"rows": rows, "may_write": may_write}


def name_of(subject: str, dns_names: list[str], fingerprint: str) -> str:
    return subject or ", ".join(dns_names[:1]) or f"{fingerprint[:12]}…"


def _row(
    prefix: str,
    now: datetime,
    id: str,
    organisation_id: str,
    subject: str,
    dns_names: list[str],
    fingerprint: str,
    not_before: datetime | None,
    not_after: datetime | None,
    created: str,
) -> tuple[str, ...]:
    name = name_of(subject, dns_names, fingerprint)
    more = f" and {len(dns_names) - MOST_DNS_NAMES:,} more" if len(dns_names) > MOST_DNS_NAMES else ""
    return (
        f"{prefix}{id}/",
        name,
        ", ".join(dns_names[:MOST_DNS_NAMES]) + more,
        fingerprint[:12],
        id,
        f"{organisation_id}{fingerprint}",
        id,
        name,
        *state_at(now, not_before=not_before, not_after=not_after),
        when(not_after),
        created,
    )
