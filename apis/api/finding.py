"""What the operations of APIs share: which API is meant, and whose."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apis.models import Api
from apis.services import SameApiId
from orgs.ids import is_id
from orgs.machines import Call, Refusal, not_found
from orgs.machines.calls import record_visit
from users.wire import FOREIGN

MISSING = "Could not retrieve API detail"


def find_api(call: Call[Any, Any], id: str, missing: str = MISSING, **lookup: Any) -> Api:
    """Return the API whose id or `api_id` it is, without its OpenAPI document."""
    apis = Api.objects.filter(**lookup).defer("openapi")
    api = apis.filter(pk=id).first() if is_id(id) else None
    if api is None and "\0" not in id:
        api = apis.filter(api_id=id).first()
    if api is None:
        raise not_found(missing)
    record_visit(call, api.organisation_id)
    return api


def require_own(call: Call[Any, Any], org_id: object) -> None:
    """Refuse the id of any organisation but the caller's, whether there is one or not."""
    if org_id not in (None, "", call.organisation.pk):
        raise Refusal(400, FOREIGN)


def require_new(call: Call[Any, Any]) -> None:
    """Refuse a body that names another organisation, or an id for what is to be created."""
    require_own(call, call.body.org_id)
    if call.body.id:
        raise Refusal(400, "id is given here: leave it out.")


def require_same(call: Call[Any, Any], id: str, what: str) -> None:
    """Refuse a body that names another organisation, or another id than the object's; `what` is its kind."""
    require_own(call, call.body.org_id)
    if call.body.id not in (None, "", id):
        raise Refusal(400, f"id: {what} keeps its id.")


@contextmanager
def clients_words() -> Iterator[None]:
    """Say of an id that is taken in the organisation what clients look for."""
    try:
        yield
    except SameApiId as taken:
        raise Refusal(409, "Found API with the same ID") from taken
