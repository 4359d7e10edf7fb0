"""One call of an operation, as its handler sees it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from django.db import models
from django.http import HttpRequest

from orgs import audit, scope
from orgs.ids import is_id
from orgs.machines.answers import Refusal, not_found
from orgs.models import Organisation

if TYPE_CHECKING:
    from users.models import User

Q = TypeVar("Q")
B = TypeVar("B")
M = TypeVar("M", bound=models.Model)


class Everything(msgspec.Struct):
    """The query of an operation that has none."""


@dataclass
class Call(Generic[Q, B]):
    """`document` is the request's JSON as it came, `body` the same in the operation's type where it has one.

    `user` and `organisation` are None for the admin secret, `organisation` also for unbounded users. `scope` is the
    open one.
    """

    request: HttpRequest
    query: Q
    body: B
    document: Any
    scope: scope.Scope
    actor: audit.Actor
    user_or_none: "User | None" = None
    organisation_or_none: Organisation | None = None

    @property
    def user(self) -> "User":
        assert self.user_or_none is not None, "The operation takes no access key."  # noqa: S101
        return self.user_or_none

    @property
    def organisation(self) -> Organisation:
        """The caller's; unbounded users have none, and change nothing that needs one."""
        if self.organisation_or_none is None:
            raise Refusal(403, "An unbounded user changes nothing of an organisation.")
        return self.organisation_or_none

    @property
    def if_match(self) -> int | None:
        """The revision that the client's change was made from; None where it does not say."""
        text = self.request.headers.get("If-Match", "").strip()
        if text in ("", "*"):
            return None
        number = text.removeprefix("W/").strip('"')
        if not number.isdecimal() or len(number) > 9:
            raise Refusal(412, "If-Match is not a tag that this API has given.")
        return int(number)

    def has(self, revision: int) -> bool:
        """Whether the client says that it has this revision already."""
        return self.request.headers.get("If-None-Match", "").strip().removeprefix("W/") == f'"{revision}"'


def find(call: Call[Any, Any], rows: "models.QuerySet[M]", missing: str, **lookup: Any) -> M:
    """Return the one row of the scope; what is not there is answered with `missing`, wherever else it may be.

    When an unbounded user looks at a row of an organisation, its trail says so.
    """
    for value in lookup.values():
        if isinstance(value, str) and "\0" in value:
            raise not_found(missing)
    if "pk" in lookup and not is_id(str(lookup["pk"])):
        raise not_found(missing)
    found = rows.filter(**lookup).first() if lookup else rows.first()
    if found is None:
        raise not_found(missing)
    record_visit(call, getattr(found, "organisation_id", None))
    return found


def record_visit(call: Call[Any, Any], organisation_id: str | None, *, path: str = "") -> None:
    """`path` is for what the real one must not tell the trail: it may hold a secret."""
    if call.user_or_none and call.user_or_none.is_unbounded and organisation_id:
        with scope.opened(scope.visit(organisation_id)):
            audit.record(audit.VISITED, kind="organisation", name=(path or call.request.path)[:200])
