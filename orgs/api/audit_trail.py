"""The audit trail. A line is a change, not a request: it has no method, address or status."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from ipaddress import ip_address
from typing import Any

import msgspec
from django.db.models import QuerySet

from orgs.machines import Answer, Call, Paged, Refusal, Streamed, find, operation, page_of
from orgs.models import AuditEntry
from orgs.permissions import Level, ObjectKind

READ = (ObjectKind.AUDIT, Level.READ)
FIELDS = (
    "id", "organisation_id", "at", "address", "actor", "action", "kind", "object_id", "object_name", "changes",
)  # fmt: skip


class AuditQuery(Paged):
    """Days are `YYYY-MM-DD` in UTC, both included; `q` is a part of the changed object's name."""

    user: str = ""
    action: str = ""
    ip: str = ""
    from_date: str = ""
    to_date: str = ""
    method: str = ""
    url: str = ""
    status: str = ""


class Line(msgspec.Struct, rename={"id": "_id"}):
    """`changes` maps a field to what it was before and is after."""

    id: str
    org_id: str
    date: str
    timestamp: int
    ip: str
    user: str
    action: str
    kind: str
    object_id: str
    object_name: str
    changes: dict[str, Any]


class Lines(msgspec.Struct):
    audit_logs: list[Line]
    pages: int


def line(id: str, organisation_id: str | None, at: datetime, address: str | None, *rest: Any) -> Line:
    when = at.astimezone(UTC)
    return Line(id, organisation_id or "", format_datetime(when), int(when.timestamp()), address or "", *rest)


def render(rows: Iterable[Any]) -> Iterator[bytes]:
    for row in rows:
        yield msgspec.json.encode(line(*row))


def narrowed(query: AuditQuery) -> "QuerySet[AuditEntry]":
    if query.method or query.url or query.status:
        raise Refusal(400, "The audit trail has changes, not requests: leave method, url and status out.")
    entries = AuditEntry.objects.all()
    if query.user:
        entries = entries.filter(actor=query.user.lower())
    if query.action:
        entries = entries.filter(action=query.action)
    if query.ip:
        entries = entries.filter(address=_address(query.ip))
    if query.from_date:
        entries = entries.filter(at__gte=datetime.combine(_day(query.from_date), time.min, UTC))
    if query.to_date:
        entries = entries.filter(at__lte=datetime.combine(_day(query.to_date), time.max, UTC))
    if query.q:
        entries = entries.filter(object_name__icontains=query.q)
    return entries.order_by("-at", "-id")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refusal(400, "Query: a day is written as YYYY-MM-DD.") from error


def _address(text: str) -> str:
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError as error:
        raise Refusal(400, "Query: ip is not an IP address.") from error


@operation("GET", "/api/audit-logs", "The audit trail, the newest first", access=READ, query=AuditQuery, answers=Lines)
def list_audit_trail(call: Call[AuditQuery, None]) -> Answer | Streamed:
    return page_of(call, narrowed(call.query).values_list(*FIELDS), render, name="audit_logs")


@operation("GET", "/api/audit-logs/{id}", "A line of the audit trail", access=READ, answers=Line, refusals=(404,))
def get_audit_line(call: Call[Any, None], id: str) -> Line:
    entry = find(call, AuditEntry.objects.all(), "could not retrieve audit record", pk=id)
    return line(*(getattr(entry, field) for field in FIELDS))
